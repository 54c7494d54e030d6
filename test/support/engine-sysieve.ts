/** The sysieve command against a test engine: recordings and profiles by the way users make them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Recording } from '../../src/recording/schema';
import { type CliResult, runCommand, type TestEngine, until } from './engines';

const MAIN = path.join(__dirname, '../../dist/cli/main.js');

function environment(engine: TestEngine): NodeJS.ProcessEnv {
  return engine.name === 'podman'
    ? { ...engine.env, CONTAINER_HOST: `unix://${engine.socket}` }
    : engine.env;
}

export function sysieveIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<CliResult> {
  return runCommand(process.execPath, [MAIN, ...args], env);
}

export function sysieve(engine: TestEngine, ...args: string[]): Promise<CliResult> {
  return sysieveIn(environment(engine), ...args);
}

export class Recorder {
  private static readonly running = new Set<ChildProcess>();
  private stderr = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly file: string,
  ) {
    Recorder.running.add(child);
    child.once('exit', () => Recorder.running.delete(child));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  /** Ends those that a failed test left. */
  static abandonAll(): void {
    for (const child of Recorder.running) child.kill('SIGKILL');
  }

  /** Resolves once the tracer counts. */
  static async start(
    engine: TestEngine,
    container: string,
    file: string,
    ...more: string[]
  ): Promise<Recorder> {
    const target = ['--container', container, '--engine', engine.name];
    return Recorder.launch(environment(engine), [...target, ...more], file);
  }

  /** The same with the options of `record` that name the target. */
  static async launch(
    env: NodeJS.ProcessEnv,
    options: readonly string[],
    file: string,
  ): Promise<Recorder> {
    const child = spawn(process.execPath, [MAIN, 'record', ...options, '-o', file], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const recorder = new Recorder(child, file);
    try {
      await until('the recorder to be ready', 20_000, () => {
        if (child.exitCode !== null) throw new Error(`record: exit ${child.exitCode}`);
        return /^sysieve: recording /m.test(recorder.stderr);
      });
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`${(error as Error).message}: ${recorder.stderr}`);
    }
    return recorder;
  }

  /** What it has said so far. */
  get said(): string {
    return this.stderr;
  }

  /** To the process itself. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it as a user does, and gives what it wrote. */
  async stop(): Promise<Recording> {
    this.child.kill('SIGINT');
    return this.ended();
  }

  /** Waits for it to end by itself, and gives what it wrote. */
  async ended(): Promise<Recording> {
    const { stderr } = this;
    await until('the recorder to end', 20_000, () => this.child.exitCode !== null);
    if (this.child.exitCode !== 0) {
      throw new Error(`record: exit ${this.child.exitCode}: ${stderr}`);
    }
    return JSON.parse(readFileSync(this.file, 'utf8')) as Recording;
  }
}

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
}

const ENOSYS = 38;

/** The calls a profile answers with ENOSYS so that the C library takes another one. */
export function fallbacks(profile: string): Set<string> {
  const { syscalls } = JSON.parse(readFileSync(profile, 'utf8')) as { syscalls: Rule[] };
  return new Set(
    syscalls
      .filter((rule) => rule.action === 'SCMP_ACT_ERRNO' && rule.errnoRet === ENOSYS)
      .flatMap((rule) => rule.names),
  );
}

/** Denied calls, split into the profile's own fallbacks and everything else. */
export function deniedCalls(recording: Recording, profile: string) {
  const answered = fallbacks(profile);
  const result = { fallback: [] as string[], refused: [] as string[], watched: false };
  for (const run of recording.runs) {
    result.watched = run.completeness.deniedSinceMs !== null;
    for (const call of run.calls.filter((c) => c.denied.count > 0)) {
      const name = call.name ?? `${call.abi}:${call.number}`;
      const errnos = Object.keys(call.denied.errnos);
      const isFallback = answered.has(name) && errnos.every((e) => e === String(ENOSYS));
      const text = `${name} (${call.phases.join(', ')}; errno ${errnos.join(', ')})`;
      (isFallback ? result.fallback : result.refused).push(isFallback ? name : text);
    }
  }
  return result;
}
