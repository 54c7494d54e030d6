'use strict';
/**
 * The getppid loop as a command that each tracer starts: what cannot be attached to a process that
 * runs has its rows here, beside what enforcing a profile costs.
 */
const { execFileSync } = require('node:child_process');
const { readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { OUT, ROOT } = require('./build.js');
const { shuffled } = require('./stats.js');

const CALLS = { fast: 1_000_000, slow: 20_000 };
const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const PROFILE = join(OUT, 'started-profile.json');
const RECORDING = join(OUT, 'started-recording.json');

/** @param {string[]} args */
const sysieve = (...args) => [process.execPath, CLI, ...args];
/** @param {string[]} how */
const record = (...how) => sysieve('record', ...how, '-o', RECORDING, '--');

/**
 * @typedef {object} Started
 * @property {string} name
 * @property {string} label
 * @property {'fast' | 'slow'} pace
 * @property {boolean} counts its recording holds every call of the loop, or the run is void
 * @property {string[]} command what comes before the loop
 */
/** @type {Started[]} */
const STARTED = [
  { name: 'untracedStart', label: 'untraced', pace: 'fast', counts: false, command: [] },
  {
    name: 'enforced',
    label: 'sysieve run: a profile that permits all',
    pace: 'fast',
    counts: false,
    command: sysieve('run', '--profile', PROFILE, '--'),
  },
  {
    name: 'complain',
    label: 'the same, with --complain',
    pace: 'fast',
    counts: false,
    command: sysieve('run', '--profile', PROFILE, '--complain', '-o', RECORDING, '--'),
  },
  {
    name: 'ebpfStart',
    label: 'sysieve by ebpf',
    pace: 'fast',
    counts: true,
    command: record('--tracer', 'ebpf'),
  },
  {
    name: 'ptraceStart',
    label: 'sysieve by ptrace',
    pace: 'slow',
    counts: true,
    command: record('--tracer', 'ptrace'),
  },
  {
    name: 'entryOnly',
    label: 'sysieve by ptrace, entries only',
    pace: 'slow',
    counts: true,
    command: record('--tracer', 'ptrace', '--entry-only'),
  },
  {
    name: 'notify',
    label: 'sysieve by notify',
    pace: 'slow',
    counts: true,
    command: record('--tracer', 'notify'),
  },
  {
    name: 'straceRawStart',
    label: 'strace -f -e raw=all, no output',
    pace: 'slow',
    counts: false,
    command: ['strace', '-f', '-e', 'raw=all', '-o', '/dev/null'],
  },
  {
    name: 'straceStart',
    label: 'strace -f -c',
    pace: 'slow',
    counts: false,
    command: ['strace', '-f', '-c', '-o', '/dev/null'],
  },
];

/** Whose time a call is compared, [subject, yardstick, goal]. */
const RATIOS = /** @type {const} */ ([
  ['complain', 'enforced', 1.1],
  ['ptraceStart', 'straceRawStart', 1.1],
  ['ptraceStart', 'straceStart', 0.6],
  ['entryOnly', 'straceRawStart', 1.1],
  ['entryOnly', 'straceStart', 0.6],
]);

/** @param {Started} configuration @param {string} loop @param {number} scale */
function measure({ label, pace, counts, command }, loop, scale) {
  const calls = CALLS[pace] * scale;
  const [program = '', ...args] = [...command, loop];
  const printed = execFileSync(program, args, {
    input: `${calls}\n`,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [ns = NaN, meanNs = NaN, cpuNs = NaN] = printed.split(' ').map(Number);
  if (!counts) return { figures: { ns, meanNs, cpuNs }, seenShare: null, disturbed: false };
  const [run] = JSON.parse(readFileSync(RECORDING, 'utf8')).runs;
  const seen = run.calls.find((/** @type {{number: number}} */ call) => call.number === 110)?.count;
  if (seen !== calls || !run.completeness.complete) {
    throw new Error(`${label} counted ${seen} of ${calls} calls`);
  }
  return { figures: { ns, meanNs, cpuNs }, seenShare: 1, disturbed: false };
}

/**
 * @param {string} loop path
 * @param {number} rounds
 * @param {number} scale of the numbers of calls
 * @param {(line: string) => void} log
 * @returns {import('./rounds.js').Outcome}
 */
function runStarted(loop, rounds, scale, log) {
  /** @type {typeof import('../../src/tables')} */
  const { names } = require(join(ROOT, 'dist', 'tables', 'index.js'));
  const rules = [{ names: names('x86_64'), action: 'SCMP_ACT_ALLOW' }];
  writeFileSync(PROFILE, JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules }));
  /** @type {import('./rounds.js').Outcome} */
  const outcome = { samples: {}, repeated: 0, disturbed: 0 };
  for (const { name } of STARTED) outcome.samples[name] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const configuration of shuffled(STARTED)) {
      outcome.samples[configuration.name]?.push(measure(configuration, loop, scale));
    }
    log(`round ${round} of ${rounds}`);
  }
  rmSync(PROFILE, { force: true });
  rmSync(RECORDING, { force: true });
  return outcome;
}

module.exports = { CALLS, RATIOS, STARTED, runStarted };
