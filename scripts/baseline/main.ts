/** Command line of scripts/measure-baselines. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SysieveError } from '../../src/errors';
import type { Baseline } from '../../src/minimise';
import { Bench } from './bench';
import { CONDITIONS } from './bundle';
import { fileOf, keepBaseline, readBaseline } from './file';
import { measure } from './measure';
import { prove } from './prove';
import { installedRuntimes, type Runtime, unpackedRuntimes } from './runtimes';
import { measureSysieve } from './sysieve';

const ROOT = join(__dirname, '..', '..');
const USAGE = `usage: scripts/measure-baselines [OPTION…]
  --starts N            starts for each condition (default 50)
  --quick               5 starts for each condition
  --runtime NAME[@V]    only these: runc, crun, sysieve, one version or all; repeatable
  --installed           the installed runc and crun instead of the unpacked ones
  --runtimes DIR        where scripts/fetch-runtimes unpacked them (default out/runtimes)
  --out DIR             where the baselines lie (default profiles/baselines)
  --fresh               drop what the baselines hold so far instead of adding to it
  --prove               measure nothing: start every runtime under the union of the baselines alone`;

interface Options {
  starts: number;
  runtimes: string[];
  installed: boolean;
  unpacked: string;
  out: string;
  fresh: boolean;
  prove: boolean;
}

const QUICK_STARTS = 5;
const OWN = 'sysieve';

function options(): Options {
  const { values } = parseArgs({
    options: {
      starts: { type: 'string' },
      quick: { type: 'boolean' },
      runtime: { type: 'string', multiple: true },
      installed: { type: 'boolean' },
      runtimes: { type: 'string' },
      out: { type: 'string' },
      fresh: { type: 'boolean' },
      prove: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const starts = Number(values.starts ?? (values.quick ? QUICK_STARTS : 50));
  if (!Number.isSafeInteger(starts) || starts < 1) throw new Error('--starts: not a number from 1');
  return {
    starts,
    runtimes: values.runtime ?? [],
    installed: values.installed ?? false,
    unpacked: values.runtimes ?? join(ROOT, 'out', 'runtimes'),
    out: values.out ?? join(ROOT, 'profiles', 'baselines'),
    fresh: values.fresh ?? false,
    prove: values.prove ?? false,
  };
}

async function chosenRuntimes(options: Options): Promise<Runtime[]> {
  const all = options.installed ? await installedRuntimes() : unpackedRuntimes(options.unpacked);
  const wanted = (r: Runtime): boolean =>
    options.runtimes.length === 0 ||
    options.runtimes.some((choice) => choice === r.name || choice === `${r.name}@${r.version}`);
  const chosen = all.filter(wanted);
  if (chosen.length === 0 && !options.runtimes.includes(OWN)) {
    throw new Error(
      all.length === 0
        ? 'no runtimes to measure: run scripts/fetch-runtimes, or say --installed'
        : `none of ${all.map((r) => `${r.name}@${r.version}`).join(', ')} was asked for`,
    );
  }
  return chosen;
}

async function measureRuntime(runtime: Runtime, options: Options): Promise<void> {
  const bench = await openBench(runtime);
  const conditions: Baseline['conditions'] = [];
  try {
    for (const condition of CONDITIONS) {
      const { starts } = options;
      conditions.push({ ...condition, starts, calls: await measure(bench, condition, starts) });
    }
  } finally {
    await closeBench();
  }
  const { name, version } = runtime;
  await keep({ version: 1, runtime: name, runtimeVersion: version, conditions }, options);
}

async function keep(baseline: Baseline, options: Options): Promise<void> {
  mkdirSync(options.out, { recursive: true });
  const { conditions } = await keepBaseline(options.out, baseline, options.fresh);
  const names = new Set(conditions.flatMap((c) => c.calls.map(({ name }) => name)));
  const { runtime, runtimeVersion } = baseline;
  const place = fileOf(options.out, runtime, runtimeVersion);
  console.log(`${runtime}@${runtimeVersion}: ${names.size} calls in all → ${place}`);
}

/** The one that is open: an interruption has to remove its container, mounts and cgroup. */
let open: Bench | null = null;

async function openBench(runtime: Runtime): Promise<Bench> {
  open = await Bench.open(runtime);
  return open;
}

async function closeBench(): Promise<void> {
  const bench = open;
  open = null;
  await bench?.close();
}

async function proveAll(runtimes: Runtime[], options: Options): Promise<void> {
  const files = unpackedRuntimes(options.unpacked).map((r) =>
    fileOf(options.out, r.name, r.version),
  );
  const baselines = await Promise.all(files.map(readBaseline));
  for (const runtime of runtimes) {
    const bench = await openBench(runtime);
    let failures: string[];
    try {
      failures = await prove(bench, baselines, options.starts);
    } finally {
      await closeBench();
    }
    const tried = `${CONDITIONS.length} conditions, ${options.starts} starts each`;
    const verdict = failures.length === 0 ? 'starts under the union' : 'FAILS under the union';
    console.log(`${runtime.name}@${runtime.version} ${verdict} (${tried})`);
    for (const failure of failures) console.log(`  ${failure}`);
    if (failures.length > 0) process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  const chosen = options();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error(`measure-baselines: ${signal}`);
      void closeBench().finally(() => process.exit(1));
    });
  }
  const runtimes = await chosenRuntimes(chosen);
  if (chosen.prove) return proveAll(runtimes, chosen);
  if (chosen.runtimes.length === 0 || chosen.runtimes.includes(OWN)) {
    await keep(await measureSysieve(chosen.starts), chosen);
  }
  for (const runtime of runtimes) {
    const began = Date.now();
    await measureRuntime(runtime, chosen);
    console.error(`  ${Math.round((Date.now() - began) / 1000)} s`);
  }
}

main().catch((error: unknown) => {
  console.error(`measure-baselines: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof SysieveError && error.cause !== undefined) console.error(`  ${error.cause}`);
  process.exitCode = 1;
});
