/** Turns what the tracer saw into a run of a Recording. */
import { randomUUID } from 'node:crypto';
import { machine, release } from 'node:os';
import {
  CALLS_REWRITTEN,
  type Call,
  type Completeness,
  isComplete,
  type Phase,
  type Run,
} from '../recording/schema';
import { syscallName, trackedArguments } from '../tables';
import type { NativeCall, NativePhase, Observation } from './binding-types';
import { type Mark, type MarkedPhases, markedPhases } from './phases';

export interface RunContext {
  version: string;
  target: Run['target'];
  runtime: Run['host']['runtime'];
  tracer: string;
  start: Date;
  /** Set when the target was running already as the tracer attached. */
  attachedLate: Completeness['attachedLate'];
  /** What cannot be seen by the way the tracer was set up. */
  blindSpots?: readonly string[];
  /** In the order set. */
  marks?: readonly Mark[];
}

interface Entry {
  abi: NativeCall['abi'];
  number: number;
  count: bigint;
  deniedCount: bigint;
  errnos: Map<number, bigint>;
  phases: Set<Phase>;
  executables: Set<number>;
  firstSeenMs: number;
}

/**
 * io_uring carries out reads, writes, opens, connects… without a system call for each, and with a
 * polling thread without any after the setup.
 */
const IO_URING = [425, 426]; // io_uring_setup, io_uring_enter: under every ABI

const PTRACE_POKEUSER = 6;
const PTRACE_SETREGS = 13;
const PTRACE_SETOPTIONS = 0x4200;
const PTRACE_SETREGSET = 0x4205;
const PTRACE_SEIZE = 0x4206;
const PTRACE_SET_SYSCALL_INFO = 0x4212;
const SECCOMP_SET_MODE_FILTER = 1;
const PR_SET_SECCOMP = 22;

/** Requests that can set the number of a call, and those that can ask for stops by SECCOMP_RET_TRACE. */
const REWRITES = [PTRACE_POKEUSER, PTRACE_SETREGS, PTRACE_SETREGSET, PTRACE_SET_SYSCALL_INFO];
const SECCOMP_STOPS = [PTRACE_SETOPTIONS, PTRACE_SEIZE];

/** Whether some of them passed with one of the values; true where arguments are not known. */
function wasMade(calls: readonly Call[], name: string, values: readonly number[]): boolean {
  return calls
    .filter((call) => call.name === name && call.count > call.denied.count)
    .some(
      ({ args }) =>
        args === null ||
        args.overflow > 0 ||
        args.tuples.some((tuple) => values.includes(Number(tuple.values[0]))),
    );
}

/**
 * A tracer is asked by SECCOMP_RET_TRACE once all filters were, so that a profile is asked about the
 * call as the program made it. A tracer that makes another of it hides the first from the kernel's
 * tracepoints. What it changes at an entry stop it changes before filters are asked.
 */
function mayBeRewritten(calls: readonly Call[]): boolean {
  const filtered =
    wasMade(calls, 'seccomp', [SECCOMP_SET_MODE_FILTER]) ||
    wasMade(calls, 'prctl', [PR_SET_SECCOMP]);
  return filtered && wasMade(calls, 'ptrace', REWRITES) && wasMade(calls, 'ptrace', SECCOMP_STOPS);
}

/**
 * null: made before a filter was in place, so by no means the application's and never under its
 * profile; mixed into the counts of the same call by the application they would make denied calls
 * look permitted.
 */
export function phaseOf(phase: NativePhase): 'app' | 'runtime' | 'exec' | null {
  return phase === 'setup' || phase === 'exec-setup' ? null : phase;
}

function exact(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`count ${count} above 2^53`);
  return Number(count);
}

interface NamedCall {
  abi: NativeCall['abi'];
  number: number;
  name: string | null;
}

interface TupleEntry {
  count: bigint;
  phases: Set<Phase>;
  executables: Set<number>;
}

/** The tuples by call, of all recorded phases: a filter meets every one of them. */
function argumentsOf(
  seen: Observation,
  marked: MarkedPhases,
  executableOf: (slot: number) => number,
): (call: NamedCall, denied: boolean) => Call['args'] {
  const key = (call: Pick<NativeCall, 'abi' | 'number'>, denied: boolean): string =>
    `${call.abi} ${call.number} ${denied}`;
  const tuples = new Map<string, Map<string, TupleEntry>>();
  for (const tuple of seen.tuples) {
    const phase = phaseOf(tuple.phase);
    if (phase === null) continue;
    const values = tuple.values.map((value) => `0x${value.toString(16)}`).join(' ');
    const ofCall = tuples.get(key(tuple, tuple.denied)) ?? new Map<string, TupleEntry>();
    const entry = ofCall.get(values) ?? { count: 0n, phases: new Set(), executables: new Set() };
    entry.count += tuple.count;
    for (const of of phase === 'app' ? marked.ofTuple(tuple) : [phase]) entry.phases.add(of);
    for (const index of tuple.slots.map(executableOf)) {
      if (index !== -1) entry.executables.add(index);
    }
    ofCall.set(values, entry);
    tuples.set(key(tuple, tuple.denied), ofCall);
  }
  const lost = (call: NamedCall, denied: boolean, unreadable: boolean): number =>
    exact(
      seen.tupleLosses
        .filter((l) => key(l, l.denied) === key(call, denied) && l.unreadable === unreadable)
        .filter((l) => phaseOf(l.phase) !== null)
        .reduce((sum, l) => sum + l.count, 0n),
    );
  return (call, denied) => {
    const tracked = call.name === null ? null : trackedArguments(call.abi, call.name);
    if (tracked === null || call.abi === 'x32') return null;
    return {
      indexes: tracked.map(({ index }) => index),
      tuples: [...(tuples.get(key(call, denied)) ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([values, entry]) => ({
          values: values.split(' '),
          count: exact(entry.count),
          phases: [...entry.phases].sort(),
          executables: [...entry.executables].sort((a, b) => a - b),
        })),
      overflow: lost(call, denied, false),
      unreadable: lost(call, denied, true),
    };
  };
}

/** The run in canonical order. `seen` is read after the tracer has detached. */
export function toRun(seen: Observation, context: RunContext): Run {
  const marks = context.marks ?? [];
  const marked = markedPhases(marks, seen);
  const phases = new Map(seen.executables.map((e) => [e.slot, phaseOf(e.phase)]));
  const paths = new Map(seen.executables.map((e) => [e.slot, e.path]));
  const recorded = (call: NativeCall): boolean => phases.get(call.slot) !== null;
  const passed = seen.calls.filter(recorded);
  const denied = seen.denied.filter(recorded);
  const used = new Set([...passed, ...denied].map((call) => call.slot));
  const executables = [...new Set([...used].map((slot) => paths.get(slot) ?? ''))]
    .filter((path) => path !== '')
    .sort((a, b) => (a < b ? -1 : 1));

  const entries = new Map<string, Entry>();
  const entryOf = (call: NativeCall): Entry => {
    const key = `${call.abi} ${call.number}`;
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = {
        abi: call.abi,
        number: call.number,
        count: 0n,
        deniedCount: 0n,
        errnos: new Map(),
        phases: new Set(),
        executables: new Set(),
        firstSeenMs: call.firstSeenMs,
      };
      entries.set(key, entry);
    }
    entry.count += call.count;
    const phase = phases.get(call.slot) ?? 'app';
    for (const of of phase === 'app' ? marked.ofCall(call) : [phase]) entry.phases.add(of);
    const index = executables.indexOf(paths.get(call.slot) ?? '');
    if (index !== -1) entry.executables.add(index);
    entry.firstSeenMs = Math.min(entry.firstSeenMs, call.firstSeenMs);
    return entry;
  };
  for (const call of passed) entryOf(call);
  for (const call of denied) {
    const entry = entryOf(call);
    entry.deniedCount += call.count;
    entry.errnos.set(call.errno, (entry.errnos.get(call.errno) ?? 0n) + call.count);
  }

  const args = argumentsOf(seen, marked, (slot) => executables.indexOf(paths.get(slot) ?? ''));
  const calls = [...entries.values()]
    .sort((a, b) => (a.abi === b.abi ? a.number - b.number : a.abi < b.abi ? -1 : 1))
    .map(({ abi, number, ...entry }) => {
      const call = { abi, number, name: syscallName(abi, number) };
      const deniedArgs = entry.deniedCount > 0n ? args(call, true) : null;
      return {
        ...call,
        count: exact(entry.count),
        denied: {
          count: exact(entry.deniedCount),
          errnos: Object.fromEntries(
            [...entry.errnos].sort(([a], [b]) => a - b).map(([e, n]) => [String(e), exact(n)]),
          ),
          ...(deniedArgs === null ? {} : { args: deniedArgs }),
        },
        phases: [...entry.phases].sort(),
        executables: [...entry.executables].sort((a, b) => a - b),
        firstSeenMs: Math.floor(entry.firstSeenMs),
        args: args(call, false),
      };
    });

  const blindSpots = [...seen.blindSpots, ...(context.blindSpots ?? [])];
  if (calls.some((c) => IO_URING.includes(c.number) && c.count > c.denied.count)) {
    blindSpots.push('io-uring-operations');
  }
  // ptrace refuses the target tracees of its own; a listener outranks its SECCOMP_RET_TRACE.
  if (context.tracer === 'ebpf' && mayBeRewritten(calls)) blindSpots.push(CALLS_REWRITTEN);
  const completeness = {
    startsSeen: seen.starts,
    attachedLate: context.attachedLate,
    callsLost: exact(seen.lost.calls),
    tasksLost: exact(seen.lost.tasks),
    namespacesOverLimit: exact(seen.lost.namespaces),
    cgroupsOverLimit: exact(seen.lost.cgroups),
    tasksUnstarted: Math.max(0, seen.live - seen.liveApplication),
    callsBeforeStart: exact(
      [...seen.calls, ...seen.denied]
        .filter((call) => !recorded(call))
        .reduce((sum, call) => sum + call.count, 0n),
    ),
    executablesOverLimit: exact(seen.lost.executables),
    pathsTruncated: exact(seen.lost.paths),
    argumentOverflow: calls.reduce(
      (sum, { args: a }) => sum + (a === null ? 0 : a.overflow + a.unreadable),
      0,
    ),
    numbersUnknown: calls.filter((call) => call.name === null).length,
    deniedSinceMs: seen.deniedSinceMs === null ? null : Math.floor(seen.deniedSinceMs),
    blindSpots: blindSpots.sort(),
  };
  return {
    id: randomUUID(),
    tool: { name: 'sysieve', version: context.version },
    host: { kernel: release(), machine: machine(), runtime: context.runtime },
    target: context.target,
    tracer: context.tracer,
    start: context.start.toISOString(),
    durationMs: Math.floor(seen.elapsedMs),
    marks: marks.map(({ phase, seen: { elapsedMs } }) => ({ phase, atMs: Math.floor(elapsedMs) })),
    executables,
    calls,
    completeness: { complete: isComplete(completeness), ...completeness },
  };
}
