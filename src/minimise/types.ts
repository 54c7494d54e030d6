/** What the passes hand on to each other: plain data, never changed in place. */
import type { Policy } from '../policy';
import type {
  EvidenceCall,
  ExcludedCall,
  Likelihood,
  Profile,
  UnseenEvidence,
  Why,
} from '../profile';
import type { Phase, Recording } from '../recording';
import type { Abi } from '../tables';
import type { Baseline, RuntimeChoice } from './baseline';
import type { Alternative, Tuple } from './kinds';

/** none: names alone; safe: kinds of privilege (kinds.ts); strict: the values that were seen. */
export const TIERS = ['none', 'safe', 'strict'] as const;
export type Tier = (typeof TIERS)[number];

export type Engine = 'docker' | 'podman';

/** null: by the engines that were recorded, the newest default known; empty: none. */
export type EngineDefaults = readonly { engine: Engine; version: string | null }[] | null;

/** An engine's default filter. */
export interface EngineFilter {
  readonly name: string;
  readonly policy: Policy;
}

/** none: not looked at; report: told; likely: those near the application's own code; all: every one. */
export const REACHES = ['none', 'report', 'likely', 'all'] as const;
export type ReachChoice = (typeof REACHES)[number];

/** A call that no run made and the program's files can make. */
export interface ReachableCall {
  readonly abi: Abi;
  readonly name: string;
  readonly likelihood: Likelihood;
  /** Executable, library, function, … to the one that makes the call. */
  readonly chain: readonly string[];
  readonly executables: readonly string[];
}

export interface MinimiseOptions {
  /** What a call that is not in the profile gets. */
  defaultAction: 'errno' | 'log' | 'kill';
  /** The errno under defaultAction 'errno'. */
  denyErrno: number;
  /** Take runs that missed something; each is then reported. */
  allowIncomplete: boolean;
  /** Recorded calls that may enter although denied or in risk tier 1 or 2. */
  allow: readonly string[];
  /** The same, with the reason that someone wrote into the evidence. */
  justifications: Readonly<Record<string, string>>;
  runtimes: RuntimeChoice;
  args: Tier;
  /** The default filters beyond which calls are left out. */
  engineDefaults: EngineDefaults;
  /** Add the calls another libc, kernel or architecture makes instead. */
  portable: boolean;
  /** What to do with `reachable`. */
  reach: ReachChoice;
  reachable: readonly ReachableCall[];
  /** The ABI to write for instead of those recorded; null: as recorded. */
  arch: Abi | null;
  /** Names of passes that are not run. */
  without: readonly string[];
  /** Calls that get no argument rule although the tier has one; what --max-cost gave up. */
  unruled: readonly string[];
}

export interface MinimiseInput {
  recordings: readonly Recording[];
  baselines: readonly Baseline[];
  options: MinimiseOptions;
}

/** One value of the tracked arguments, over all runs. */
export interface SeenTuple {
  readonly values: Tuple;
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
}

export interface SeenArguments {
  readonly tuples: readonly SeenTuple[];
  /** Why not every tuple is known: too many, unreadable, not recorded. Empty: all are. */
  readonly unknown: readonly string[];
}

/** One (ABI, number), over all runs. */
export interface ObservedCall {
  readonly abi: Abi;
  readonly number: number;
  /** null: no table names it. */
  readonly name: string | null;
  /** At least one attempt passed. */
  readonly passed: boolean;
  readonly deniedWith: readonly number[];
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
  /** null: no argument of the call is tracked. */
  readonly args: SeenArguments | null;
}

/** Arguments that something has a use for; values null: any, for the reason given. */
export interface Need {
  readonly values: Tuple | null;
  readonly why: Why;
  readonly reason: string;
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
}

/** How a name is permitted, under every ABI alike. */
export interface Rule {
  /** null: with every argument. */
  readonly alternatives: readonly Alternative[] | null;
  /** What a reader of the profile has to know about it; null: nothing. */
  readonly note: string | null;
}

/** What the profile will say about one call. */
export interface Entry {
  readonly abi: Abi;
  readonly name: string;
  readonly answer: 'allow' | 'enosys';
  readonly why: readonly Why[];
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
  readonly needs: readonly Need[];
}

/** A recorded call, or some of its arguments, that the profile leaves out on purpose. */
export interface Excluded {
  readonly abi: Abi;
  /** A number without a name is "#1234". */
  readonly name: string;
  /** null: with every argument. */
  readonly values: Tuple | null;
  readonly reason: string;
}

export interface State {
  /** The application's calls still in question. */
  readonly observed: readonly ObservedCall[];
  /** Calls seen only from a runtime under the filter. */
  readonly runtimeSeen: readonly ObservedCall[];
  /** Calls of the application that were only ever denied, and so are not permitted. */
  readonly deniedSeen: readonly ObservedCall[];
  /** By `ABI name`. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** By name: what is permitted with some arguments only, or with all for a reason to be told. */
  readonly rules: ReadonlyMap<string, Rule>;
  readonly excluded: readonly Excluded[];
  readonly architectures: readonly Abi[];
}

export interface Context {
  readonly machines: readonly string[];
  readonly baselines: readonly Baseline[];
  readonly filters: readonly EngineFilter[];
  readonly options: MinimiseOptions;
}

export interface Change {
  abi: Abi;
  /** A number without a name is "#1234". */
  name: string;
  reason: string;
}

export interface PassReport {
  pass: string;
  about: string;
  added: Change[];
  removed: Change[];
  notes: string[];
  /** What a user must not overlook: printed without being asked for. */
  warnings: string[];
}

export type Findings = Pick<PassReport, 'added' | 'removed' | 'notes' | 'warnings'>;

export interface Pass {
  readonly name: string;
  readonly about: string;
  /** What a profile loses by --without. */
  readonly off: string;
  run(state: State, context: Context): { state: State; findings: Partial<Findings> };
}

export interface MinimiseResult {
  profile: Profile;
  evidence: EvidenceCall[];
  excluded: ExcludedCall[];
  /** What is reachable and not permitted; undefined: nobody looked. */
  unseen: UnseenEvidence[] | undefined;
  report: PassReport[];
}
