'use strict';
/** bench/overhead: options, the workloads, the table on stdout and the JSON file. */
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const { dirname, join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { build, OUT, ROOT } = require('./build.js');
const { Answerer } = require('./children.js');
const { CAPTURE, CONFIGURATIONS } = require('./configurations.js');
const { loopRatios, redisRatios, rows, startedRatios } = require('./evaluate.js');
const loop = require('./loop.js');
const redis = require('./redis.js');
const { loopReport, redisReport, startedReport } = require('./report.js');
const { runRounds } = require('./rounds.js');
const started = require('./started.js');

const USAGE = `usage: bench/overhead [--rounds N] [--only loop|started|redis] [--quick] [--output FILE]
  --rounds N     rounds of every configuration (31)
  --only WHAT    one of the workloads
  --quick        3 short rounds, no waiting for other tracers: a smoke test, no measurement
  --output FILE  where the JSON goes (out/bench/overhead.json)`;

/** Exit statuses as sysieve's own: 2 for the command line, 4 for what the system lacks. */
class Refusal extends Error {
  /** @param {2 | 4} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {string} line */
const log = (line) => process.stderr.write(`overhead: ${line}\n`);

/** @param {string[]} argv */
function readOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        rounds: { type: 'string' },
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        output: { type: 'string', default: join(OUT, 'overhead.json') },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new Refusal(2, `${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
  if (values.rounds !== undefined && !/^[1-9]\d{0,4}$/.test(values.rounds)) {
    throw new Refusal(2, `--rounds wants a number above 0, not '${values.rounds}'\n${USAGE}`);
  }
  if (values.only !== undefined && !['loop', 'started', 'redis'].includes(values.only)) {
    throw new Refusal(2, `--only wants loop, started or redis, not '${values.only}'\n${USAGE}`);
  }
  const output = resolve(values.output);
  // Known before the run rather than after it; out/bench itself is made by the build.
  if (dirname(output) !== OUT && !existsSync(dirname(output))) {
    throw new Refusal(2, `--output: there is no directory ${dirname(output)}\n${USAGE}`);
  }
  return {
    rounds: Number(values.rounds ?? (values.quick ? 3 : 31)),
    only: values.only,
    scale: values.quick ? 0.1 : 1,
    patienceMs: values.quick ? 0 : 60_000,
    output,
    help: values.help,
  };
}

function requirements() {
  if (process.geteuid?.() !== 0) throw new Refusal(4, 'tracing needs root: run it as root');
  for (const path of [join(ROOT, 'build', 'Release', 'sysieve.node'), CAPTURE]) {
    if (!existsSync(path)) throw new Refusal(4, "sysieve is not built: run 'npm run build'");
  }
}

/** @param {string} command @param {string[]} parameters */
function versionOf(command, parameters) {
  const { stdout, error } = spawnSync(command, parameters, { encoding: 'utf8' });
  return error ? null : (stdout.split('\n')[0] ?? '').trim();
}

function describeHost() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return {
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    processors: os.cpus().length,
    machine: os.machine(),
    kernel: os.release(),
    sysieve: version,
    revision: versionOf('git', ['-C', ROOT, 'describe', '--always', '--dirty']) || null,
    node: process.version,
    clang: versionOf('clang', ['--version']),
    bpftrace: versionOf('bpftrace', ['--version']),
    perf: versionOf('perf', ['--version']),
    strace: versionOf('strace', ['--version']),
    redis: versionOf('redis-server', ['--version']),
  };
}

/** Sets aside, and says so, what is not installed. */
function available() {
  /** @type {{name: string, why: string}[]} */
  const missing = [];
  const present = CONFIGURATIONS.filter(({ name, needs }) => {
    if (needs === null || !spawnSync(needs, ['--version']).error) return true;
    missing.push({ name, why: `${needs} is not installed` });
    return false;
  });
  return { present, missing };
}

/**
 * @param {import('./rounds.js').Workload & {end: () => Promise<void>}} workload
 * @param {import('./configurations.js').Configuration[]} configurations
 * @param {ReturnType<typeof readOptions>} options
 * @param {Record<string, string>} built
 */
async function measure(workload, configurations, options, built) {
  const other = new Answerer(/** @type {string} */ (built['syscall-loop']));
  const loads = [os.loadavg()[0] ?? 0];
  const outcome = await runRounds({
    workload,
    configurations,
    rounds: options.rounds,
    patienceMs: options.patienceMs,
    built,
    otherPid: other.pid,
    log: (line) => {
      loads.push(os.loadavg()[0] ?? 0);
      log(line);
    },
  });
  await other.end();
  await workload.end();
  return { outcome, load: { least: Math.min(...loads), most: Math.max(...loads) } };
}

/** @param {Awaited<ReturnType<typeof measure>>} measured @param {number} rounds */
function conditions({ outcome, load }, rounds) {
  const lines = [
    `${rounds} rounds; load average ${load.least.toFixed(2)} to ${load.most.toFixed(2)}; ` +
      `${outcome.repeated} measurements repeated because somebody else traced system calls`,
  ];
  if (outcome.disturbed > 0) {
    lines.push(
      `WARNING: somebody else traced during ${outcome.disturbed} of the measurements kept`,
    );
  }
  return lines.join('\n');
}

/** @param {string[]} argv */
async function benchmark(argv) {
  const options = readOptions(argv);
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  requirements();
  const built = build();
  const host = describeHost();
  const { present, missing } = available();
  for (const { name, why } of missing) log(`${name} is left out: ${why}`);
  const { rounds, scale } = options;
  /** @type {Record<string, unknown>} */
  const result = { date: new Date().toISOString(), host, rounds, scale, missing };
  const texts = [`${host.processors} x ${host.processor}, Linux ${host.kernel}`];

  const wants = (/** @type {string} */ workload) =>
    options.only === undefined || options.only === workload;
  if (wants('loop')) {
    log(`getppid loop, ${rounds} rounds`);
    const measured = await measure(loop.startLoop(built, scale), present, options, built);
    const { outcome, load } = measured;
    const ratios = loopRatios(outcome);
    result.loop = { load, calls: loop.CALLS, rows: rows(outcome), ratios, ...outcome };
    texts.push(conditions(measured, rounds), loopReport(rows(outcome), ratios));
  }
  if (wants('started')) {
    if (host.strace === null) throw new Refusal(4, "strace is missing: run 'scripts/setup test'");
    log(`getppid loop started by each tracer, ${rounds} rounds`);
    const loads = [os.loadavg()[0] ?? 0];
    const outcome = started.runStarted(
      /** @type {string} */ (built['syscall-loop']),
      rounds,
      scale,
      (line) => {
        loads.push(os.loadavg()[0] ?? 0);
        log(line);
      },
    );
    const load = { least: Math.min(...loads), most: Math.max(...loads) };
    const ratios = startedRatios(outcome);
    result.started = { load, calls: started.CALLS, rows: rows(outcome), ratios, ...outcome };
    texts.push(conditions({ outcome, load }, rounds), startedReport(rows(outcome), ratios));
  }
  if (wants('redis')) {
    if (host.redis === null)
      throw new Refusal(4, "redis-server is missing: run 'scripts/setup test'");
    log(`redis-benchmark, ${rounds} rounds`);
    const configurations = present.filter(({ name }) => !name.startsWith('neighbour'));
    const measured = await measure(await redis.startRedis(scale), configurations, options, built);
    const { outcome, load } = measured;
    const ratios = redisRatios(outcome);
    const { REQUESTS: requests, CLIENTS: clients } = redis;
    result.redis = { load, requests, clients, rows: rows(outcome), ratios, ...outcome };
    texts.push(conditions(measured, rounds), redisReport(rows(outcome), ratios));
  }

  const partial = `${options.output}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(partial, options.output);
  process.stdout.write(`${texts.join('\n\n')}\n`);
  log(`figures of every round are in ${options.output}`);
}

/** @param {string[]} argv */
async function main(argv) {
  try {
    await benchmark(argv);
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
    process.exit(error instanceof Refusal ? error.status : 70);
  }
}

module.exports = { main };
