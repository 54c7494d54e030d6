/** What the staging flow hands from stage to stage. */
import type { Progress } from '../capture/capture';
import type { App } from '../config/schema';
import type { Profile } from '../profile';
import type { Recording, Run } from '../recording';

/** An app with its name and the directory that its relative paths start from. */
export interface NamedApp {
  readonly name: string;
  readonly app: App;
  readonly directory: string;
}

/** A call that a filter denied in a real run, summed over the run. */
export interface DeniedCall {
  readonly abi: string;
  readonly number: number;
  /** null: no table names it. */
  readonly name: string | null;
  readonly count: number;
  /** errno → attempts; "0": killed or trapped. */
  readonly errnos: Readonly<Record<string, number>>;
  /** Untrusted paths. */
  readonly executables: readonly string[];
  readonly phases: readonly string[];
  /** One text for each distinct tuple of the tracked arguments; null: none are tracked. */
  readonly arguments: readonly string[] | null;
  /** The profile itself answers ENOSYS so that the C library takes another call: no loss. */
  readonly fallback: boolean;
}

/** What the stages tell while they work; `text` may hold untrusted names. */
export interface StagingHooks {
  readonly signal: AbortSignal;
  onStage(app: string, stage: string): void;
  onNote(app: string, text: string): void;
  /** What the run under way has seen so far, several times a second. */
  onProgress?(app: string, progress: Progress): void;
  /** A run has ended; all of its recording until now, in order. */
  onRun?(app: string, runs: readonly Run[]): void;
}

/** One app recorded until it was stable: what `profile` minimises and `check` compares. */
export interface AppRecording {
  readonly recording: Recording;
  /** Why it ended, in words: "2 runs, nothing new in the last". */
  readonly ended: string;
  /** False: a limit ended it, not the rule for what is stable. */
  readonly stable: boolean;
}

/** The filter that an app runs under. */
export type Under =
  | { readonly kind: 'engine-default' }
  /** A filter that allows everything under every ABI: unlike none, its installation shows where the runtime ends. */
  | { readonly kind: 'allow-all' }
  | { readonly kind: 'profile'; readonly profile: Profile };
