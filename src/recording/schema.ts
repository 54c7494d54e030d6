/**
 * Recording v1: what was seen. The zod schema is the single source of truth; the JSON Schema that
 * `sysieve schema recording` prints is generated from it.
 */
import * as z from 'zod';
import type { Versions } from '../json';
import { ABIS, type Abi as AbiName } from '../tables';

export const RECORDING_VERSION = 1;
export const RECORDING_VERSIONS: Versions = { current: RECORDING_VERSION, migrations: {} };

/** Far above what a tracer writes: nonsense ends with a message, not with a full memory. */
export const MAX_RUNS = 10_000;
const MAX_EXECUTABLES = 100_000;
const MAX_CALLS = 100_000;

/** A system-call ABI: the same number under two ABIs is two calls. */
export const Abi = z.enum(ABIS);
export type Abi = AbiName;

/**
 * `runtime`: the container runtime under the filter, up to and including the entrypoint's execve;
 * `exec`: the same of what entered a running container (docker exec, probes); the rest is the
 * application, split by phase marks. What a runtime calls before its filter is in place is not
 * recorded: no profile ever meets it.
 */
export const Phase = z.enum(['runtime', 'exec', 'startup', 'steady', 'shutdown']);
export type Phase = z.infer<typeof Phase>;

/** Counts are attempts; past 2^53 a JSON number is no longer exact, so writers refuse it. */
const Count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const Millis = z.number().int().nonnegative();
/** Kernel strings: paths up to PATH_MAX, untrusted, may hold any character. */
export const MAX_TEXT = 4096;
const Text = z.string().max(MAX_TEXT);
const ERRNO = /^(?:0|[1-9]\d{0,2}|[1-3]\d{3}|40[0-8]\d|409[0-5])$/;
const Index = z.number().int().nonnegative();

export const ArgsSchema = z.strictObject({
  /** Which argument registers were tracked, ascending. */
  indexes: z.array(z.number().int().min(0).max(5)),
  /** One entry per distinct tuple; values are 0x-prefixed hex, in the order of `indexes`. */
  tuples: z.array(
    z.strictObject({
      values: z.array(z.string().regex(/^0x(0|[1-9a-f][0-9a-f]{0,15})$/)),
      count: Count,
      /** In which phases and by which executables (as in the call); absent: not told apart. */
      phases: z.array(Phase).optional(),
      executables: z.array(Index).optional(),
    }),
  ),
  /** Calls whose tuple was not kept because the limit was reached. */
  overflow: Count,
  /** Calls whose arguments lie in memory that could not be read (clone3's struct). */
  unreadable: Count,
});

export const CallSchema = z.strictObject({
  abi: Abi,
  number: z.number().int().min(0).max(0xffffffff),
  /** null: no table names this number for this ABI. */
  name: z.string().max(64).nullable(),
  /** Attempts, denied ones included. */
  count: Count,
  denied: z.strictObject({
    count: Count,
    /** errno → attempts; "0": killed or trapped (SIGSYS), no errno was returned. */
    errnos: z.record(z.string().regex(ERRNO), Count),
    /** The arguments of the denied attempts, as in `args`; absent: not tracked, or not recorded. */
    args: ArgsSchema.optional(),
  }),
  phases: z.array(Phase),
  /** Indexes into the run's `executables`. */
  executables: z.array(Index),
  firstSeenMs: Millis,
  /** Of the attempts that passed; null: not tracked. */
  args: ArgsSchema.nullable(),
});
export type Call = z.infer<typeof CallSchema>;

export const CompletenessSchema = z.strictObject({
  /** Derived: nothing lost, a start was seen, and not only what a profile does not permit. Consumers that need a whole recording test this. */
  complete: z.boolean(),
  /** Starts (entrypoint execve) seen under this run. */
  startsSeen: Count,
  /** Set when the target was already running as the tracer attached: its age then, in ms (null: unknown). */
  attachedLate: z.strictObject({ targetAgeMs: Millis.nullable() }).nullable(),
  callsLost: Count,
  tasksLost: Count,
  namespacesOverLimit: Count,
  cgroupsOverLimit: Count,
  /**
   * Tasks that joined the target, lived as the recording ended and had executed nothing yet: taken
   * for a runtime's, whose calls before the filter are not recorded.
   */
  tasksUnstarted: Count,
  /** Calls made before the start, by the runtime or launcher: no profile meets them, none is kept. */
  callsBeforeStart: Count,
  /** Executables beyond the limit: their calls are recorded, under no executable. */
  executablesOverLimit: Count,
  pathsTruncated: Count,
  argumentOverflow: Count,
  /** Distinct (ABI, number) pairs that no table names. */
  numbersUnknown: Count,
  /** When denied calls were watched: from this ms on; null: not at all. */
  deniedSinceMs: Millis.nullable(),
  /**
   * Stable words for what this tracer cannot see by nature and applied here. Six make a run
   * incomplete: `permitted-calls`, complain mode, in which only calls outside a profile are seen;
   * `start-unseen`, a restart of a pod's container that was not followed from its first instruction;
   * `tasks-hidden`, processes of others that it may have to do with and that could not be looked at;
   * `extent-unknown`, a log of another tool that may have been told to leave calls out;
   * `listener-unwatched`, a seccomp listener of the target made before its answers were watched; and
   * `calls-rewritten`, calls that a ptracer of the target made others of behind a filter.
   */
  blindSpots: z.array(z.string().max(64)),
});
export type Completeness = z.infer<typeof CompletenessSchema>;

export const RunSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f-]{8,64}$/),
  tool: z.strictObject({ name: z.literal('sysieve'), version: z.string().max(64) }),
  host: z.strictObject({
    kernel: z.string().max(256),
    machine: z.string().max(64),
    runtime: z.strictObject({ name: Text, version: z.string().max(128) }).nullable(),
  }),
  target: z.strictObject({
    kind: z.enum(['command', 'pid', 'cgroup', 'container', 'pod']),
    engine: z.string().max(64).nullable(),
    name: Text.nullable(),
    id: z.string().max(256).nullable(),
    image: Text.nullable(),
  }),
  tracer: z.string().max(64),
  /** ISO 8601, UTC. */
  start: z.iso.datetime(),
  durationMs: Millis,
  /** Phase marks in the order set: from `atMs` on, application calls belong to `phase`. */
  marks: z.array(z.strictObject({ phase: Phase, atMs: Millis })),
  /** Paths as passed to execve; a script by its own path. Untrusted input. */
  executables: z.array(Text).max(MAX_EXECUTABLES),
  calls: z.array(CallSchema).max(MAX_CALLS),
  completeness: CompletenessSchema,
});
export type Run = z.infer<typeof RunSchema>;

export const RecordingSchema = z.strictObject({
  version: z.literal(RECORDING_VERSION),
  runs: z.array(RunSchema).max(MAX_RUNS),
});
export type Recording = z.infer<typeof RecordingSchema>;

/**
 * A blind spot of runs made under a profile in complain mode: what the profile permits was not
 * recorded. Such a run says what a profile lacks, and is no picture of its target.
 */
export const PERMITTED_CALLS = 'permitted-calls';

/** A blind spot of a run over whose time a container of its pod was started that was not followed yet. */
export const START_UNSEEN = 'start-unseen';
/**
 * A blind spot of runs made of another tool's log: whether that was told to leave calls out is not in
 * it (strace -e trace=, rules and rate limits of auditd).
 */
export const UNKNOWN_EXTENT = 'extent-unknown';

/**
 * A blind spot of runs whose target made a seccomp listener while exits of calls were not watched: what
 * it answered in the kernel's place, and the application relies on, was not seen.
 */
export const LISTENER_UNWATCHED = 'listener-unwatched';

/**
 * A blind spot of runs whose target traces processes of its own behind a filter (SECCOMP_RET_TRACE), and
 * changes their registers: filters were asked about the calls as they were made, and the kernel's
 * tracepoints see what became of them.
 */
export const CALLS_REWRITTEN = 'calls-rewritten';

/**
 * A blind spot of a run that began with running tasks, by who may not look at all processes: some of
 * the target's may not be in it, or a runtime's may be taken for the application's.
 */
export const TASKS_HIDDEN = 'tasks-hidden';

/** A blind spot of runs whose tracer did not live to their end; it comes with calls or tasks lost. */
export const TRACER_LOST = 'tracer-lost';

/** Each makes a run incomplete. */
const INCOMPLETE: readonly string[] = [
  PERMITTED_CALLS,
  START_UNSEEN,
  UNKNOWN_EXTENT,
  LISTENER_UNWATCHED,
  CALLS_REWRITTEN,
  TASKS_HIDDEN,
];

/** The one definition of a complete run. */
export function isComplete(c: Omit<Completeness, 'complete'>): boolean {
  return (
    c.startsSeen > 0 &&
    c.callsLost === 0 &&
    c.tasksLost === 0 &&
    c.namespacesOverLimit === 0 &&
    c.cgroupsOverLimit === 0 &&
    c.tasksUnstarted === 0 &&
    !c.blindSpots.some((spot) => INCOMPLETE.includes(spot))
  );
}
