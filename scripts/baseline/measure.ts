/** Starts one runtime many times under one condition and collects what it calls under the filter. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Capture } from '../../src/capture/capture';
import type { Baseline } from '../../src/minimise';
import type { Phase, Run } from '../../src/recording';
import type { Bench } from './bench';
import { CONDITIONS, type Condition, processOf, type StartShape, UID } from './bundle';
import { until } from './process';

export type Calls = Baseline['conditions'][number]['calls'];

/** A capture tells about 120 executables apart, and every start executes one of its own. */
const STARTS_PER_CAPTURE = 50;
/** The calls of the starts' phase, after every start was proved to be in the recording. */
export async function measure(bench: Bench, condition: Condition, starts: number): Promise<Calls> {
  const calls = new Map<string, Calls[number]>();
  for (let done = 0; done < starts; done += STARTS_PER_CAPTURE) {
    const count = Math.min(STARTS_PER_CAPTURE, starts - done);
    for (const call of await measureOnce(bench, condition, count)) {
      const key = `${call.abi} ${call.name}`;
      calls.set(key, withBoth(calls.get(key), call));
    }
  }
  return sorted(calls.values());
}

export function sorted(calls: Iterable<Calls[number]>): Calls {
  const key = (call: Calls[number]): string => `${call.abi} ${call.name}`;
  return [...calls].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** One call of two measurements. Those from before arguments were kept have no tuples to add. */
export function withBoth(a: Calls[number] | undefined, b: Calls[number]): Calls[number] {
  if (a?.tuples === undefined) return b;
  if (b.tuples === undefined) return a;
  const tuples = new Map([...a.tuples, ...b.tuples].map((tuple) => [tuple.join(), tuple]));
  return { ...b, tuples: [...tuples.keys()].sort().flatMap((key) => [tuples.get(key) ?? []]) };
}

async function measureOnce(bench: Bench, condition: Condition, starts: number): Promise<Calls> {
  const paths: string[] = [];
  const run = await captured(bench, async () => {
    if (condition.start === 'exec') await startMain(bench);
    for (let index = 0; index < starts; index++) {
      paths.push(await startOnce(bench, condition, index));
    }
  });
  if (condition.start === 'exec') return callsOf(run, 'exec', 1, paths);
  return callsOf(run, 'runtime', starts, paths);
}

/** A start under each condition, for what the entrypoint itself calls. */
export async function ownRuns(bench: Bench): Promise<Run[]> {
  const runs: Run[] = [];
  for (const condition of CONDITIONS.filter(({ start }) => start === 'create')) {
    const run = await captured(bench, async () => void (await startOnce(bench, condition, 0)));
    callsOf(run, 'steady', 1, []);
    runs.push(run);
  }
  return runs;
}

/** What was recorded of the containers that `work` starts; they are removed. */
export async function captured(bench: Bench, work: () => Promise<void>): Promise<Run> {
  // By cgroup and descent alone: what else runs on this host can never be taken for the container.
  const capture = new Capture({ execRule: 'filter', cgroups: [bench.cgroup] });
  try {
    await work();
    await bench.remove();
  } catch (error) {
    capture.abandon();
    throw error;
  }
  return capture.finish({
    runtime: { name: bench.runtime.name, version: bench.runtime.version },
    target: { kind: 'container', engine: null, name: bench.container, id: null, image: null },
    attachedLate: null,
  });
}

/** What exec enters; it has to be up before the first one. */
export async function startMain(bench: Bench, seccomp?: object): Promise<void> {
  const program = bench.newProgram();
  const condition: Condition = { start: 'create', tty: false, user: false, noNewPrivileges: false };
  const args = [bench.bundle.addProgram(program), 'wait'];
  bench.bundle.write(processOf({ condition, args, full: false, ambient: false }), seccomp);
  await bench.start(false);
  await until(`${program} to run`, () => existsSync(join(bench.bundle.output, program)));
}

/** Returns the path that was executed. */
export async function startOnce(
  bench: Bench,
  condition: Condition,
  index: number,
  seccomp?: object,
): Promise<string> {
  const program = bench.newProgram();
  const path = bench.bundle.addProgram(program);
  const full = index % 4 >= 2;
  const shape: StartShape = {
    condition,
    // An image names its command with and without a directory; the latter is searched for.
    args: [full ? program : path],
    full,
    ambient: full && index % 8 >= 4,
  };
  if (condition.start === 'exec') {
    await bench.exec(processOf(shape), condition.tty, index);
  } else {
    bench.bundle.write(processOf(shape), seccomp);
    await bench.start(condition.tty, index);
  }
  const report = join(bench.bundle.output, program);
  await until(`${program} to run`, () => existsSync(report));
  checkReport(readFileSync(report, 'utf8'), condition);
  if (condition.start === 'create') await bench.remove();
  return path;
}

function checkReport(report: string, condition: Condition): void {
  const expected = {
    Tty: condition.tty ? '1' : '0',
    Uid: condition.user ? String(UID) : '0',
    NoNewPrivs: condition.noNewPrivileges ? '1' : '0',
    // A filter is in place: without one the phase measured has no beginning.
    Seccomp: '2',
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = new RegExp(`^${name}:\\t(\\d+)`, 'm').exec(report)?.[1];
    if (found !== value) throw new Error(`${name} is ${found} where ${value} was asked for`);
  }
}

/** Fails when the recording does not hold every start, or holds one only in part. */
export function callsOf(
  run: Run,
  phase: Phase,
  starts: number,
  executables: readonly string[],
): Calls {
  const { completeness: seen } = run;
  const problems: string[] = [];
  if (!seen.complete) problems.push(`incomplete: ${JSON.stringify(seen)}`);
  if (seen.startsSeen !== starts) problems.push(`${seen.startsSeen} of ${starts} starts seen`);
  if (seen.executablesOverLimit + seen.pathsTruncated > 0) problems.push('executables lost');
  const missing = executables.filter((path) => !run.executables.includes(path));
  if (missing.length > 0) problems.push(`not seen to execute: ${missing.join(', ')}`);
  const calls: Calls = [];
  for (const { abi, name, number, phases, args } of run.calls) {
    if (!phases.includes(phase)) continue;
    if (name === null) problems.push(`no name for ${abi} ${number}`);
    else if (args === null) calls.push({ abi, name });
    else {
      if (args.overflow + args.unreadable > 0) problems.push(`arguments of ${name} lost`);
      const tuples = args.tuples.filter((tuple) => tuple.phases?.includes(phase) ?? true);
      calls.push({ abi, name, tuples: tuples.map(({ values }) => values) });
    }
  }
  if (phase !== 'steady' && !calls.some((call) => call.name === 'execve')) {
    problems.push(`no execve in phase ${phase}`);
  }
  if (problems.length > 0) throw new Error(`measurement is void: ${problems.join('; ')}`);
  return calls;
}
