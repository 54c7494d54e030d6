/** What a check compares, and what comes of it. */
import type { ProfileSide } from '../diff';
import type { MinimiseResult } from '../minimise';
import type { Profile } from '../profile';
import type { Run } from '../recording';
import type { Finding } from '../review';
import type { ProveInput } from '../verify';

export interface CheckInput {
  readonly app: string;
  /** As committed; in OCI's format. */
  readonly side: ProfileSide;
  readonly profile: Profile;
  readonly runs: readonly Run[];
  /** The committed profile's filters. */
  readonly compiled: ProveInput['compiled'];
  readonly machine: ProveInput['machine'];
  /** What minimise makes of these runs with the options of the app. */
  readonly need: Pick<MinimiseResult, 'profile' | 'excluded'>;
}

export interface Compared {
  /** The app needs more than the profile permits. */
  readonly missing: readonly Finding[];
  /** The profile permits more than the app was seen to need. */
  readonly unused: readonly Finding[];
  /** What was left out of account, a sentence each. */
  readonly notes: readonly string[];
}
