/** Containers that live for milliseconds, each with calls of its own, and recordings of all of them. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Call, parseRecording, type Recording, type Run } from '../../src/recording';
import { runCommand, type TestEngine } from './engines';
import { CLI, ROOT, type Running, startUntil } from './recorder';

/** The image whose only program is fixtures/images/numbered.c; `mark` makes it another image. */
export async function importNumbered(engine: TestEngine, mark: string): Promise<string> {
  const work = mkdtempSync(path.join(tmpdir(), 'sysieve-numbered-'));
  const reference = `sysieve-numbered-${mark}:latest`;
  try {
    const program = path.join(work, 'numbered');
    const flags = ['-static', '-nostdlib', '-ffreestanding', '-fno-stack-protector', '-O1'];
    const source = path.join(ROOT, 'fixtures', 'images', 'numbered.c');
    const { code, stderr } = await runCommand('cc', [...flags, '-Wall', '-o', program, source]);
    if (code !== 0) throw new Error(stderr);
    const root = path.join(work, 'root');
    mkdirSync(root);
    copyFileSync(program, path.join(root, 'numbered'));
    writeFileSync(path.join(root, 'mark'), mark);
    const tar = path.join(work, 'image.tar');
    await runCommand('tar', ['-C', root, '-cf', tar, '.']);
    await engine.cli('import', tar, reference);
    return reference;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export interface AllRecorder {
  /** Ends it and reads what it wrote. */
  stop(): Promise<{ recording: Recording; said: string; summary: Record<string, unknown> }>;
}

const running = new Set<Running>();

export async function startAll(
  engine: TestEngine,
  file: string,
  ...args: string[]
): Promise<AllRecorder> {
  const all = ['record', '--all', ...args, '-o', file, '--json'];
  const recorder = await startUntil(process.execPath, [CLI, ...all], /recording every/, {
    env: engine.env,
  });
  running.add(recorder);
  return {
    async stop() {
      recorder.child.kill('SIGINT');
      const { status } = await recorder.exited;
      running.delete(recorder);
      if (status !== 0) throw new Error(`ended with ${status}: ${recorder.stderr()}`);
      return {
        recording: parseRecording(readFileSync(file, 'utf8'), file),
        said: recorder.stderr(),
        summary: JSON.parse(recorder.stdout()) as Record<string, unknown>,
      };
    },
  };
}

export function abandonAll(): void {
  for (const { child } of running) child.kill('SIGKILL');
}

/** Runs `work` on every item, so many at a time. */
export async function atATime<T>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** One short container after another, ten at a time; named by PREFIX and number. */
export async function runNumbered(
  engine: TestEngine,
  image: string,
  prefix: string,
  numbers: readonly number[],
  ...options: string[]
): Promise<void> {
  await atATime(10, numbers, (number) =>
    engine.cli(
      ...['run', '--rm', '--name', `${prefix}${number}`, '--network=none'],
      ...[...engine.createArgs, ...options, image, '/numbered', `${number}`],
    ),
  );
}

export const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => from + at);

/** What differs from what `numbered` says it does; none: []. */
export function misattributed(run: Run, number: number): string[] {
  const found: string[] = [];
  const application = run.calls.filter(({ phases }) => phases.includes('steady'));
  const of = (name: string): Call | undefined => application.find((call) => call.name === name);
  const expect = (what: string, made: unknown, seen: unknown): void => {
    if (made !== seen) found.push(`${number}: ${what} ${made}, seen ${seen}`);
  };
  const own = application.filter((call) => call.number >= 2000);
  expect('numbers of its own', `${2000 + number}`, own.map((call) => call.number).join());
  expect('calls of its own', 3, own[0]?.count);
  expect('times', number + 1, of('times')?.count);
  expect('getpgid', number + 2, of('getpgid')?.count);
  const tuples = (of('socket')?.args?.tuples ?? []).map(({ values, count }) => [...values, count]);
  expect('socket', `0x1,0x1,0x${number.toString(16)},2`, tuples.join(' '));
  expect('executables', '/numbered', run.executables.join());
  expect('complete', true, run.completeness.complete);
  expect('starts', 1, run.completeness.startsSeen);
  return found;
}

/** The same for a recording of containers named by runNumbered. */
export function misattributions(
  { runs }: Recording,
  prefix: string,
  numbers: readonly number[],
): string[] {
  const names = runs.map(({ target }) => target.name ?? '');
  const strangers = names.filter((name) => !name.startsWith(prefix)).map((name) => `has ${name}`);
  return [
    ...strangers,
    ...numbers.flatMap((number) => {
      const own = runs.filter(({ target }) => target.name === `${prefix}${number}`);
      const [run] = own;
      if (run === undefined || own.length > 1) return [`${number}: ${own.length} runs`];
      return misattributed(run, number);
    }),
  ];
}
