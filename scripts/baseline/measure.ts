/** Starts one runtime many times under one condition and collects what it calls under the filter. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../../src/capture/capture';
import type { Baseline } from '../../src/minimise/baseline';
import type { Phase, Run } from '../../src/recording';
import { Bundle, type Condition, processOf, type StartShape, UID } from './bundle';
import { companion, endCompanion, run, until } from './process';
import { type Runtime, Sandbox } from './runtimes';

export type Calls = Baseline['conditions'][number]['calls'];

/** A capture tells about 120 executables apart, and every start executes one of its own. */
const STARTS_PER_CAPTURE = 50;
/** Between create and start; Go's scheduler behaves differently the longer its process waits. */
const PAUSES_MS = [0, 3, 30];

/** One runtime, ready to be started: its sandbox, a bundle, a console, all removed by close(). */
export class Bench {
  readonly bundle: Bundle;
  /** Name of the container and of its cgroup. */
  readonly container = `sysieve-baseline-${process.pid}`;
  private programs = 0;

  private constructor(
    readonly runtime: Runtime,
    private readonly work: string,
    private readonly sandbox: Sandbox,
    private readonly companions: ChildProcess[],
  ) {
    this.bundle = new Bundle(work, this.container);
  }

  static async open(runtime: Runtime): Promise<Bench> {
    const work = mkdtempSync(join(tmpdir(), 'sysieve-baseline-'));
    mkdirSync(join(work, 'state'));
    const companions: ChildProcess[] = [];
    try {
      const sandbox = await Sandbox.open(runtime, work);
      companions.push(await companion(['python3', join(__dirname, 'console.py'), consoleIn(work)]));
      return new Bench(runtime, work, sandbox, companions);
    } catch (error) {
      for (const process of companions) await endCompanion(process);
      rmSync(work, { recursive: true, force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.remove();
    for (const process of this.companions) await endCompanion(process);
    await this.sandbox.close();
    rmSync(this.work, { recursive: true, force: true });
  }

  /** Creates the container from the bundle as written, and starts it. */
  async start(tty: boolean, variation = 0): Promise<void> {
    const args = ['create', '--bundle', this.bundle.directory, ...this.console(tty)];
    await this.call(variation, ...args, this.container);
    await sleep(PAUSES_MS[variation % PAUSES_MS.length]);
    await this.sandbox.call('start', this.container);
  }

  async exec(process: object, tty: boolean, variation = 0): Promise<void> {
    const file = join(this.work, 'process.json');
    writeFileSync(file, JSON.stringify(process));
    const args = ['exec', '--detach', '--process', file, ...this.console(tty)];
    await this.call(variation, ...args, this.container);
  }

  /** Also without a container. */
  async remove(): Promise<void> {
    await this.sandbox.call('delete', '--force', this.container);
  }

  newProgram(): string {
    this.programs++;
    return `start-${this.programs}`;
  }

  /** Every other start has one CPU: what Go's scheduler does depends on that. */
  private async call(variation: number, ...args: string[]): Promise<void> {
    const pin = variation % 2 === 1 ? ['taskset', '--cpu-list', '0'] : [];
    await run([...pin, ...this.sandbox.argv(args)]);
  }

  private console(tty: boolean): string[] {
    return tty ? ['--console-socket', consoleIn(this.work)] : [];
  }
}

const consoleIn = (work: string): string => join(work, 'console');

/** The calls of the starts' phase, after every start was proved to be in the recording. */
export async function measure(bench: Bench, condition: Condition, starts: number): Promise<Calls> {
  const calls = new Map<string, Calls[number]>();
  for (let done = 0; done < starts; done += STARTS_PER_CAPTURE) {
    const count = Math.min(STARTS_PER_CAPTURE, starts - done);
    for (const call of await measureOnce(bench, condition, count)) {
      calls.set(`${call.abi} ${call.name}`, call);
    }
  }
  return sorted(calls.values());
}

export function sorted(calls: Iterable<Calls[number]>): Calls {
  const key = (call: Calls[number]): string => `${call.abi} ${call.name}`;
  return [...calls].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

async function measureOnce(bench: Bench, condition: Condition, starts: number): Promise<Calls> {
  const capture = new Capture({ execRule: 'filter', cgroupNames: [bench.container] });
  let finished: Run;
  const paths: string[] = [];
  try {
    if (condition.start === 'exec') await startMain(bench);
    for (let index = 0; index < starts; index++) {
      paths.push(await startOnce(bench, condition, index));
    }
    await bench.remove();
    finished = capture.finish({
      runtime: { name: bench.runtime.name, version: bench.runtime.version },
      target: { kind: 'container', engine: null, name: bench.container, id: null, image: null },
      attachedLate: null,
    });
  } catch (error) {
    capture.abandon();
    throw error;
  }
  const startsExpected = condition.start === 'exec' ? 1 : starts;
  return callsOf(finished, condition.start === 'exec' ? 'exec' : 'runtime', startsExpected, paths);
}

/** What exec enters; it has to be up before the first one. */
async function startMain(bench: Bench): Promise<void> {
  const program = bench.newProgram();
  const condition: Condition = { start: 'create', tty: false, user: false, noNewPrivileges: false };
  const args = [bench.bundle.addProgram(program), 'wait'];
  bench.bundle.write(processOf({ condition, args, full: false, ambient: false }));
  await bench.start(false);
  await until(`${program} to run`, () => existsSync(join(bench.bundle.output, program)));
}

/** Returns the path that was executed. */
async function startOnce(bench: Bench, condition: Condition, index: number): Promise<string> {
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
    bench.bundle.write(processOf(shape));
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
  for (const { abi, name, number, phases } of run.calls) {
    if (!phases.includes(phase)) continue;
    if (name === null) problems.push(`no name for ${abi} ${number}`);
    else calls.push({ abi, name });
  }
  if (!calls.some((call) => call.name === 'execve')) problems.push(`no execve in phase ${phase}`);
  if (problems.length > 0) throw new Error(`measurement is void: ${problems.join('; ')}`);
  return calls;
}

/** One process for each CPU that does nothing but take its time. */
export async function withBusyCpus<T>(work: () => Promise<T>): Promise<T> {
  const burners: ChildProcess[] = [];
  try {
    for (let cpu = 0; cpu < availableParallelism(); cpu++) {
      burners.push(await companion(['sh', '-c', 'echo busy; while :; do :; done']));
    }
    return await work();
  } finally {
    for (const burner of burners) await endCompanion(burner);
  }
}
