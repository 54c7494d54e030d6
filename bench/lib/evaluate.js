'use strict';
/** From samples to medians, intervals and ratios; every ratio pairs values of the same round. */
const loop = require('./loop.js');
const redis = require('./redis.js');
const { estimate } = require('./stats.js');

/**
 * @typedef {import('./stats.js').Estimate} Estimate
 * @typedef {import('./rounds.js').Outcome} Outcome
 * @typedef {{name: string, figures: Record<string, Estimate>, seenShare: number | null}} Row
 * @typedef {object} Ratio
 * @property {string} name
 * @property {string} of what is divided by what
 * @property {Estimate} value
 * @property {number | null} goal
 * @property {'most' | 'least'} bound
 * @property {boolean | null} met by the median; null without a goal
 * @property {boolean} certain the whole interval lies on the median's side of the goal
 */

/** @param {Outcome} outcome @returns {Row[]} */
function rows(outcome) {
  return Object.entries(outcome.samples).map(([name, samples]) => {
    const figures = Object.keys(samples[0]?.figures ?? {});
    const shares = samples.flatMap(({ seenShare }) => (seenShare === null ? [] : [seenShare]));
    return {
      name,
      figures: Object.fromEntries(
        figures.map((figure) => [figure, estimate(column(outcome, name, figure))]),
      ),
      seenShare: shares.length > 0 ? Math.min(...shares) : null,
    };
  });
}

/** @param {Outcome} outcome @param {string} name @param {string} figure */
function column(outcome, name, figure) {
  return (outcome.samples[name] ?? []).map(({ figures }) => Number(figures[figure]));
}

/**
 * @param {Pick<Ratio, 'name' | 'of' | 'goal' | 'bound'>} ratio
 * @param {number[]} values
 * @returns {Ratio}
 */
function judge(ratio, values) {
  // A round whose yardstick shows no cost at all has no ratio; `n` says how many had one.
  const value = estimate(values.filter(Number.isFinite));
  const { goal, bound } = ratio;
  if (goal === null) return { ...ratio, value, met: null, certain: false };
  const within = (/** @type {number} */ x) => (bound === 'most' ? x <= goal : x >= goal);
  const met = within(value.median);
  const { low, high } = value;
  const certain = low !== null && high !== null && within(low) === met && within(high) === met;
  return { ...ratio, value, met, certain };
}

/** @param {Outcome} outcome @returns {Ratio[]} */
function loopRatios(outcome) {
  const untraced = column(outcome, 'untraced', 'ns');
  /** @param {string} name */
  const extra = (name) => column(outcome, name, 'ns').map((ns, i) => ns - Number(untraced[i]));
  return loop.RATIOS.map(([subject, yardstick, goal]) => {
    const base = extra(yardstick);
    const values = extra(subject).map((ns, i) => {
      const by = Number(base[i]);
      return by > 0 ? ns / by : Number.NaN;
    });
    const of = `extra time per call, by that of ${yardstick}`;
    return judge({ name: subject, of, goal, bound: 'most' }, values);
  });
}

/** @param {Outcome} outcome @returns {Ratio[]} */
function redisRatios(outcome) {
  const goals = new Map(/** @type {[string, number][]} */ ([...redis.RATIOS]));
  const rate = column(outcome, 'untraced', 'requestsPerSecond');
  const cpu = column(outcome, 'untraced', 'cpuNsPerRequest');
  return Object.keys(outcome.samples)
    .filter((name) => name !== 'untraced')
    .flatMap((name) => {
      const throughput = column(outcome, name, 'requestsPerSecond').map(
        (x, i) => x / Number(rate[i]),
      );
      const time = column(outcome, name, 'cpuNsPerRequest').map((x, i) => Number(cpu[i]) / x);
      const goal = goals.get(name) ?? null;
      return [
        judge({ name, of: 'throughput, by untraced', goal, bound: 'least' }, throughput),
        judge(
          { name, of: "server's CPU time, untraced by this", goal: null, bound: 'least' },
          time,
        ),
      ];
    });
}

module.exports = { loopRatios, redisRatios, rows };
