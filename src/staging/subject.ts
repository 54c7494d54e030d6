/** An application that runs under capture, in a container or as a command of the host. */
import type { Capture, Progress } from '../capture/capture';
import type { Executed } from '../engines';
import type { Run } from '../recording';
import type { Output } from './output';
import type { NamedApp, StagingHooks, Under } from './types';

export interface Subject {
  /** What steps and probes on the host find it by: SYSIEVE_APP, SYSIEVE_CONTAINER, … */
  readonly env: Readonly<Record<string, string>>;
  readonly output: Output;
  /** Exit status of the application, once nothing of it runs any more. Rejects when that cannot be told. */
  readonly ended: Promise<number>;
  /** Runs a command where the application runs. */
  exec(
    command: readonly string[],
    options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Executed>;
  /** Ends it and waits for that; true: it had to be killed after the time it was given. */
  stop(): Promise<boolean>;
}

export interface Rehearsal {
  readonly app: NamedApp;
  readonly under: Under;
  readonly hooks: StagingHooks;
  /** The tracer counts, and the application has not executed its first instruction. */
  onArmed(capture: Capture): void;
  onProgress(progress: Progress): void;
  /** Once it runs; whatever it leaves running is ended. */
  body(subject: Subject, capture: Capture): Promise<void>;
}

/** What was seen of the application, and how `body` failed, where it did. */
export interface Rehearsed {
  readonly run: Run;
  readonly failure: { readonly thrown: unknown } | null;
}
