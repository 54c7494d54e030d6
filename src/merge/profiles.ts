/**
 * The union of profiles: by name, the more permissive answer of each call. Made from the rules and
 * then proved on the Policy; what one OCI profile cannot say is refused, never approximated.
 */
import { SysieveError } from '../errors';
import { canonicalProfile, type Profile, type Rule } from '../profile';
import {
  type Answer,
  best,
  compareAnswers,
  defaultAnswer,
  denies,
  same,
  showAnswer,
} from './answers';
import {
  type Alternative,
  alternativeKey,
  type MergedCall,
  mergeCall,
  type Said,
  saidBy,
} from './calls';
import { proveUnion } from './prove';

/** A profile, and how messages name it. */
export interface NamedProfile {
  readonly source: string;
  readonly profile: Profile;
}

/** A denial that a profile says explicitly, for all arguments. */
export interface Denial {
  readonly name: string;
  readonly answer: string;
  readonly sources: readonly string[];
  /** Whether the merged profile says it, too. */
  readonly kept: boolean;
}

export interface MergedProfile {
  readonly profile: Profile;
  readonly denials: readonly Denial[];
  /** What was decided, and what the proof left open. */
  readonly notes: readonly string[];
}

function differ(field: string, profiles: readonly NamedProfile[], shown: (p: Profile) => string) {
  const values = profiles.map(({ source, profile }) => ({ source, value: shown(profile) }));
  const other = values.find(({ value }) => value !== values[0]?.value);
  if (other === undefined) return;
  throw new SysieveError(
    'input',
    'merge-differs',
    `${field} differs: ${values[0]?.value} in ${values[0]?.source}, ${other.value} in ${other.source}`,
    {
      cause: 'it is part of no answer, so that a union does not decide it',
      remedy: `Give the profiles the same ${field}.`,
    },
  );
}

function sorted(values: readonly string[] | undefined): string {
  return values === undefined ? 'none' : `[${[...new Set(values)].sort().join(', ')}]`;
}

function ruleOf(names: readonly string[], answer: Answer, args: Alternative['args']): Rule {
  const { action, data } = answer;
  const errno =
    action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? { errnoRet: data } : {};
  return { names: [...names], action, ...errno, args: [...args] };
}

/** One entry for each answer and alternative, with all names that have it. */
function rulesOf(calls: ReadonlyMap<string, MergedCall>): Rule[] {
  const entries = new Map<string, { alternative: Alternative; names: string[] }>();
  for (const [name, { unconditional, alternatives }] of calls) {
    const all = unconditional === null ? alternatives : [{ answer: unconditional, args: [] }];
    for (const alternative of all) {
      const key = alternativeKey(alternative);
      const known = entries.get(key) ?? { alternative, names: [] };
      known.names.push(name);
      entries.set(key, known);
    }
  }
  // Where rules of several answers meet in a call, libseccomp goes by their order: here by what they say.
  return [...entries]
    .sort(
      ([a, { alternative: x }], [b, { alternative: y }]) =>
        compareAnswers(x.answer, y.answer) || (a < b ? -1 : 1),
    )
    .map(([, { alternative, names }]) => ruleOf(names, alternative.answer, alternative.args));
}

/** Conditions in one order, so that the same alternative is found to be the same. */
function canonical(profiles: readonly NamedProfile[]): NamedProfile[] {
  return profiles.map(({ source, profile }) => ({ source, profile: canonicalProfile(profile) }));
}

function denialsOf(
  said: readonly { source: string; calls: ReadonlyMap<string, Said> }[],
  merged: ReadonlyMap<string, MergedCall>,
): Denial[] {
  const denials = new Map<string, { name: string; answer: Answer; sources: string[] }>();
  for (const { source, calls } of said) {
    for (const [name, { base, explicit }] of calls) {
      if (!explicit || !denies(base)) continue;
      const key = `${name} ${showAnswer(base)}`;
      const known = denials.get(key) ?? { name, answer: base, sources: [] };
      known.sources.push(source);
      denials.set(key, known);
    }
  }
  return [...denials]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { name, answer, sources }]) => {
      const now = merged.get(name)?.unconditional ?? null;
      return { name, answer: showAnswer(answer), sources, kept: now !== null && same(now, answer) };
    });
}

/**
 * Exactly what any of the profiles permits; where all deny, the most permissive answer, an explicit
 * errno before the default's, ENOSYS before others, then the smaller; which errno that is can differ
 * when the same profiles are merged step by step, what passes cannot. Throws a SysieveError of kind
 * input where no OCI profile says that, or the proof fails.
 */
export function mergeProfiles(given: readonly NamedProfile[]): MergedProfile {
  const profiles = canonical(given);
  const [first] = profiles;
  if (first === undefined) throw new SysieveError('usage', 'usage', 'no profile to merge');
  differ('flags', profiles, ({ flags }) => sorted(flags));
  differ('listenerPath', profiles, ({ listenerPath }) => listenerPath ?? 'none');
  differ('listenerMetadata', profiles, ({ listenerMetadata }) => listenerMetadata ?? 'none');

  const defaults = profiles.map(({ profile }) => defaultAnswer(profile));
  const fallback = best(defaults);
  const said = profiles.map(({ source, profile }) => ({ source, calls: saidBy(profile) }));
  const names = [...new Set(said.flatMap(({ calls }) => [...calls.keys()]))].sort();
  const merged = new Map<string, MergedCall>();
  for (const name of names) {
    const all = said.map(
      ({ calls }, index): Said =>
        calls.get(name) ?? {
          base: defaults[index] as Answer,
          explicit: false,
          alternatives: [],
        },
    );
    merged.set(name, mergeCall(name, all, fallback));
  }
  const errno = fallback.action === 'SCMP_ACT_ERRNO' || fallback.action === 'SCMP_ACT_TRACE';
  const { flags, listenerPath, listenerMetadata } = first.profile;
  const profile = canonicalProfile({
    defaultAction: fallback.action,
    ...(errno ? { defaultErrnoRet: fallback.data } : {}),
    architectures: profiles.flatMap((one) => one.profile.architectures),
    ...(flags === undefined ? {} : { flags }),
    ...(listenerPath === undefined ? {} : { listenerPath }),
    ...(listenerMetadata === undefined ? {} : { listenerMetadata }),
    syscalls: rulesOf(merged),
  });
  const notes = defaults.some((one) => !same(one, fallback))
    ? [`the defaults differ; the most permissive is taken: ${showAnswer(fallback)}`]
    : [];
  return {
    profile,
    denials: denialsOf(said, merged),
    // As given: the order of rules, which the canonical form loses, can make one undecided.
    notes: [...notes, ...proveUnion(given, profile)],
  };
}
