/**
 * The fixture programs (fixtures/programs/README.md): which there are, how to run and record them,
 * and how what they say of themselves is held against what a tracer saw.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRecording, type Run } from '../../src/recording';
import { testOf32Bit } from './abis';

const ROOT = join(__dirname, '..', '..');
export const PROGRAMS = join(ROOT, 'build', 'fixtures');
const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const RUN_MS = 120_000;

export interface Fixture {
  name: string;
  /** Arguments for a recording; none: the program's own defaults. */
  args?: string[];
  /** Smaller ones where each call costs microseconds, as under ptrace. */
  slowArgs?: string[];
  /** A ptracer adds calls of its own doing here: under one the counts are least counts. */
  leastUnderPtrace?: true;
  /** Runs 32-bit code. */
  i386?: true;
  /** Blind spots that its recording declares whatever the tracer. */
  declares?: readonly string[];
}

/**
 * A test of a fixture, or its being skipped where the kernel does not run that kind of code. Several
 * run at a time, as most of a short recording is waiting.
 */
export function testOfFixture(fixture: Fixture, name: string, body: () => Promise<void>): void {
  (fixture.i386 === true ? testOf32Bit : test.concurrent)(name, body);
}

/** One row for each source in fixtures/programs/; a test holds the two lists against each other. */
export const FIXTURES: readonly Fixture[] = [
  { name: 'batch' },
  { name: 'busy', slowArgs: ['20000'] },
  { name: 'busy-churn', slowArgs: ['20000'] },
  { name: 'churn' },
  { name: 'clone-parent' },
  { name: 'clone3' },
  { name: 'daemon' },
  { name: 'deep-tree' },
  { name: 'denied-arguments' },
  { name: 'denied-errno' },
  { name: 'denied-inherited' },
  { name: 'denied-int80', i386: true },
  { name: 'denied-kill-process' },
  { name: 'denied-kill-thread' },
  { name: 'denied-notify' },
  { name: 'denied-trace' },
  { name: 'denied-trap' },
  { name: 'denied-tsync' },
  { name: 'exec-chain' },
  { name: 'exec-failed' },
  { name: 'exec-fd' },
  { name: 'exec-script' },
  { name: 'exec-thread' },
  { name: 'exit-blocked' },
  { name: 'exit-thread' },
  { name: 'fork' },
  { name: 'fork-storm', slowArgs: ['200'] },
  { name: 'i386-exec', i386: true },
  { name: 'i386-static', i386: true },
  { name: 'int80', i386: true },
  { name: 'io-uring', declares: ['io-uring-operations'] },
  { name: 'kill-blocked' },
  { name: 'killed-at-entry' },
  { name: 'loop' },
  { name: 'many-calls' },
  { name: 'pid-namespace' },
  { name: 'posix-spawn' },
  { name: 'restart-read' },
  // A ptraced task is trapped once more when it is continued, which may restart the call again.
  { name: 'restart-syscall', leastUnderPtrace: true },
  { name: 'setns' },
  { name: 'short-lived', slowArgs: ['1000'] },
  { name: 'signals' },
  { name: 'stop-loop' },
  { name: 'thread-storm' },
  { name: 'threads' },
  { name: 'traces' },
  { name: 'unknown-number' },
  { name: 'unshare-mount' },
  { name: 'user-dispatch' },
  { name: 'user-namespace' },
  { name: 'vfork' },
  { name: 'x32' },
];

/** The tracer that checks the fixtures themselves; it is built beside them. */
export const ORACLE = 'trace-calls';

const Number32 = z.number().int().min(0).max(0xffffffff);
const Count = z.number().int().positive();
const Abi = z.enum(['x86_64', 'i386', 'x32']);

const ExpectationSchema = z.strictObject({
  program: z.string(),
  /** false: `calls` are least counts, and others may be there too. */
  exact: z.boolean(),
  calls: z
    .array(
      z.strictObject({
        abi: Abi,
        number: Number32,
        count: Count,
        denied: z.number().int().nonnegative(),
        errnos: z.record(z.string().regex(/^\d+$/), Count),
        executables: z.array(z.string()).optional(),
      }),
    )
    .min(1),
  /** Of these numbers together at least `count`: what a library may do one way or the other. */
  anyOf: z
    .array(z.strictObject({ abi: Abi, numbers: z.array(Number32).min(2), count: Count }))
    .optional(),
});
export type Expectation = z.infer<typeof ExpectationSchema>;

/** What a tracer saw of one call. Undefined: that tracer cannot tell. */
export interface Seen {
  abi: string;
  number: number;
  count: number;
  denied?: { count: number; errnos: Record<string, number> };
  executables?: string[];
}

export function buildFixtures(): void {
  execFileSync(join(ROOT, 'scripts', 'build-fixtures'), { stdio: ['ignore', 'ignore', 'inherit'] });
}

interface Output {
  stdout: string;
  stderr: string;
  status: string;
}

function collect(child: ChildProcess): Promise<Output> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ stdout, stderr, status: `${signal ?? code}` }));
  });
}

const start = (command: string, args: string[]): Promise<Output> =>
  collect(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS }));

async function run(command: string, args: string[]): Promise<string> {
  const output = await start(command, args);
  if (output.status !== '0') {
    throw new Error(`${command} ${args.join(' ')} ended with ${output.status}: ${output.stderr}`);
  }
  return output.stdout;
}

async function withTemporary<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-fixture-'));
  try {
    return await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export interface Traced {
  expectation: Expectation;
  seen: Seen[];
}

/** Runs a fixture under the ptrace oracle. */
export function traceFixture(fixture: Fixture): Promise<Traced> {
  return withTemporary(async (directory) => {
    const output = join(directory, 'calls.json');
    const args = fixture.slowArgs ?? fixture.args ?? [];
    const program = join(PROGRAMS, fixture.name);
    const stdout = await run(join(PROGRAMS, ORACLE), [output, program, ...args]);
    const seen: Seen[] = JSON.parse(readFileSync(output, 'utf8'));
    const expectation = ExpectationSchema.parse(JSON.parse(stdout));
    const exact = expectation.exact && fixture.leastUnderPtrace !== true;
    return { expectation: { ...expectation, exact }, seen };
  });
}

/** What a recording holds of a fixture, beside what that printed. */
export interface Recorded extends Traced {
  run: Run;
}

/**
 * Records a fixture by the built command, from its first instruction. `how`: options of `record`
 * that choose the tracer.
 */
export function recordFixture(
  fixture: Fixture,
  how: readonly string[] = ['--programs', 'typed', '--denied'],
  args = fixture.args ?? [],
): Promise<Recorded> {
  return withTemporary(async (directory) => {
    const output = join(directory, 'recording.json');
    const stdout = await run(process.execPath, recordingOf(fixture, how, args, output));
    return readRecorded(readFileSync(output, 'utf8'), stdout);
  });
}

/** Records a fixture that gives up under this tracer: what it said then, and its recording. */
export function recordFailing(
  fixture: Fixture,
  how: readonly string[],
): Promise<{ stderr: string; run: Run }> {
  return withTemporary(async (directory) => {
    const output = join(directory, 'recording.json');
    const { stderr, status } = await start(process.execPath, recordingOf(fixture, how, [], output));
    if (status === '0') throw new Error(`${fixture.name} did not fail`);
    return { stderr, run: onlyRun(readFileSync(output, 'utf8')) };
  });
}

function recordingOf(
  fixture: Fixture,
  how: readonly string[],
  args: readonly string[],
  output: string,
): string[] {
  const program = [join(PROGRAMS, fixture.name), ...args];
  return [CLI, 'record', ...how, '-o', output, '--', ...program];
}

function onlyRun(recording: string): Run {
  const { runs } = parseRecording(recording, 'the recording');
  const [recorded] = runs;
  if (recorded === undefined || runs.length !== 1) {
    throw new Error(`${runs.length} runs in the recording of one command`);
  }
  return recorded;
}

/** From the text of a recording and what the fixture printed. */
export function readRecorded(recording: string, printed: string): Recorded {
  const recorded = onlyRun(recording);
  const expectation = expectationIn(printed);
  return { expectation, seen: applicationCalls(recorded), run: recorded };
}

/** Starts a fixture beside what is recorded; stop() ends it with all its children. */
export function startNeighbour(name: string, args: string[]): { stop(): Promise<void> } {
  const child = spawn(join(PROGRAMS, name), args, { stdio: 'ignore', detached: true });
  const ended = collect(child);
  return {
    async stop() {
      // A group of its own, so that the loops it started end with it.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      const { status } = await ended;
      if (status !== 'SIGKILL') throw new Error(`${name} ended early, with ${status}`);
    },
  };
}

/** Without the launcher's own: what was made in its phase only. */
function applicationCalls(recorded: Run): Seen[] {
  return recorded.calls
    .filter((call) => call.phases.some((phase) => phase !== 'runtime'))
    .map(({ abi, number, count, denied, executables }) => ({
      abi,
      number,
      count,
      denied,
      executables: executables.map((index) => recorded.executables[index] ?? `no path ${index}`),
    }));
}

/** What a fixture says of itself; what `batch` and the programs it ran say is added up. */
function expectationIn(stdout: string): Expectation {
  const said = stdout
    .split(/^(?=\{"program")/m)
    .map((text) => ExpectationSchema.parse(JSON.parse(text)));
  const calls = new Map<string, Expected>();
  for (const call of said.flatMap((expectation) => expectation.calls)) {
    const sum = calls.get(keyOf(call));
    calls.set(keyOf(call), sum === undefined ? call : added(sum, call));
  }
  return {
    program: said.at(-1)?.program ?? '',
    exact: said.every(({ exact }) => exact),
    calls: [...calls.values()],
    anyOf: said.flatMap(({ anyOf }) => anyOf ?? []),
  };
}

function added(a: Expected, b: Expected): Expected {
  const errnos = { ...a.errnos };
  for (const [errno, count] of Object.entries(b.errnos)) {
    errnos[errno] = (errnos[errno] ?? 0) + count;
  }
  const known = a.executables !== undefined && b.executables !== undefined;
  const executables = known
    ? [...new Set([...(a.executables ?? []), ...(b.executables ?? [])])]
    : [];
  return {
    abi: a.abi,
    number: a.number,
    count: a.count + b.count,
    denied: a.denied + b.denied,
    errnos,
    ...(executables.length > 0 && { executables }),
  };
}

const keyOf = (call: { abi: string; number: number }): string => `${call.abi} ${call.number}`;

/** Every difference between what a fixture says and what was seen, in words; none: []. */
export function differences(expectation: Expectation, seen: readonly Seen[]): string[] {
  const found: string[] = [];
  const left = new Map<string, Seen>();
  for (const call of seen) {
    if (left.has(keyOf(call))) found.push(`${keyOf(call)}: seen twice`);
    left.set(keyOf(call), call);
  }
  for (const { abi, numbers, count } of expectation.anyOf ?? []) {
    const sum = numbers.reduce((n, number) => n + (left.get(`${abi} ${number}`)?.count ?? 0), 0);
    if (sum < count) found.push(`${abi} ${numbers.join(' or ')}: ${sum} of at least ${count}`);
  }
  for (const expected of expectation.calls) {
    const key = keyOf(expected);
    const call = left.get(key);
    left.delete(key);
    if (call === undefined) found.push(`${key}: missing, made ${expected.count} times`);
    else if (expectation.exact) found.push(...differencesOf(key, expected, call));
    else if (call.count < expected.count) {
      found.push(`${key}: ${call.count} of at least ${expected.count}`);
    }
  }
  if (expectation.exact) {
    for (const [key, call] of left) found.push(`${key}: never made, seen ${call.count} times`);
  }
  return found;
}

type Expected = Expectation['calls'][number];

function differencesOf(key: string, expected: Expected, call: Seen): string[] {
  const found: string[] = [];
  const compare = (what: string, made: unknown, got: unknown): void => {
    if (made !== got) found.push(`${key}: ${what} ${made}, seen ${got}`);
  };
  compare('made', expected.count, call.count);
  if (call.denied !== undefined) {
    compare('denied', expected.denied, call.denied.count);
    compare('errnos', errnosText(expected.errnos), errnosText(call.denied.errnos));
  }
  if (call.executables !== undefined && expected.executables !== undefined) {
    compare('by', listText(expected.executables), listText(call.executables));
  }
  return found;
}

function errnosText(errnos: Record<string, number>): string {
  return listText(Object.entries(errnos).map(([errno, count]) => `${errno}×${count}`));
}

function listText(items: readonly string[]): string {
  return `[${[...items].sort().join(', ')}]`;
}
