/**
 * libseccomp shares code between the rules of different calls and can mix their arguments up; the
 * Policy refuses what it may do that to. A profile must not lie in that range, so rules become
 * simpler until it does not: wider, but what they say.
 */
import { SysieveError } from '../errors';
import { policyOfProfile, RULES_UNDECIDED } from '../policy';
import type { Profile } from '../profile';
import { tidy } from './arguments';
import { buildProfile } from './emit';
import type { Context, Findings, Rule, State } from './types';

/** Why runc's or crun's filter for the profile is not sure to be what it says; null: it is. */
function undecided(profile: Profile, machine: 'x86_64' | 'aarch64'): string | null {
  for (const runtime of ['runc', 'crun'] as const) {
    try {
      policyOfProfile(profile, { runtime, machine });
    } catch (error) {
      if (error instanceof SysieveError && error.code === RULES_UNDECIDED) return error.message;
      throw error;
    }
  }
  return null;
}

function ofOneArgument(rule: Rule): Rule {
  if (rule.alternatives?.every(({ cube }) => cube.length < 2) ?? true) return rule;
  const alternatives = (rule.alternatives ?? []).map((alternative) => {
    const [first, ...rest] = alternative.cube;
    if (first === undefined || rest.length === 0) return alternative;
    const covers = `argument ${first.index} 0x${first.value.toString(16)}`;
    return { cube: [first], covers, kind: covers };
  });
  return { alternatives: tidy(alternatives), note: 'by one argument: libseccomp mixes up further' };
}

function withoutArguments(rule: Rule): Rule {
  return rule.alternatives === null
    ? rule
    : { alternatives: null, note: 'libseccomp mixes its rule up with others' };
}

const SIMPLER = [
  { make: ofOneArgument, what: 'are bounded by their first argument alone' },
  { make: withoutArguments, what: 'are permitted with every argument' },
];

/** The state with rules that libseccomp compiles to what they say, and which had to be widened. */
export function decided(
  state: State,
  { options, machines }: Context,
): { state: State; findings: Partial<Findings> } {
  const abi = options.arch ?? machines[0] ?? 'x86_64';
  const machine = abi === 'aarch64' || abi === 'arm' ? 'aarch64' : 'x86_64';
  let now = state;
  const warnings: string[] = [];
  for (const { make, what } of SIMPLER) {
    const why = undecided(buildProfile(now, options), machine);
    if (why === null) break;
    const rules = new Map([...now.rules].map(([name, rule]) => [name, make(rule)]));
    const changed = [...rules].filter(([name, rule]) => rule !== now.rules.get(name));
    if (changed.length === 0) continue;
    warnings.push(`${changed.map(([name]) => name).join(', ')} ${what}: ${why}`);
    now = { ...now, rules };
  }
  return { state: now, findings: { warnings } };
}
