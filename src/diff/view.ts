/** One side in one context: what is installed there, and which entries of its file say so. */
import { SysieveError } from '../errors';
import {
  type Answer,
  type Context,
  namedRules,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
  refuseUndecidedProfile,
  stubbedAbove,
} from '../policy';
import {
  type EngineContext,
  type GatedProfile,
  type Profile,
  type Rule,
  resolveGatedProfile,
} from '../profile';
import { type Abi, abiOf, abisOfMachine } from '../tables';
import { type DiffContext, engineContext } from './contexts';
import type { ProfileSide, Side } from './side';

export interface ProfileView {
  readonly side: ProfileSide;
  readonly context: Context;
  /** What the engine hands to the runtime. */
  readonly profile: Profile;
  /** The place in the file's list of an entry of `profile`. */
  readonly entryOf: (rule: Rule) => number;
  readonly fallback: Answer;
  /** By name: a text for its rules, as the runtime hands them to libseccomp. */
  readonly rules: ReadonlyMap<string, string>;
  readonly abis: ReadonlySet<Abi>;
  readonly stubbed: ReadonlyMap<Abi, number>;
}

export type Engine = { readonly name: EngineContext['engine']; readonly version: string | null };

/** Throws the SysieveError of kind input with which the runtime or the model refuses the profile. */
export function profileView(
  side: ProfileSide,
  context: DiffContext,
  engine: Engine,
  enosys: Context['enosys'] = 'listed-and-native',
): ProfileView {
  const { machine, runtime } = context;
  const policyContext: Context = { machine, runtime, enosys };
  return named(side, () => {
    const { profile, entryOf } = resolved(side, context, engine);
    const { fallback, rules } = placed(entryOf, profile, () => namedRules(profile, runtime));
    const native = (abisOfMachine(machine) ?? [])[0] as Abi;
    return {
      side,
      context: policyContext,
      profile,
      entryOf,
      fallback,
      rules,
      abis: new Set([native, ...profile.architectures.flatMap((arch) => abiOf(arch) ?? [])]),
      stubbed: stubbedAbove(profile, policyContext),
    };
  });
}

function resolved(
  side: ProfileSide,
  context: DiffContext,
  engine: Engine,
): Pick<ProfileView, 'profile' | 'entryOf'> {
  if (side.profile.format === 'oci') {
    const { value } = side.profile;
    return { profile: value, entryOf: (rule) => value.syscalls.indexOf(rule) };
  }
  const { value } = side.profile;
  const profile = resolveGatedProfile(value, engineContext(context, engine));
  // Resolving shares the lists of names.
  const places = new Map(value.syscalls.map(({ names }, index) => [names, index]));
  return { profile, entryOf: (rule) => places.get(rule.names) ?? -1 };
}

/** Errors name entries by their place in the profile handed to the runtime; here, in the file. */
function placed<Made>(entryOf: ProfileView['entryOf'], profile: Profile, make: () => Made): Made {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof SysieveError)) throw thrown;
    const message = thrown.message.replace(/syscalls\[(\d+)\]/g, (whole, index) => {
      const rule = profile.syscalls[Number(index)];
      return rule === undefined ? whole : `syscalls[${entryOf(rule)}]`;
    });
    throw again(thrown, message);
  }
}

function again(error: SysieveError, message: string): SysieveError {
  return new SysieveError(error.kind, error.code, message, {
    ...(error.reason === undefined ? {} : { cause: error.reason }),
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  });
}

function named<Made>(side: Side, make: () => Made): Made {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof SysieveError)) throw thrown;
    throw again(thrown, `${side.label}: ${thrown.message}`);
  }
}

/**
 * null: of the whole; throws for what cannot be decided. Otherwise right for the calls of these names
 * alone, which have to be all that share a number (policy's `family`).
 */
export function policyOfView(view: ProfileView, names: ReadonlySet<string> | null): Policy {
  const { profile, context, entryOf, side } = view;
  if (names === null) {
    return named(side, () => placed(entryOf, profile, () => policyOfProfile(profile, context)));
  }
  const syscalls = profile.syscalls.flatMap((rule) => {
    const kept = rule.names.filter((name) => names.has(name));
    return kept.length === 0 ? [] : [{ ...rule, names: kept }];
  });
  // Whether the whole is decided has been asked: of a part, only what its rules say is of interest.
  const part = { ...context, stubbed: view.stubbed, asWritten: true };
  return policyOfProfile({ ...profile, syscalls }, part);
}

export function refuseUndecidedView({ side, profile, context, entryOf }: ProfileView): void {
  named(side, () => placed(entryOf, profile, () => refuseUndecidedProfile(profile, context)));
}

export function policyOfLive(side: Exclude<Side, ProfileSide>): Policy {
  // No filter at all lets everything pass.
  return side.kind === 'filters' ? side.policy : policyOfPrograms([]);
}

/** As Docker's or Podman's format, gates and all. */
export function asGated({ profile }: ProfileSide): GatedProfile {
  if (profile.format === 'gated') return profile.value;
  const { value } = profile;
  const none = { caps: [], arches: [], minKernel: undefined };
  return {
    ...value,
    archMap: [],
    flags: value.flags ?? [],
    listenerPath: value.listenerPath ?? '',
    listenerMetadata: value.listenerMetadata ?? '',
    syscalls: value.syscalls.map((rule) => ({ ...rule, includes: none, excludes: none })),
  };
}

/** Whose reading of the gated format holds: told by its fields where nothing else says. */
export function engineOf(side: ProfileSide, fallback: Engine | null): Engine {
  if (side.engine !== null) return side.engine;
  if (fallback !== null) return fallback;
  const { defaultErrno, syscalls } = asGated(side);
  const podman = Boolean(defaultErrno) || syscalls.some(({ errno }) => Boolean(errno));
  return { name: podman ? 'podman' : 'docker', version: null };
}
