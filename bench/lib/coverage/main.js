'use strict';
/** See bench/README.md. */
const { execFileSync, spawnSync } = require('node:child_process');
const {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  writeFileSync,
} = require('node:fs');
const { dirname, join, normalize } = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT } = require('../build.js');
const { applicationOf } = require('./recordings.js');
const { HELD_OUT, TUNING } = require('./split.js');
const { store, stored } = require('./stored.js');
const { packages, version } = require('./packages.js');
const { complained } = require('./confirm.js');
const { measure, profileUnder } = require('./settings.js');
const { markdown, summary, summaryTable } = require('./report.js');

/** @type {(name: string) => any} */
const dist = (name) => require(join(ROOT, 'dist', name));
/** @type {typeof import('../../../src/recording')} */
const { parseRecording, serializeRecording } = dist('recording');
/** @type {typeof import('../../../src/reach')} */
const { describeProgram, parseReach, serializeReach } = dist('reach');
/** @type {typeof import('../../../src/scan')} */
const { ProgramScanner } = dist('scan');
/** @type {typeof import('../../../src/staging/baselines')} */
const { BASELINES_DIRECTORY, loadBaselines } = dist('staging/baselines');

/** @typedef {import('../../../src/reach').Reach} Reach */

/** Not below build/, which node-gyp empties. */
const BASE = process.env.COVERAGE_BASE ?? join(ROOT, 'out', 'bench', 'coverage');
const HARNESS = join(__dirname, 'harness');
const CONFIRMED = '--portable --reach likely';
const CLI = join(ROOT, 'dist', 'cli', 'main.js');

/** Nothing of this machine in what is stored. @param {string} path */
const named = (path) => normalize(path).replace(`${BASE}/root/`, '/').replace(`${BASE}/`, '/');

/** @param {string[]} args */
function harness(args) {
  return execFileSync(HARNESS, args, { env: { ...process.env, COVERAGE_BASE: BASE } });
}

/** @param {string} app */
function about(app) {
  const [executables = '', source = '', part = ''] = harness(['about', app])
    .toString('utf8')
    .split('\n');
  return { executables: new RegExp(executables), source, part };
}

/**
 * The application and what drives it, in one recording.
 * @param {string} app @param {'benchmark' | 'suite'} what
 */
function record(app, what) {
  const output = join(BASE, app, `${what}.json`);
  const log = openSync(join(BASE, app, `${what}.log`), 'w');
  const options = what === 'benchmark' ? ['--reach'] : [];
  const command = [CLI, 'record', ...options, '-o', output, '--', HARNESS, what, app];
  const { status } = spawnSync(process.execPath, command, {
    env: { ...process.env, COVERAGE_BASE: BASE },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  if (status !== 0)
    throw new Error(`${app}: ${what} ended with status ${status}, see ${BASE}/${app}`);
}

/** @param {string} app @param {'benchmark' | 'suite'} what @param {RegExp} executables */
function application(app, what, executables) {
  const file = join(BASE, app, `${what}.json`);
  const { version: schema, runs } = parseRecording(readFileSync(file, 'utf8'), file);
  if (!runs.every(({ completeness }) => completeness.complete)) {
    throw new Error(`${file} is incomplete: run bench/coverage --again --only ${app}`);
  }
  const raw = runs.flatMap((run) => run.executables).filter((path) => executables.test(path));
  const mine = runs.map((run) => ({
    ...applicationOf(run, executables, named),
    target: { ...run.target, name: app },
    host: { ...run.host, kernel: run.host.kernel.replace(/^(\d+\.\d+).*/, '$1') },
  }));
  return { raw: [...new Set(raw)], recording: { version: schema, runs: mine } };
}

/**
 * What the benchmark's executables can call, with the files that record --reach saw mapped. Scanned anew:
 * what the scan and the search say may have changed since.
 * @param {string} app @param {readonly string[]} paths @returns {Promise<Reach>}
 */
async function scan(app, paths) {
  const file = join(BASE, app, 'benchmark.reach.json');
  const before = parseReach(readFileSync(file, 'utf8'), file).executables;
  const scanner = new ProgramScanner('/');
  const executables = [];
  for (const path of paths) {
    const mapped = before.find((one) => one.path === path)?.modules.map((module) => module.path);
    const one = describeProgram(await scanner.scan(path, mapped));
    const modules = one.modules.map((module) => ({ ...module, path: named(module.path) }));
    executables.push({ ...one, path: named(path), modules });
  }
  return { version: 1, executables };
}

/** @param {string} app @param {boolean} again */
async function renew(app, again) {
  const { executables, source, part } = about(app);
  mkdirSync(join(BASE, app), { recursive: true });
  harness(['prepare', app]);
  for (const what of /** @type {const} */ (['benchmark', 'suite'])) {
    if (again || !existsSync(join(BASE, app, `${what}.json`))) {
      process.stderr.write(`${app}: ${what}\n`);
      record(app, what);
    }
  }
  const benchmark = application(app, 'benchmark', executables);
  const suite = application(app, 'suite', executables);
  store(app, 'benchmark', serializeRecording(benchmark.recording));
  store(app, 'suite', serializeRecording(suite.recording));
  store(app, 'reach', serializeReach(await scan(app, benchmark.raw)));
  store(app, 'about', JSON.stringify({ version: version(BASE, source), part }));
}

/** @param {string} app @param {any} baselines */
function recorded(app, baselines) {
  return {
    benchmark: parseRecording(stored(app, 'benchmark'), `${app}: benchmark`),
    suite: parseRecording(stored(app, 'suite'), `${app}: suite`),
    reach: parseReach(stored(app, 'reach'), `${app}: reach`),
    baselines,
  };
}

/** @param {string} app @param {any} baselines */
function figures(app, baselines) {
  return { app, ...JSON.parse(stored(app, 'about')), ...measure(recorded(app, baselines)) };
}

/** Computed and in complain mode, under the same profile. @param {string} app @param {any} baselines */
function confirm(app, baselines) {
  const { profileText, answered } = profileUnder(recorded(app, baselines), CONFIRMED);
  const { executables } = about(app);
  const row = figures(app, baselines).rows.find(({ setting }) => setting === CONFIRMED);
  const computed = [...row.deniedByName, ...row.deniedByArgument].sort();
  // What is answered with ENOSYS so that libc makes another call instead is notified of as well.
  const seen = complained({
    base: BASE,
    harness: HARNESS,
    app,
    executables,
    profile: profileText,
  }).filter((name) => computed.includes(name) || !answered.has(name));
  return { app, setting: CONFIRMED, computed, seen, same: computed.join() === seen.join() };
}

/** @param {string[]} args */
async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      stored: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      confirm: { type: 'boolean', default: false },
      only: { type: 'string' },
      output: { type: 'string', default: join(ROOT, 'out', 'coverage') },
    },
  });
  const all = [...TUNING, ...HELD_OUT];
  const chosen = values.only === undefined ? all : values.only.split(',');
  const unknown = chosen.find((app) => !all.includes(app));
  if (unknown !== undefined || (values.stored && values.again)) {
    process.stderr.write(
      `usage: bench/coverage [--stored | --again] [--confirm] [--only APP,…] [--output PREFIX]\napplications: ${all.join(', ')}\n`,
    );
    process.exit(2);
  }
  if (process.getuid?.() !== 0 && (values.confirm || !values.stored)) {
    throw new Error('only root can record this; --stored needs no privilege');
  }
  if (!values.stored) {
    packages(BASE);
    for (const app of chosen) await renew(app, values.again);
  }
  const baselines = await loadBaselines(BASELINES_DIRECTORY, true);
  /** @param {readonly string[]} apps */
  const of = (apps) =>
    apps.filter((app) => chosen.includes(app)).map((app) => figures(app, baselines));
  const tuning = of(TUNING);
  const heldOut = of(HELD_OUT);
  const confirmed = values.confirm ? chosen.map((app) => confirm(app, baselines)) : [];
  mkdirSync(dirname(values.output), { recursive: true });
  writeFileSync(`${values.output}.md`, markdown({ tuning, heldOut }));
  const summaries = { tuning: summary(tuning), heldOut: summary(heldOut) };
  writeFileSync(
    `${values.output}.json`,
    `${JSON.stringify({ ...summaries, confirmed, applications: { tuning, heldOut } }, null, 2)}\n`,
  );
  for (const [title, rows] of Object.entries(summaries)) {
    if (rows.length > 0) process.stdout.write(`${title}\n\n${summaryTable(rows)}\n\n`);
  }
  for (const { app, computed, seen, same } of confirmed) {
    const words = same
      ? 'the same'
      : `computed ${computed.join(', ') || 'none'}; seen ${seen.join(', ') || 'none'}`;
    process.stdout.write(`${app} in complain mode: ${seen.length} denied, ${words}\n`);
  }
}

module.exports = { main };
