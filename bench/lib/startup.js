'use strict';
/** bench/startup: what the whole command takes, cold, beside a Node that does nothing. */
const { spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { loadavg, tmpdir } = require('node:os');
const { join } = require('node:path');
const { estimate, median, shuffled } = require('./stats.js');

const DIST = join(__dirname, '..', '..', 'dist');
const MAIN = join(DIST, 'cli', 'main.js');
const ROUNDS = 31;
const USAGE = 'usage: bench/startup [--rounds N]';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string[]} args of node
 * @property {readonly number[]} statuses that are no failure
 * @property {{times: number, plusMs: number} | null} goal at most so often `node -e 0`, and so much more
 */

/** Two gated profiles of the size of moby's: its own, with one call more and one less. @param {string} directory */
function writeProfiles(directory) {
  const { gatedDefault } = require(join(DIST, 'profile'));
  const { profile } = gatedDefault('docker', undefined);
  const [first, ...rest] = profile.syscalls;
  const names = [...first.names.filter((/** @type {string} */ name) => name !== 'mkdir'), 'bpf'];
  const paths = ['old.json', 'new.json'].map((name) => join(directory, name));
  const both = [profile, { ...profile, syscalls: [{ ...first, names }, ...rest] }];
  // As in a file: the values of conditions, all of them small, and the kernels.
  const plain = (/** @type {string} */ key, /** @type {unknown} */ value) => {
    if (key === 'minKernel' && Array.isArray(value)) return value.join('.');
    return typeof value === 'bigint' ? Number(value) : value;
  };
  for (const [at, path] of paths.entries()) {
    writeFileSync(path, JSON.stringify(both[at], plain, 2));
  }
  return paths;
}

/** @param {string} directory @returns {Case[]} */
function cases(directory) {
  const diff = [MAIN, 'diff', ...writeProfiles(directory)];
  return [
    { name: 'node -e 0', args: ['-e', '0'], statuses: [0], goal: null },
    { name: '--version', args: [MAIN, '--version'], statuses: [0], goal: null },
    { name: '--help', args: [MAIN, '--help'], statuses: [0], goal: { times: 1.5, plusMs: 30 } },
    { name: 'diff A B', args: diff, statuses: [0], goal: { times: 2, plusMs: 60 } },
  ];
}

/** Wall time in ms. @param {Case} one */
function timed({ name, args, statuses }) {
  const started = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  if (!statuses.includes(status ?? -1) || (name !== 'node -e 0' && stdout === '')) {
    throw new Error(`${name} ended with ${status}: ${stderr}`);
  }
  return ms;
}

/** @param {string[]} args */
function roundsOf(args) {
  if (args.length === 0) return ROUNDS;
  return args.length === 2 && args[0] === '--rounds' && /^[1-9]\d*$/.test(args[1] ?? '')
    ? Number(args[1])
    : null;
}

/** @param {string[]} args */
function main(args) {
  const rounds = roundsOf(args);
  if (rounds === null) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  if (!existsSync(MAIN)) {
    process.stderr.write("startup: sysieve is not built: run 'npm run build'\n");
    process.exitCode = 4;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-startup-'));
  try {
    measure(cases(directory), rounds);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param {Case[]} all @param {number} rounds */
function measure(all, rounds) {
  // Into the page cache: cold is the process, not the disk.
  for (const one of all) timed(one);
  const times = new Map(all.map(({ name }) => [name, /** @type {number[]} */ ([])]));
  for (let round = 0; round < rounds; round++) {
    for (const one of shuffled(all)) times.get(one.name)?.push(timed(one));
  }
  const plain = median(times.get('node -e 0') ?? []);
  const load = loadavg().map((value) => value.toFixed(1));
  process.stdout.write(
    `node ${process.version}, ${rounds} rounds, load ${load.join(' ')}; ms, median (95% interval)\n`,
  );
  for (const { name, goal } of all) {
    const { median: middle, low, high } = estimate(times.get(name) ?? []);
    const interval =
      low === null || high === null ? '' : `(${low.toFixed(0)} to ${high.toFixed(0)})`;
    const limit = goal === null ? null : goal.times * plain + goal.plusMs;
    const verdict =
      goal === null || limit === null
        ? ''
        : `  goal ${goal.times} x node + ${goal.plusMs} = ${limit.toFixed(0)}: ${middle <= limit ? 'met' : 'MISSED'}`;
    process.stdout.write(
      `${`${name.padEnd(10)} ${middle.toFixed(0).padStart(5)} ${interval.padEnd(14)}${verdict}`.trimEnd()}\n`,
    );
  }
}

module.exports = { main };
