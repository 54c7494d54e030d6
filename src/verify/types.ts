/** What is proved of a profile, and what comes of it. */
import type { Baseline } from '../minimise';
import type { Call } from '../policy';
import type { Evidence, Profile } from '../profile';
import type { Run } from '../recording';

export type Runtime = 'runc' | 'crun';
export const RUNTIMES: readonly Runtime[] = ['runc', 'crun'];

/** The program libseccomp makes of the profile for a runtime, and the names it does not know. */
export interface Compiled {
  program: Uint8Array;
  skipped: readonly string[];
}

export interface ProveInput {
  profile: Profile;
  /** null: nothing but recordings and baselines accounts for what is permitted. */
  evidence: Pick<Evidence, 'calls' | 'excluded'> | null;
  runs: readonly Run[];
  baselines: readonly Baseline[];
  machine: 'x86_64' | 'aarch64';
  /** null: libseccomp is not there; what the profile means is then all that is proved. */
  compiled: Readonly<Record<Runtime, Compiled>> | null;
}

export interface Finding {
  verdict: 'sufficient' | 'minimal';
  /** null: under both. */
  runtime: Runtime | null;
  message: string;
  witness: Call | null;
}

export interface Proof {
  sufficient: boolean;
  minimal: boolean;
  /** On the compiled filters; otherwise on the profile's meaning alone. */
  compiled: boolean;
  findings: Finding[];
  /** Recorded calls that the evidence says were left out on purpose. */
  leftOut: string[];
  notes: string[];
}
