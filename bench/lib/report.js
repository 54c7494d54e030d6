'use strict';
/** The table for people. */
const { CONFIGURATIONS } = require('./configurations.js');
const { STARTED } = require('./started.js');

/**
 * @typedef {import('./stats.js').Estimate} Estimate
 * @typedef {import('./evaluate.js').Row} Row
 * @typedef {import('./evaluate.js').Ratio} Ratio
 */

const LABELS = new Map([...CONFIGURATIONS, ...STARTED].map(({ name, label }) => [name, label]));

/** @param {string} name */
const label = (name) => LABELS.get(name) ?? name;

/** @param {number} value @param {number} digits */
const number = (value, digits) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param {Estimate | undefined} estimate @param {number} digits */
function withInterval(estimate, digits) {
  if (estimate === undefined || estimate.n === 0) return ['-', ''];
  const { median, low, high } = estimate;
  const interval =
    low === null || high === null ? '' : `[${number(low, digits)}, ${number(high, digits)}]`;
  return [number(median, digits), interval];
}

/**
 * Columns aligned: the first to the left, the others to the right.
 * @param {string[]} head
 * @param {string[][]} lines
 */
function table(head, lines) {
  const all = [head, ...lines];
  const widths = head.map((_, i) => Math.max(...all.map((line) => line[i]?.length ?? 0)));
  const format = (/** @type {string[]} */ line) =>
    widths
      .map((width, i) =>
        i === 0 ? (line[i] ?? '').padEnd(width) : (line[i] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd();
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [format(head), rule, ...lines.map(format)].join('\n');
}

/** @param {Ratio} ratio */
function verdict({ goal, bound, met, certain }) {
  if (goal === null) return ['', ''];
  const wanted = `${bound === 'most' ? '<=' : '>='} ${goal.toFixed(2)}`;
  if (met === null) return [wanted, 'too few rounds to say'];
  return [wanted, (met ? 'met' : 'not met') + (certain ? '' : ' (interval crosses the goal)')];
}

/** @param {string} title @param {Ratio[]} ratios */
function ratioTable(title, ratios) {
  const lines = ratios.map((ratio) => [
    label(ratio.name),
    label(ratio.by),
    ...withInterval(ratio.value, 3),
    ...verdict(ratio),
  ]);
  return table([title, 'divided by', 'median', '95% interval', 'goal', 'verdict'], lines);
}

/** @param {Row[]} rows @param {Ratio[]} ratios */
function loopReport(rows, ratios) {
  const untraced = rows.find(({ name }) => name === 'untraced')?.figures.ns?.median ?? Number.NaN;
  const extra = (/** @type {number} */ ns) => `${ns < 0 ? '' : '+'}${number(ns, 1)}`;
  const lines = rows.map(({ name, figures, seenShare }) => [
    label(name),
    ...withInterval(figures.ns, 1),
    name === 'untraced' || !figures.ns ? '' : extra(figures.ns.median - untraced),
    withInterval(figures.meanNs, 1)[0] ?? '',
    // Rounded down: 100.0% says that nothing was missed.
    seenShare === null ? '' : `${number(Math.floor(Math.min(seenShare, 1) * 1000) / 10, 1)}%`,
  ]);
  const head = ['getppid loop', 'ns/call', '95% interval', 'extra', 'mean', 'calls seen'];
  return `${table(head, lines)}\n\n${ratioTable('extra time per call', ratios)}`;
}

/** @param {Row[]} rows @param {Ratio[]} ratios */
function startedReport(rows, ratios) {
  const lines = rows.map(({ name, figures, seenShare }) => [
    label(name),
    ...withInterval(figures.ns, 1),
    withInterval(figures.meanNs, 1)[0] ?? '',
    seenShare === null ? '' : 'all',
  ]);
  const head = ['getppid loop, started', 'ns/call', '95% interval', 'mean', 'calls seen'];
  return `${table(head, lines)}\n\n${ratioTable('time per call', ratios)}`;
}

/** @param {Row[]} rows @param {Ratio[]} ratios */
function redisReport(rows, ratios) {
  const lines = rows.map(({ name, figures }) => [
    label(name),
    ...withInterval(figures.requestsPerSecond, 0),
    ...withInterval(figures.cpuNsPerRequest, 0),
  ]);
  const head = ['redis GET', 'requests/s', '95% interval', 'server CPU ns/request', '95% interval'];
  const throughput = ratios.filter(({ of }) => of === 'throughput');
  const cpu = ratios.filter(({ of }) => of === 'serverCpu');
  return [
    table(head, lines),
    ratioTable('throughput', throughput),
    ratioTable("server's CPU time per request", cpu),
  ].join('\n\n');
}

module.exports = { loopReport, redisReport, startedReport };
