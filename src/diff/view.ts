/** One side in one context: what is installed there, and which entries of its file say so. */
import { SysieveError } from '../errors';
import {
  type Answer,
  type Context,
  family,
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
import { type Abi, abiOf, abisOfMachine, syscallNumber } from '../tables';
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

export interface ViewOptions {
  readonly enosys?: Context['enosys'];
  /** Of which calls the rules are wanted; null: of all. */
  readonly names: ReadonlySet<string> | null;
}

/** Throws the SysieveError of kind input with which the runtime or the model refuses the profile. */
export function profileView(
  side: ProfileSide,
  context: DiffContext,
  engine: Engine,
  { enosys = 'listed-and-native', names }: ViewOptions,
): ProfileView {
  const { machine, runtime } = context;
  const policyContext: Context = { machine, runtime, enosys };
  return named(side, () => {
    const whole = resolved(side, context, engine);
    const { profile, entryOf } = names === null ? whole : partOf(whole, names);
    const { fallback, rules } = placed(entryOf, profile, () => namedRules(profile, runtime));
    const native = (abisOfMachine(machine) ?? [])[0] as Abi;
    return {
      side,
      context: policyContext,
      profile: whole.profile,
      entryOf: whole.entryOf,
      fallback,
      rules,
      abis: new Set([native, ...profile.architectures.flatMap((arch) => abiOf(arch) ?? [])]),
      stubbed: stubbedAbove(whole.profile, policyContext),
    };
  });
}

type Resolved = Pick<ProfileView, 'profile' | 'entryOf'>;

/** The entries for these names alone. */
function partOf({ profile, entryOf }: Resolved, names: ReadonlySet<string>): Resolved {
  const places = new Map<Rule, number>();
  const syscalls = profile.syscalls.flatMap((rule) => {
    const kept = rule.names.filter((name) => names.has(name));
    if (kept.length === 0) return [];
    const part = { ...rule, names: kept };
    places.set(part, entryOf(rule));
    return [part];
  });
  return { profile: { ...profile, syscalls }, entryOf: (rule) => places.get(rule) ?? -1 };
}

/** Throws what `profileView` throws for any entry of it, in whatever context that holds. */
export function refuseEntries(side: ProfileSide, runtime: Context['runtime']): void {
  named(side, () => namedRules(asGated(side), runtime));
}

function resolved(side: ProfileSide, context: DiffContext, engine: Engine): Resolved {
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
  const { profile, context, entryOf, side, stubbed } = view;
  if (names === null) {
    return named(side, () => placed(entryOf, profile, () => policyOfProfile(profile, context)));
  }
  // Whether the whole is decided has been asked: of a part, only what its rules say is of interest.
  const part = { ...context, stubbed, asWritten: true };
  return policyOfProfile(partOf(view, names).profile, part);
}

/**
 * `conditional`: the calls with conditions, and all that share a number with one. What has none can
 * only matter where no call of an ABI has a rule without them.
 */
export function refuseUndecidedView(view: ProfileView, conditional: ReadonlySet<string>): void {
  const { side, context } = view;
  const anchor = unconditionalCall(view);
  const { profile, entryOf } =
    anchor === null ? view : partOf(view, new Set([...conditional, anchor]));
  named(side, () => placed(entryOf, profile, () => refuseUndecidedProfile(profile, context)));
}

/** A call that every ABI of the filter has, with an unconditional rule of its own; null: none. */
export function unconditionalCall({ profile, abis }: ProfileView): string | null {
  const conditional = new Set(
    profile.syscalls.flatMap(({ names, args }) => (args.length > 0 ? names : [])),
  );
  for (const { names, args, action } of profile.syscalls) {
    if (args.length > 0 || action === profile.defaultAction) continue;
    const found = names.find(
      (name) =>
        !conditional.has(name) &&
        family(name) === name &&
        [...abis].every((abi) => syscallNumber(abi, name) !== null),
    );
    if (found !== undefined) return found;
  }
  return null;
}

export function policyOfLive(side: Exclude<Side, ProfileSide>): Policy {
  // No filter at all lets everything pass.
  return side.kind === 'filters' ? side.policy : policyOfPrograms([]);
}

/** As Docker's or Podman's format, gates and all. */
export function asGated({ profile }: ProfileSide): GatedProfile {
  if (profile.format === 'gated') return profile.value;
  const made = GATED.get(profile.value) ?? ungated(profile.value);
  GATED.set(profile.value, made);
  return made;
}

const GATED = new WeakMap<Profile, GatedProfile>();

function ungated(value: Profile): GatedProfile {
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
