/** Profiles as the runtimes' filters: for the proof, and for what rules cost. */
import { SysieveError } from '../errors';
import { compile, evaluate } from '../libseccomp';
import { costOfRules, type MinimiseResult, type RuleCost } from '../minimise';
import type { Profile } from '../profile';
import type { Run } from '../recording';
import { abiOf, abisOfMachine } from '../tables';
import type { Compiled, Finding } from '../verify';

export type Filters = Readonly<Record<'runc' | 'crun', Compiled>>;

/** The machine whose filter a profile is compiled to. */
export function machineOf(profile: Profile): 'x86_64' | 'aarch64' {
  const listed = profile.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const arm = abisOfMachine('aarch64') ?? [];
  return listed.length > 0 && listed.every((abi) => arm.includes(abi)) ? 'aarch64' : 'x86_64';
}

/** What libseccomp makes of it for each runtime. Throws a SysieveError of kind system without it. */
export function compileForBoth(profile: Profile): Filters {
  // A profile of another machine: this one's own architecture is not part of that filter.
  const native = process.arch === 'x64' && machineOf(profile) === 'aarch64' ? 'listed' : 'kept';
  return {
    runc: compile(profile, { native, enosys: 'listed' }),
    crun: compile(profile, { native, enosys: false }),
  };
}

/** null, and a word on it: the machine has no libseccomp, or no way to call it. */
export function compileIfPossible(
  profile: Profile,
  onWarning: (text: string) => void,
): Filters | null {
  try {
    return compileForBoth(profile);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind !== 'system') throw thrown;
    onWarning(
      `not proved on the compiled filter: ${thrown.message}; proved only on what the profile means`,
    );
    return null;
  }
}

export function findingText({ verdict, runtime, message }: Finding): string {
  return `${verdict}${runtime === null ? '' : ` (${runtime})`}: ${message}`;
}

/** The rules of a result by what they cost the recorded load under its compiled filter. */
export function costsOf(
  { profile }: Pick<MinimiseResult, 'profile'>,
  runs: readonly Run[],
  program: Uint8Array,
): RuleCost[] {
  const ruled = new Set(
    profile.syscalls.filter(({ args }) => args.length > 0).flatMap(({ names }) => names),
  );
  const filter = Buffer.from(program);
  return costOfRules(runs, ruled, (call) => evaluate(filter, call).instructions);
}
