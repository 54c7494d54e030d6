/**
 * What several profiles say about one name, and the rules that say their union. libseccomp lets an
 * unconditional rule of a call erase its conditional ones, so a call has either one unconditional
 * answer, or alternatives in front of the default.
 */
import { SysieveError } from '../errors';
import type { Condition, Profile, Rule } from '../profile';
import {
  type Answer,
  answerOfRule,
  best,
  defaultAnswer,
  denies,
  rank,
  same,
  showAnswer,
} from './answers';

export interface Alternative {
  readonly answer: Answer;
  /** As in the entry; never empty. */
  readonly args: readonly Condition[];
}

/** What one profile says about one name. */
export interface Said {
  /** Where no alternative applies. */
  readonly base: Answer;
  /** The base is of a rule and not the default. */
  readonly explicit: boolean;
  readonly alternatives: readonly Alternative[];
}

export interface MergedCall {
  /** null: the default says it. */
  readonly unconditional: Answer | null;
  readonly alternatives: readonly Alternative[];
}

export function alternativeKey({ answer, args }: Alternative): string {
  const shown = args.map(({ index, op, value, valueTwo }) => `${index} ${op} ${value} ${valueTwo}`);
  return `${showAnswer(answer)}: ${shown.join(', ')}`;
}

/** Of each name that a profile has a rule for. */
export function saidBy(profile: Profile): Map<string, Said> {
  const fallback = defaultAnswer(profile);
  const rules = new Map<string, Rule[]>();
  for (const rule of profile.syscalls) {
    for (const name of new Set(rule.names)) {
      const known = rules.get(name);
      if (known === undefined) rules.set(name, [rule]);
      else known.push(rule);
    }
  }
  return new Map([...rules].map(([name, own]) => [name, said(own, fallback)]));
}

function said(rules: readonly Rule[], fallback: Answer): Said {
  // Runtimes skip a rule that equals the default: it erases nothing.
  const effective = rules.filter((rule) => !same(answerOfRule(rule), fallback));
  const unconditional = effective.find((rule) => rule.args.length === 0);
  if (unconditional !== undefined) {
    return { base: answerOfRule(unconditional), explicit: true, alternatives: [] };
  }
  return {
    base: fallback,
    explicit: effective.length === 0 && rules.some((rule) => rule.args.length === 0),
    alternatives: effective.map((rule) => ({ answer: answerOfRule(rule), args: rule.args })),
  };
}

/** A denial for some arguments stays where no other profile lets those pass. */
function deniedByAll(denial: Alternative, others: readonly Said[]): boolean {
  const key = alternativeKey(denial);
  return others.every(
    ({ base, alternatives }) =>
      alternatives.some((one) => alternativeKey(one) === key) ||
      [base, ...alternatives.map(({ answer }) => answer)].every(
        (answer) => rank(answer) <= rank(denial.answer),
      ),
  );
}

function unique(alternatives: readonly Alternative[]): Alternative[] {
  return [...new Map(alternatives.map((one) => [alternativeKey(one), one])).values()];
}

/** `all`: what each profile says about the name; `fallback`: the default of the merged profile. */
export function mergeCall(name: string, all: readonly Said[], fallback: Answer): MergedCall {
  const top = best(all.map(({ base }) => base));
  const explicit = all.filter((one) => one.explicit && rank(one.base) === rank(top));
  const base = explicit.length > 0 ? best(explicit.map((one) => one.base)) : top;
  const more = all.flatMap((one) =>
    one.alternatives.filter(
      ({ answer }) =>
        rank(answer) > rank(base) ||
        (explicit.length === 0 && rank(answer) === rank(base) && !same(answer, base)),
    ),
  );
  const less = all.flatMap((one) =>
    one.alternatives.filter(
      (alternative) => rank(alternative.answer) < rank(one.base) && deniedByAll(alternative, all),
    ),
  );
  const alternatives = unique([...more, ...less]);
  if (alternatives.length === 0) {
    return {
      unconditional: explicit.length > 0 || !same(base, fallback) ? base : null,
      alternatives,
    };
  }
  // Two errnos in front of each other cannot both be said; both deny, and the default's stays.
  const given = same(base, fallback) || (denies(base) && rank(base) === rank(fallback));
  if (given) return { unconditional: null, alternatives };
  throw new SysieveError(
    'input',
    'merge-inexpressible',
    `${name}: no OCI profile says the union: with these conditions ` +
      `${showAnswer(best(alternatives.map(({ answer }) => answer)))}, otherwise ${showAnswer(base)}, ` +
      `under a default of ${showAnswer(fallback)}`,
    {
      cause: 'libseccomp lets an unconditional rule of a call erase its conditional ones',
      remedy: `Give the profiles one default, or the same rule for ${name}.`,
    },
  );
}
