/** `of:` of the hook: a run to a proved profile, extended by `if:`. */
import { mergeProfiles } from '../../merge';
import { DEFAULT_OPTIONS } from '../../minimise';
import { parseProfile, serializeProfile } from '../../profile';
import type { Run } from '../../recording';
import { BASELINES_DIRECTORY, loadBaselines } from '../baselines';
import { makeProfile } from '../make-profile';

export interface HookProfile {
  profile: string;
  /** null: it says nothing of what came from the profile to extend. */
  evidence: string | null;
}

/** Throws a SysieveError for an incomplete run, and for what does not prove or cannot be merged. */
export async function profileOf(
  run: Run,
  input: { text: string; source: string } | null,
  onWarning: (text: string) => void,
): Promise<HookProfile> {
  const baselines = await loadBaselines(BASELINES_DIRECTORY, true);
  const recording = { version: 1 as const, runs: [run] };
  const made = makeProfile({ recording, baselines, options: DEFAULT_OPTIONS }, onWarning);
  if (input === null) return { profile: made.profileText, evidence: made.evidenceText };
  const extended = mergeProfiles([
    { source: input.source, profile: parseProfile(input.text, input.source) },
    { source: 'the recording', profile: made.result.profile },
  ]);
  return { profile: serializeProfile(extended.profile), evidence: null };
}
