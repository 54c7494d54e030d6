/** One capture: arm the tracer on a target, watch it, turn the outcome into a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SysieveError } from '../errors';
import type { Phase, Run } from '../recording/schema';
import { trackedCalls } from '../tables';
import { addon } from './binding';
import type {
  KernelMemory,
  NativeCall,
  NativeLosses,
  NativeSession,
  NativeTracked,
  Observation,
  SessionOptions,
  TracerName,
} from './binding-types';
import { checkHost, fromNative } from './host';
import type { Mark } from './phases';
import { phaseOf, type RunContext, toRun } from './run';

const POLL_MS = 100;

export type CaptureTarget = Partial<SessionOptions> & { execRule: SessionOptions['execRule'] };

/** What only the one who chose the target can say of a run. */
export type CaptureContext = Omit<RunContext, 'start' | 'version' | 'tracer'>;

export interface Progress {
  elapsedMs: number;
  calls: bigint;
  /** Distinct (ABI, number) pairs. */
  distinct: number;
  /** Distinct tuples of tracked arguments. */
  tuples: number;
  /** Since the newest of them was first seen. */
  quietMs: number;
  live: number;
  starts: number;
  /** Of `calls`, those that a filter denied. */
  denied: bigint;
  executables: number;
  /** The distinct call that was first seen last; null: there is none. */
  newest: NewestCall | null;
  /** What was missed so far, as `completeness` counts it. */
  lost: NativeLosses;
}

export interface NewestCall {
  abi: NativeCall['abi'];
  number: number;
  /** Who made it first: an untrusted path; '': not known. */
  executable: string;
  atMs: number;
}

/** What the tracer is told to keep; x32 shares x86_64's registers and numbers. */
export function trackedForKernel(): NativeTracked[] {
  return trackedCalls(['x86_64', 'i386']).flatMap(({ abi, ...call }) =>
    abi === 'x86_64' || abi === 'i386' ? [{ abi, ...call }] : [],
  );
}

export class Capture {
  private readonly session: NativeSession;
  readonly startedAt = new Date();
  private readonly tracer: TracerName;
  private readonly marks: Mark[] = [];
  /** Tasks of the target that were running when the tracer attached. */
  readonly tasksFound: number;

  /** Arms the tracer. Throws a SysieveError when that is not possible; nothing stays attached then. */
  constructor(target: CaptureTarget) {
    const options: SessionOptions = {
      tracer: 'ebpf',
      denied: false,
      cgroups: [],
      cgroupNames: [],
      mountNamespaces: [],
      pidNamespaces: [],
      pids: [],
      setupPids: [],
      tracked: trackedForKernel(),
      programs: 'auto',
      ...target,
    };
    this.tracer = options.tracer;
    // ptrace and notifications tell of tasks by their ids in this process's own namespace.
    if (this.tracer === 'ebpf') checkHost();
    this.session = new (addon().Session)(options);
    try {
      this.tasksFound = this.session.start().tasks;
    } catch (error) {
      this.session.stop();
      throw fromNative(error, this.tracer);
    }
  }

  /** Follows more cgroups from now on; see NativeSession. */
  follow(more: Parameters<NativeSession['follow']>[0]): ReturnType<NativeSession['follow']> {
    try {
      return this.session.follow(more);
    } catch (error) {
      throw fromNative(error, this.tracer);
    }
  }

  /** Reads the state so far; begins to watch denied calls once a task was seen under a filter. */
  poll(): Progress {
    const seen = this.observe();
    if (seen.filtered && seen.deniedSinceMs === null) this.session.watchDenied();
    return progressOf(seen);
  }

  /** From now on, the application's calls belong to `phase`. Returns the time of that, as Progress has it. */
  mark(phase: Phase): number {
    const seen = this.observe();
    this.marks.push({ phase, seen });
    return seen.elapsedMs;
  }

  /** Polls until `until` says so or the signal aborts. */
  async watch(
    until: (progress: Progress) => boolean,
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<void> {
    while (!signal.aborted) {
      const progress = this.poll();
      onProgress?.(progress);
      if (until(progress)) return;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Detaches and returns what was seen. */
  finish(context: CaptureContext): Run {
    try {
      this.session.detach();
      const run = toRun(this.observe(), {
        ...context,
        start: this.startedAt,
        version: packageVersion(),
        tracer: this.tracer,
        marks: this.marks,
      });
      return run;
    } finally {
      this.session.stop();
    }
  }

  /** It goes on in the kernel, without this process; see NativeSession.pin. */
  pin(directory: string): void {
    try {
      this.session.pin(directory);
    } catch (error) {
      throw fromNative(error, this.tracer);
    }
  }

  memory(): KernelMemory {
    return this.session.memory();
  }

  /** Detaches without a result. */
  abandon(): void {
    this.session.stop();
  }

  private observe(): Observation {
    try {
      return this.session.read();
    } catch (error) {
      throw fromNative(error, this.tracer);
    }
  }
}

/** Without the calls of a runtime before its filter, which are in no run either. */
export function progressOf(seen: Observation): Progress {
  const setup = new Set(
    seen.executables.filter(({ phase }) => phaseOf(phase) === null).map(({ slot }) => slot),
  );
  const paths = new Map(seen.executables.map(({ slot, path }) => [slot, path]));
  const used = new Set<string>();
  const first = new Map<string, NativeCall>();
  let calls = 0n;
  let denied = 0n;
  const add = (call: NativeCall): boolean => {
    if (setup.has(call.slot)) return false;
    calls += call.count;
    used.add(paths.get(call.slot) ?? '');
    const key = `${call.abi} ${call.number}`;
    const before = first.get(key);
    if (before === undefined || call.firstSeenMs < before.firstSeenMs) first.set(key, call);
    return true;
  };
  for (const call of seen.calls) add(call);
  for (const call of seen.denied) if (add(call)) denied += call.count;
  let last: NativeCall | null = null;
  for (const call of first.values()) {
    if (last === null || call.firstSeenMs > last.firstSeenMs) last = call;
  }
  return {
    elapsedMs: seen.elapsedMs,
    calls,
    distinct: first.size,
    tuples: seen.tuples.length,
    quietMs: Math.max(0, seen.elapsedMs - seen.newestMs),
    live: seen.live,
    starts: seen.starts,
    denied,
    executables: used.size - (used.has('') ? 1 : 0),
    newest: last && {
      abi: last.abi,
      number: last.number,
      executable: paths.get(last.slot) ?? '',
      atMs: last.firstSeenMs,
    },
    lost: seen.lost,
  };
}

/** This package's version. */
export function packageVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) {
    return String(parsed.version);
  }
  throw new SysieveError('defect', 'package-broken', `${file} has no version`);
}
