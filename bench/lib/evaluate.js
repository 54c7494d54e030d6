'use strict';
/** From samples to medians, intervals and ratios; every ratio pairs values of the same round. */
const loop = require('./loop.js');
const redis = require('./redis.js');
const started = require('./started.js');
const { estimate } = require('./stats.js');

/**
 * @typedef {import('./stats.js').Estimate} Estimate
 * @typedef {import('./rounds.js').Outcome} Outcome
 * @typedef {{name: string, figures: Record<string, Estimate>, seenShare: number | null}} Row
 * @typedef {object} Ratio
 * @property {string} name
 * @property {string} by the configuration it is divided by
 * @property {'extraTime' | 'time' | 'throughput' | 'serverCpu'} of what is divided
 * @property {Estimate} value
 * @property {number | null} goal
 * @property {'most' | 'least'} bound
 * @property {boolean | null} met by the median; null without a goal or an interval
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
 * @param {Pick<Ratio, 'name' | 'by' | 'of' | 'goal' | 'bound'>} ratio
 * @param {number[]} values
 * @returns {Ratio}
 */
function judge(ratio, values) {
  // A round whose yardstick shows no cost at all has no ratio; `n` says how many had one.
  const value = estimate(values.filter(Number.isFinite));
  const { goal, bound } = ratio;
  const { low, high } = value;
  if (goal === null || low === null || high === null) {
    return { ...ratio, value, met: null, certain: false };
  }
  const within = (/** @type {number} */ x) => (bound === 'most' ? x <= goal : x >= goal);
  const met = within(value.median);
  const certain = within(low) === met && within(high) === met;
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
    return judge({ name: subject, by: yardstick, of: 'extraTime', goal, bound: 'most' }, values);
  });
}

/** @param {Outcome} outcome @returns {Ratio[]} */
function startedRatios(outcome) {
  return started.RATIOS.map(([subject, yardstick, goal]) => {
    const by = column(outcome, yardstick, 'ns');
    const values = column(outcome, subject, 'ns').map((ns, i) => ns / Number(by[i]));
    return judge({ name: subject, by: yardstick, of: 'time', goal, bound: 'most' }, values);
  });
}

/** @param {Outcome} outcome @returns {Ratio[]} */
function redisRatios(outcome) {
  const traced = Object.keys(outcome.samples).filter((name) => name !== 'untraced');
  const pairs = [
    ...traced.map((name) => ({ name, by: 'untraced', goal: redis.GOALS.get(name) ?? null })),
    // What sysieve adds to the cost that any program on these tracepoints has.
    { name: 'target', by: 'emptyEnter', goal: null },
    { name: 'targetDenied', by: 'emptyBoth', goal: null },
  ];
  /** @param {string} name @param {string} by @param {string} figure */
  const paired = (name, by, figure) => {
    const divisors = column(outcome, by, figure);
    return column(outcome, name, figure).map((x, i) => x / Number(divisors[i]));
  };
  return [
    ...pairs.map(({ name, by, goal }) =>
      judge(
        { name, by, of: 'throughput', goal, bound: 'least' },
        paired(name, by, 'requestsPerSecond'),
      ),
    ),
    ...pairs.map(({ name, by }) =>
      judge(
        { name, by, of: 'serverCpu', goal: null, bound: 'most' },
        paired(name, by, 'cpuNsPerRequest'),
      ),
    ),
  ];
}

module.exports = { loopRatios, redisRatios, rows, startedRatios };
