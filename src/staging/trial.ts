/** An app under the profile made of it: started anew, driven once, every denied call told. */
import type { Profile } from '../profile';
import type { Recording, Run } from '../recording';
import { isDeniedAlike } from './alike';
import { deniedCalls } from './denied';
import { deadlineOf, driveOnce } from './drive';
import type { Rehearsed } from './subject';
import type { DeniedCall, NamedApp, StagingHooks } from './types';

export interface Trial {
  /** What the profile denies and the recorded application was not denied: each may break it. */
  readonly denied: readonly DeniedCall[];
  /** Denied just as it was in every recorded run: the application is used to that. */
  readonly alike: readonly DeniedCall[];
  readonly run: Run;
  readonly failure: Rehearsed['failure'];
}

/** A profile that only logs denies nothing, so nothing would show: its trial denies what it would log. */
function strictly(profile: Profile): Profile {
  if (profile.defaultAction !== 'SCMP_ACT_LOG') return profile;
  return { ...profile, defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 };
}

export async function tryProfile(
  app: NamedApp,
  profile: Profile,
  recording: Recording,
  hooks: StagingHooks,
): Promise<Trial> {
  const under = { kind: 'profile', profile: strictly(profile) } as const;
  const label = 'under its profile';
  hooks.onStage(app.name, `${label}: starting`);
  const deadline = deadlineOf(app);
  const { run, failure } = await driveOnce(app, { label, under, quietMs: 0, deadline, hooks });
  const calls = deniedCalls(run, under.profile).filter(({ fallback }) => !fallback);
  return {
    denied: calls.filter((call) => !isDeniedAlike(call, run, recording)),
    alike: calls.filter((call) => isDeniedAlike(call, run, recording)),
    run,
    failure,
  };
}
