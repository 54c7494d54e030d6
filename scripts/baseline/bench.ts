/** Where one runtime starts containers again and again. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCgroupMounts } from '../../src/engines/cgroups';
import { Bundle } from './bundle';
import { companion, endCompanion, type Outcome, outcomeOf, run } from './process';
import { type Runtime, Sandbox } from './runtimes';

/** Between create and start; Go's scheduler behaves differently the longer its process waits. */
const PAUSES_MS = [0, 3, 30];

/** Where the v2 tree is mounted, alone or beside v1 hierarchies. */
function cgroupRoot(): string {
  const mounts = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const root = mounts.find((mount) => mount.v2 && mount.root === '/')?.mountpoint;
  if (root === undefined) throw new Error('no cgroup v2 tree is mounted');
  return root;
}

/** One runtime, ready to be started: its sandbox, a bundle, a console, all removed by close(). */
export class Bench {
  readonly bundle: Bundle;
  readonly container = 'baseline';
  private programs = 0;

  private constructor(
    readonly runtime: Runtime,
    private readonly work: string,
    private readonly sandbox: Sandbox,
    private readonly companions: ChildProcess[],
    /** Every container's cgroup is made below this directory, and nothing else is. */
    readonly cgroup: string,
  ) {
    this.bundle = new Bundle(work, `/${this.container}`);
  }

  static async open(runtime: Runtime): Promise<Bench> {
    const work = mkdtempSync(join(tmpdir(), 'sysieve-baseline-'));
    mkdirSync(join(work, 'state'));
    const cgroup = join(cgroupRoot(), `sysieve-baseline-${process.pid}`);
    const companions: ChildProcess[] = [];
    mkdirSync(cgroup);
    try {
      const sandbox = await Sandbox.open(runtime, work, cgroup);
      companions.push(await companion(['python3', join(__dirname, 'console.py'), consoleIn(work)]));
      return new Bench(runtime, work, sandbox, companions, cgroup);
    } catch (error) {
      for (const process of companions) await endCompanion(process);
      rmdirSync(cgroup);
      rmSync(work, { recursive: true, force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.remove();
    for (const process of this.companions) await endCompanion(process);
    await this.sandbox.close();
    rmdirSync(this.cgroup);
    rmSync(this.work, { recursive: true, force: true });
  }

  /** Creates the container from the bundle as written, and starts it. */
  async start(tty: boolean, variation = 0): Promise<void> {
    const args = ['create', '--bundle', this.bundle.directory, ...this.console(tty)];
    await this.call(variation, ...args, this.container);
    await sleep(PAUSES_MS[variation % PAUSES_MS.length]);
    await this.sandbox.call('start', this.container);
  }

  /** Creates the container from the bundle as written and waits for its end, as `run` does. */
  run(): Promise<Outcome> {
    const args = ['run', '--bundle', this.bundle.directory, this.container];
    return outcomeOf(this.sandbox.argv(args));
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
