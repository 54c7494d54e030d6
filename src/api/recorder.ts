/** A recording under way, as programs meet it: events to iterate over, and the recording to await. */
import type { Abi, Phase, Recording } from './recording';

/**
 * How a command ended: its exit status, or the signal that ended it.
 *
 * @public
 */
export interface CommandExit {
  /** null: a signal ended it. */
  code: number | null;
  /** null: it ended by itself. */
  signal: NodeJS.Signals | null;
}

/**
 * Why a recording ended. `target`: the target ended; `duration` and `stable`: as was asked for; `stopped`:
 * by {@link Recorder.stop}; `aborted`: by the signal.
 *
 * @public
 */
export type RecordEnd = 'target' | 'duration' | 'stable' | 'stopped' | 'aborted';

/**
 * What was counted so far.
 *
 * @public
 */
export interface RecordProgress {
  /** Tells it from other events. */
  kind: 'progress';
  /** Since the tracer counts. */
  elapsedMs: number;
  /** Attempts, denied ones included. */
  calls: bigint;
  /** Distinct (ABI, number) pairs. */
  distinct: number;
  /** Distinct values of tracked arguments. */
  tuples: number;
  /** The distinct call that was first seen last; null: there is none yet. */
  newest: {
    abi: Abi;
    number: number;
    /** null: no table names it. */
    name: string | null;
    /** Who made it first; untrusted, and empty where it is not known. */
    executable: string;
    atMs: number;
  } | null;
  /** Tasks of the target that live now. */
  live: number;
  /** Starts (the entrypoint's execve) seen so far. */
  starts: number;
}

/**
 * What happens to a recording: `armed` once, then any of the others (a `note` may come before it), `ended`
 * last.
 *
 * @public
 */
export type RecordEvent =
  /** The tracer counts; a command runs from now on. `target` is untrusted. */
  | { kind: 'armed'; tracer: 'ebpf' | 'ptrace' | 'notify'; target: string }
  /** Another start of the target was seen, the `starts`th. */
  | { kind: 'started'; starts: number; elapsedMs: number }
  /** Ten times a second; one that was not fetched in time gives way to the next. */
  | RecordProgress
  /** The application's calls belong to this phase from now on. */
  | { kind: 'phase'; phase: Phase; elapsedMs: number }
  /** Something worth a line: a restart, descendants that live on. Untrusted. */
  | { kind: 'note'; text: string }
  | {
      kind: 'ended';
      reason: RecordEnd;
      recording: Recording;
      /** null: no command, or it lives on. */
      exit: CommandExit | null;
    };

/**
 * A recording under way, made by {@link record}. Await it for the {@link Recording}; iterate over it for
 * what happens meanwhile. An error reaches both. Leaving the iteration does not end the recording.
 *
 * @public
 */
export interface Recorder extends PromiseLike<Recording>, AsyncIterable<RecordEvent> {
  /**
   * From now on the application's calls belong to `phase`; before the first mark they are `steady`'s.
   * A mark that is set before the tracer counts holds from the first call on.
   *
   * @throws {@link SysieveError} of kind `usage` once the recording has ended.
   */
  mark(phase: 'startup' | 'steady' | 'shutdown'): void;
  /** Ends the recording normally, with what was seen. A command lives on, unrecorded. Idempotent. */
  stop(): void;
  /** Sends a signal to the command; false when there is none, or it has ended. */
  kill(signal?: NodeJS.Signals): boolean;
  /** The same promise as the one that `await` uses. */
  readonly recording: Promise<Recording>;
  /** How the command ended, once the recording has; null: no command, or it lived on. */
  readonly exit: Promise<CommandExit | null>;
}
