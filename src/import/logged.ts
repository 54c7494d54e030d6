/**
 * Runs made of other tools' logs. A log says less than a tracer: what it cannot tell is in the run's
 * completeness, and each line that was not understood counts as a call that was lost.
 */
import { createHash } from 'node:crypto';
import {
  type Call,
  type Completeness,
  isComplete,
  type Phase,
  type Recording,
  type Run,
  UNKNOWN_EXTENT,
} from '../recording';
import { type Abi, syscallName, trackedArguments } from '../tables';
import type { Imported, ImportInput, ImportOptions } from './types';

/** Longer lines are not read: no tool writes such. */
export const MOST_CHARACTERS = 65_536;
const MOST_EXECUTABLES = 1000;
const MOST_TUPLES = 128;
const MOST_TEXT = 4096;
/** Line numbers in a note; the rest are counted. */
const MOST_RANGES = 40;

export interface Seen {
  abi: Abi;
  /** Without the x32 bit. */
  number: number;
  /** Register values by index; null: the log has none. */
  args: readonly bigint[] | null;
  phase: Phase;
  executable: string | null;
  atMs: number;
  /** Answered by a filter, with this errno; 0: killed or trapped. */
  denied?: number;
}

interface Entry {
  abi: Abi;
  number: number;
  count: number;
  errnos: Map<number, number>;
  phases: Set<Phase>;
  executables: Set<number>;
  firstSeenMs: number;
  tuples: Map<string, { count: number; phases: Set<Phase>; executables: Set<number> }>;
  overflow: number;
}

export class Log {
  readonly blindSpots = new Set<string>();
  readonly notes: string[] = [];
  startsSeen = 0;
  tasksLost = 0;
  /** Calls that the log says it lacks. */
  callsLost = 0;
  attachedLate = false;
  lastMs = 0;
  private readonly entries = new Map<string, Entry>();
  private readonly executables = new Map<string, number>();
  private executablesOverLimit = 0;
  private pathsTruncated = 0;
  private readonly unread = new Map<string, number[]>();
  private lines = 0;

  /** Every line of the text with its number, from 1, and whether a newline ends it. */
  *read({ text }: ImportInput): Generator<{ line: string; number: number; whole: boolean }> {
    let number = 0;
    let start = 0;
    while (start < text.length) {
      const newline = text.indexOf('\n', start);
      const end = newline === -1 ? text.length : newline;
      number += 1;
      this.lines += 1;
      const stop = end > start && text[end - 1] === '\r' ? end - 1 : end;
      yield { line: text.slice(start, stop), number, whole: newline !== -1 };
      start = end + 1;
    }
  }

  /** A line that was not understood. */
  skip(source: string, number: number): void {
    const known = this.unread.get(source);
    if (known === undefined) this.unread.set(source, [number]);
    else known.push(number);
  }

  add(seen: Seen): void {
    const key = `${seen.abi} ${seen.number}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = {
        abi: seen.abi,
        number: seen.number,
        count: 0,
        errnos: new Map(),
        phases: new Set(),
        executables: new Set(),
        firstSeenMs: seen.atMs,
        tuples: new Map(),
        overflow: 0,
      };
      this.entries.set(key, entry);
    }
    entry.count += 1;
    entry.phases.add(seen.phase);
    entry.firstSeenMs = Math.min(entry.firstSeenMs, seen.atMs);
    this.lastMs = Math.max(this.lastMs, seen.atMs);
    if (seen.denied !== undefined) {
      entry.errnos.set(seen.denied, (entry.errnos.get(seen.denied) ?? 0) + 1);
    }
    const executable = this.executable(seen.executable);
    if (executable !== null) entry.executables.add(executable);
    this.arguments(entry, seen, executable);
  }

  private executable(path: string | null): number | null {
    if (path === null || path === '') return null;
    const kept = path.length > MOST_TEXT ? path.slice(0, MOST_TEXT) : path;
    const known = this.executables.get(kept);
    if (known !== undefined) return known;
    if (this.executables.size === MOST_EXECUTABLES) {
      this.executablesOverLimit += 1;
      return null;
    }
    if (kept !== path) this.pathsTruncated += 1;
    const made = this.executables.size;
    this.executables.set(kept, made);
    return made;
  }

  private arguments(entry: Entry, seen: Seen, executable: number | null): void {
    // As the tracers: x32's registers are those of x86_64, whose rules stand for them.
    const tracked = trackedOf(seen.abi, seen.number);
    if (tracked === null) return;
    const values = tracked.map(({ index, mask }) => {
      const value = seen.args?.[index];
      return value === undefined ? null : `0x${(value & mask).toString(16)}`;
    });
    const key = values.join(' ');
    const tuple = entry.tuples.get(key);
    if (values.includes(null) || (tuple === undefined && entry.tuples.size === MOST_TUPLES)) {
      entry.overflow += 1;
      return;
    }
    const kept = tuple ?? { count: 0, phases: new Set<Phase>(), executables: new Set<number>() };
    kept.count += 1;
    kept.phases.add(seen.phase);
    if (executable !== null) kept.executables.add(executable);
    entry.tuples.set(key, kept);
  }

  private calls(): Call[] {
    const numbers = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
    return [...this.entries.values()].map((entry) => {
      const { abi, number } = entry;
      const tracked = trackedOf(abi, number);
      return {
        abi,
        number,
        name: syscallName(abi, number),
        count: entry.count,
        denied: {
          count: [...entry.errnos.values()].reduce((sum, count) => sum + count, 0),
          errnos: Object.fromEntries(entry.errnos),
        },
        phases: [...entry.phases],
        executables: numbers(entry.executables),
        firstSeenMs: entry.firstSeenMs,
        args:
          tracked === null
            ? null
            : {
                indexes: tracked.map(({ index }) => index),
                tuples: [...entry.tuples].map(([values, tuple]) => ({
                  values: values.split(' '),
                  count: tuple.count,
                  phases: [...tuple.phases],
                  executables: numbers(tuple.executables),
                })),
                // clone3's flags lie in memory, which no log shows.
                overflow: syscallName(abi, number) === 'clone3' ? 0 : entry.overflow,
                unreadable: syscallName(abi, number) === 'clone3' ? entry.overflow : 0,
              },
      };
    });
  }

  /** `tool`: what wrote the log, the tracer of the run. */
  finish(
    tool: string,
    inputs: readonly ImportInput[],
    options: ImportOptions,
    deniedSinceMs: number | null = null,
  ): Imported {
    const calls = this.calls();
    if (options.unfiltered !== true) this.blindSpots.add(UNKNOWN_EXTENT);
    const unread = [...this.unread.values()].reduce((sum, { length }) => sum + length, 0);
    const completeness: Omit<Completeness, 'complete'> = {
      startsSeen: this.startsSeen,
      attachedLate: this.attachedLate ? { targetAgeMs: null } : null,
      callsLost: this.callsLost + unread,
      tasksLost: this.tasksLost,
      namespacesOverLimit: 0,
      cgroupsOverLimit: 0,
      tasksUnstarted: 0,
      callsBeforeStart: 0,
      executablesOverLimit: this.executablesOverLimit,
      pathsTruncated: this.pathsTruncated,
      argumentOverflow: calls.reduce(
        (sum, { args }) => sum + (args === null ? 0 : args.overflow + args.unreadable),
        0,
      ),
      numbersUnknown: calls.filter(({ name }) => name === null).length,
      deniedSinceMs,
      blindSpots: [...this.blindSpots].sort(),
    };
    const hash = createHash('sha256').update(
      `${tool}\n${JSON.stringify({ ...options, toolVersion: null })}\n`,
    );
    for (const { text } of inputs) hash.update(`${text.length}\n`).update(text);
    const run: Run = {
      // The same logs are the same run: read twice and merged, they stay one.
      id: hash.digest('hex').slice(0, 32),
      tool: { name: 'sysieve', version: options.toolVersion ?? '0' },
      host: { kernel: 'unknown', machine: options.arch ?? 'x86_64', runtime: null },
      target: { kind: 'command', engine: null, name: null, id: null, image: null },
      tracer: tool,
      // No log says it in a way that all others do.
      start: '1970-01-01T00:00:00.000Z',
      durationMs: Math.max(0, Math.floor(this.lastMs)),
      marks: [],
      executables: [...this.executables.keys()],
      calls,
      completeness: { complete: isComplete(completeness), ...completeness },
    };
    const recording: Recording = { version: 1, runs: [run] };
    return {
      kind: 'recording',
      recording,
      notes: [...this.notes, ...this.unreadNotes(), ...this.says(run)],
    };
  }

  private unreadNotes(): string[] {
    return [...this.unread].map(([source, numbers]) => {
      const ranges: string[] = [];
      let shown = 0;
      for (let at = 0; at < numbers.length && ranges.length < MOST_RANGES; ) {
        let end = at;
        while (numbers[end + 1] === (numbers[end] as number) + 1) end += 1;
        ranges.push(at === end ? `${numbers[at]}` : `${numbers[at]}-${numbers[end]}`);
        shown += end - at + 1;
        at = end + 1;
      }
      const more = numbers.length - shown;
      const rest = more === 0 ? '' : ` and ${more} more`;
      const lines = numbers.length === 1 ? 'line' : 'lines';
      return `${source}: ${numbers.length} ${lines} not understood, which count as calls lost: ${ranges.join(', ')}${rest}`;
    });
  }

  private says({ completeness, calls }: Run): string[] {
    const counted = calls.reduce((sum, { count }) => sum + count, 0);
    const made = [`${this.lines} lines, ${counted} calls of ${calls.length} kinds`];
    if (completeness.blindSpots.includes(UNKNOWN_EXTENT)) {
      made.push(
        'a log does not say which calls it leaves out: the recording is not complete unless --unfiltered ' +
          'says that none were',
      );
    }
    if (completeness.startsSeen === 0) made.push('no start of the target was seen');
    return made;
  }
}

function trackedOf(abi: Abi, number: number) {
  const name = syscallName(abi, number);
  return name === null || abi === 'x32' ? null : trackedArguments(abi, name);
}
