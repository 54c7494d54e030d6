'use strict';
/** The table, for people. */

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1], sorted[half]];
  if (sorted.length % 2 === 1) return high;
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** @param {readonly any[]} apps */
function summary(apps) {
  const settings = apps[0]?.rows.map((row) => row.setting) ?? [];
  return settings.map((setting) => {
    const rows = apps.flatMap((app) => app.rows.filter((row) => row.setting === setting));
    /** @param {(row: any) => number} figure */
    const both = (figure) => {
      const values = rows.map(figure);
      return { median: median(values), worst: Math.max(...values) };
    };
    return {
      setting,
      denied: both((row) => row.denied),
      surplus: both((row) => row.surplus.length),
      equivalents: both((row) => row.equivalents.length),
      size: both((row) => row.size),
    };
  });
}

/** @param {ReturnType<typeof summary>} rows */
function summaryTable(rows) {
  const lines = rows.map(
    ({ setting, denied, surplus, equivalents, size }) =>
      `| ${setting} | ${denied.median} | ${denied.worst} | ${surplus.median} | ${surplus.worst} | ${equivalents.median} | ${size.median} |`,
  );
  return [
    '| setting | denied, median | worst | surplus, median | worst | of these equivalents | size, median |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

/** @param {any} app */
function appTable({ app, version, part, given, benchmark, suite, rows }) {
  const lines = rows.map(
    ({ setting, denied, deniedByName, deniedByArgument, surplus, equivalents, size }) => {
      const words = [
        ...deniedByName,
        ...deniedByArgument.map((/** @type {string} */ name) => `${name} (by argument)`),
      ].join(', ');
      return `| ${setting} | ${denied} | ${surplus.length} | ${equivalents.length} | ${size} | ${words} |`;
    },
  );
  return [
    `### ${app} ${version}`,
    '',
    `Suite: ${part}. ${benchmark.length} calls under the benchmark, ${suite.length} under the suite; ` +
      `${given.length} more are permitted for every runtime, and are no surplus.`,
    '',
    '| setting | denied | surplus | of these equivalents | size | denied calls |',
    '| --- | ---: | ---: | ---: | ---: | --- |',
    ...lines,
  ].join('\n');
}

/** @param {{ tuning: any[], heldOut: any[] }} measured */
function markdown({ tuning, heldOut }) {
  return [
    '# Calls denied of suites that were not recorded',
    '## Held out',
    summaryTable(summary(heldOut)),
    '## Used for tuning',
    summaryTable(summary(tuning)),
    '## Held out, one by one',
    ...heldOut.map(appTable),
    '## Used for tuning, one by one',
    ...tuning.map(appTable),
    '',
  ].join('\n\n');
}

module.exports = { markdown, summary, summaryTable };
