/** Recordings as programs meet them: their shape, reading, writing, union. No I/O. */
import {
  mergeRecordings as merge,
  parseRecording as parse,
  serializeRecording as serialize,
} from '../recording';

/**
 * A system-call ABI. The same number under two ABIs is two calls.
 *
 * @public
 */
export type Abi = 'x86_64' | 'i386' | 'x32' | 'aarch64' | 'arm';

/**
 * Whose calls, and when. `runtime`: the container runtime's, between its filter and the entrypoint;
 * `exec`: the same of what entered a running container; the rest is the application's, divided by
 * {@link Recorder.mark}.
 *
 * @public
 */
export type Phase = 'runtime' | 'exec' | 'startup' | 'steady' | 'shutdown';

/**
 * The register arguments that were kept of one call.
 *
 * @public
 */
export interface RecordedArguments {
  /** Which argument registers were tracked, 0 to 5, ascending. */
  indexes: number[];
  /** One for each distinct tuple. */
  tuples: {
    /** 0x-prefixed hex, in the order of `indexes`, masked to the bits that are tracked. */
    values: string[];
    count: number;
    /** Absent: not told apart. */
    phases?: Phase[] | undefined;
    /** Indexes into {@link Run.executables}. Absent: not told apart. */
    executables?: number[] | undefined;
  }[];
  /** Calls whose tuple was not kept: there were too many. */
  overflow: number;
  /** Calls whose arguments lay in memory that could not be read. */
  unreadable: number;
}

/**
 * All that a run saw of one (ABI, number).
 *
 * @public
 */
export interface RecordedCall {
  /** Under which it was made. */
  abi: Abi;
  /** Without the x32 bit. */
  number: number;
  /** null: no table names this number. */
  name: string | null;
  /** Attempts, denied ones included. */
  count: number;
  /** Those of them that a filter answered. */
  denied: {
    count: number;
    /** By errno; "0": killed or trapped. */
    errnos: Record<string, number>;
    /** The arguments of the denied attempts. Absent: not recorded. */
    args?: RecordedArguments | undefined;
  };
  /** When it was made. */
  phases: Phase[];
  /** Indexes into {@link Run.executables}. */
  executables: number[];
  /** Milliseconds since the recording began. */
  firstSeenMs: number;
  /** Of the attempts that passed; null: not tracked. */
  args: RecordedArguments | null;
}

/**
 * Every way in which a run can have missed a call, counted. docs/INTERNALS.md has the limits.
 *
 * @public
 */
export interface Completeness {
  /** A start was seen, nothing was lost, and not only what a profile does not permit was looked at. */
  complete: boolean;
  /** Starts (the entrypoint's execve) that were seen. */
  startsSeen: number;
  /** Set when the target ran already: its age then, in milliseconds (null: unknown). */
  attachedLate: { targetAgeMs: number | null } | null;
  /** Calls that were made and not counted. */
  callsLost: number;
  /** Tasks that were not followed. */
  tasksLost: number;
  /** Namespaces that were not watched. */
  namespacesOverLimit: number;
  /** Cgroups that were not watched. */
  cgroupsOverLimit: number;
  /** Tasks that joined the target and had executed nothing as the recording ended. */
  tasksUnstarted: number;
  /** Calls made before the start: no profile meets them. */
  callsBeforeStart: number;
  /** Executables beyond the limit: their calls are recorded under none. */
  executablesOverLimit: number;
  /** Paths of executables that were cut. */
  pathsTruncated: number;
  /** Calls whose arguments were not kept. */
  argumentOverflow: number;
  /** Distinct (ABI, number) pairs that no table names. */
  numbersUnknown: number;
  /** From when on denied calls were watched; null: not at all. */
  deniedSinceMs: number | null;
  /** Stable words for what the tracer cannot see by nature, and applied. */
  blindSpots: string[];
}

/**
 * One target, once.
 *
 * @public
 */
export interface Run {
  /** Unique: the same run in two recordings is one run of their union. */
  id: string;
  /** What recorded it. */
  tool: { name: 'sysieve'; version: string };
  /** Where. */
  host: {
    /** As `uname -r` prints it. */
    kernel: string;
    /** As `uname -m` prints it. */
    machine: string;
    runtime: { name: string; version: string } | null;
  };
  /** What was recorded. Names are untrusted. */
  target: {
    kind: 'command' | 'pid' | 'cgroup' | 'container' | 'pod';
    engine: string | null;
    name: string | null;
    id: string | null;
    image: string | null;
  };
  /** How calls were seen: ebpf, ptrace, notify, or the format of a log. */
  tracer: string;
  /** ISO 8601, UTC. */
  start: string;
  /** Of the recording, in milliseconds. */
  durationMs: number;
  /** In the order set: from `atMs` on, the application's calls belong to `phase`. */
  marks: { phase: Phase; atMs: number }[];
  /** Paths as passed to execve; untrusted. */
  executables: string[];
  /** By ABI and number. */
  calls: RecordedCall[];
  /** What the run can have missed. */
  completeness: Completeness;
}

/**
 * What was seen: the contents of a recording's file. `sysieve schema recording` prints its JSON Schema.
 *
 * @public
 */
export interface Recording {
  /** Of the format. */
  version: 1;
  /** A set, by id. */
  runs: Run[];
}

/**
 * Reads a recording.
 *
 * @param text - JSON, as `sysieve record` or {@link serializeRecording} wrote it.
 * @param source - Names the text in errors, e.g. its file.
 * @returns The recording, checked against its schema and in itself.
 * @throws {@link SysieveError} of kind `input`, with line and column, for anything else.
 * @public
 */
export function parseRecording(text: string, source = 'recording'): Recording {
  return parse(text, source);
}

/**
 * The canonical text of a recording: sorted, one call a line, with a line break at its end. The same
 * recording gives the same bytes.
 *
 * @throws A RangeError for counts that JSON cannot hold exactly.
 * @public
 */
export function serializeRecording(recording: Recording): string {
  return serialize(recording);
}

/**
 * The union of recordings, by the ids of their runs: in any order, and with repetitions, the same.
 *
 * @throws {@link SysieveError} of kind `input` where two runs have one id and are not the same.
 * @public
 */
export function mergeRecordings(recordings: readonly Recording[]): Recording {
  return merge(recordings);
}
