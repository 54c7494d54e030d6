/** An app under the profile made of it: started anew, driven once, every denied call told. */
import type { Profile } from '../profile';
import type { Recording } from '../recording';
import { deniedCalls } from './denied';
import { deadlineOf, driveOnce } from './drive';
import type { Rehearsed } from './subject';
import type { DeniedCall, NamedApp, StagingHooks } from './types';

export interface Trial {
  /** What the profile denies and the recorded application was not denied: each may break it. */
  readonly denied: readonly DeniedCall[];
  /** Denied just as it was in every recorded run: the application is used to that. */
  readonly alike: readonly DeniedCall[];
  readonly run: Rehearsed['run'];
  readonly failure: Rehearsed['failure'];
}

/** A profile that only logs denies nothing, so nothing would show: its trial denies what it would log. */
function strictly(profile: Profile): Profile {
  if (profile.defaultAction !== 'SCMP_ACT_LOG') return profile;
  return { ...profile, defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 };
}

/**
 * Whether the call never passed where it was recorded, and was answered the same: by errno alone, since
 * the arguments of denied calls are not recorded.
 */
function deniedAlike(call: DeniedCall, { runs }: Recording): boolean {
  const recorded = runs
    .flatMap((run) => run.calls)
    .filter(({ abi, number }) => abi === call.abi && number === call.number);
  const answers = new Set(recorded.flatMap(({ denied }) => Object.keys(denied.errnos)));
  return (
    recorded.length > 0 &&
    recorded.every(({ count, denied }) => denied.count === count) &&
    Object.keys(call.errnos).every((errno) => answers.has(errno))
  );
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
    denied: calls.filter((call) => !deniedAlike(call, recording)),
    alike: calls.filter((call) => deniedAlike(call, recording)),
    run,
    failure,
  };
}
