/** What the passes hand on to each other: plain data, never changed in place. */
import type { EvidenceCall, Profile, Why } from '../profile';
import type { Phase, Recording } from '../recording';
import type { Abi } from '../tables';
import type { Baseline, RuntimeChoice } from './baseline';

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
}

export interface MinimiseInput {
  recordings: readonly Recording[];
  baselines: readonly Baseline[];
  options: MinimiseOptions;
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
}

/** What the profile will say about one call. */
export interface Entry {
  readonly abi: Abi;
  readonly name: string;
  readonly answer: 'allow' | 'enosys';
  readonly why: readonly Why[];
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
}

export interface State {
  /** The application's calls still in question. */
  readonly observed: readonly ObservedCall[];
  /** Calls seen only from a runtime under the filter. */
  readonly runtimeSeen: readonly ObservedCall[];
  /** By `ABI name`. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly architectures: readonly Abi[];
}

export interface Context {
  readonly machines: readonly string[];
  readonly baselines: readonly Baseline[];
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
  run(state: State, context: Context): { state: State; findings: Partial<Findings> };
}

export interface MinimiseResult {
  profile: Profile;
  evidence: EvidenceCall[];
  report: PassReport[];
}
