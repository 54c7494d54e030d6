/** What was recorded and does not pass: decided on what a profile means to runc and to crun. */
import {
  type Answer,
  type Call,
  equal,
  findCall,
  isPassing,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
} from '../policy';
import type { Profile, Rule } from '../profile';
import { ENOSYS, FALLBACKS, syscallNumber } from '../tables';
import { type Requirement, recorded } from './requirements';
import { type Finding, type ProveInput, RUNTIMES, type Runtime } from './types';
import { answerText, callText } from './words';

interface Meaning {
  runtime: Runtime;
  policy: Policy;
  /** Names the library here is too old for, and what a newer one would make of the profile. */
  unknown: { names: readonly string[]; policy: Policy } | null;
  /** The compiled filter is what the profile says. */
  asMeant: boolean;
}

function withoutNames(profile: Profile, names: readonly string[]): Profile {
  const syscalls = profile.syscalls.flatMap((rule): Rule[] => {
    const kept = rule.names.filter((name) => !names.includes(name));
    return kept.length === 0 ? [] : [{ ...rule, names: kept }];
  });
  return { ...profile, syscalls };
}

/** What the profile means to each runtime: by the compiled filter where there is one. */
function meanings(input: ProveInput, notes: Set<string>): Meaning[] {
  const { profile, compiled, machine } = input;
  // The program was made with runc's answer for the ABIs listed, not for the machine's own besides.
  const context = { machine, enosys: 'listed' } as const;
  return RUNTIMES.map((runtime) => {
    if (compiled === null) {
      const policy = policyOfProfile(profile, { ...context, runtime });
      return { runtime, policy, unknown: null, asMeant: true };
    }
    const { program, skipped } = compiled[runtime];
    const policy = policyOfPrograms([program]);
    if (skipped.length > 0) {
      notes.add(
        `libseccomp here does not know ${skipped.join(', ')}, so its filter refuses them; a newer one makes of the profile what is proved here`,
      );
    }
    const meant = policyOfProfile(withoutNames(profile, skipped), { ...context, runtime });
    const whole = policyOfProfile(profile, { ...context, runtime });
    const unknown = skipped.length === 0 ? null : { names: skipped, policy: whole };
    return { runtime, policy, unknown, asMeant: equal(policy, meant) };
  });
}

/**
 * The errno a caller is known to fall back upon: nothing of the region gets any other refusal. That an
 * application once did without a call, which is answered ENOSYS as well, says nothing of one that passed.
 */
function fallsBack(
  policy: Policy,
  required: Requirement,
  evidence: ProveInput['evidence'],
): boolean {
  const listed = evidence?.calls.some(
    (call) => call.name === required.name && call.why.includes('fallback'),
  );
  if (listed !== true || !FALLBACKS.some(({ name }) => name === required.name)) return false;
  const other = (answer: Answer) =>
    !isPassing(answer) && !(answer.action === 'errno' && answer.data === ENOSYS);
  if (findCall(policy, required, other) !== null) return false;
  return required.name !== 'clone3' || cloneInstead(policy, required);
}

/** The flags clone and clone3 have in common; clone's low byte is a signal. */
const SHARED_FLAGS = 0xffff_ff00n;

function cloneInstead(policy: Policy, { abi, constraints }: Requirement): boolean {
  const number = syscallNumber(abi, 'clone');
  if (number === null) return false;
  const flags = constraints.map(({ value }) => ({
    index: 0,
    // No libc sets what lies above them, and the low byte is free.
    mask: ~0xffn & 0xffff_ffff_ffff_ffffn,
    value: value & SHARED_FLAGS,
  }));
  return findCall(policy, { abi, number, constraints: flags }, (a) => !isPassing(a)) === null;
}

/** A recorded call that passed, and that the profile refuses. */
export interface Refused {
  readonly requirement: Requirement;
  readonly answer: Answer;
  /** One such call. */
  readonly call: Call;
}

function refusedUnder(
  meaning: Meaning,
  required: readonly Requirement[],
  evidence: ProveInput['evidence'],
): Refused[] {
  const { unknown } = meaning;
  return required
    .filter(({ passed }) => passed)
    .flatMap((requirement): Refused[] => {
      if (requirement.number < 0) return [];
      const { name } = requirement;
      const old = name !== null && unknown?.names.includes(name) === true;
      const policy = old ? unknown.policy : meaning.policy;
      const found = findCall(policy, requirement, (answer) => !isPassing(answer));
      if (found === null || fallsBack(policy, requirement, evidence)) return [];
      return [{ requirement, answer: found.answer, call: found.call }];
    });
}

export interface Sufficiency {
  /** Of verdict `sufficient`, by runtime. */
  readonly findings: readonly Finding[];
  /** What is refused under either runtime, each requirement once. */
  readonly refused: readonly Refused[];
  readonly notes: readonly string[];
}

export function sufficiency(input: ProveInput, required: readonly Requirement[]): Sufficiency {
  const notes = new Set<string>();
  const refused = new Map<Requirement, Refused>();
  const findings: Finding[] = [];
  for (const meaning of meanings(input, notes)) {
    const { runtime, asMeant } = meaning;
    const find = (message: string, witness: Call | null) =>
      findings.push({ verdict: 'sufficient', runtime, message, witness });
    if (!asMeant) find("libseccomp's filter differs from what the profile means", null);
    for (const one of refusedUnder(meaning, required, input.evidence)) {
      find(`recorded, but answered ${answerText(one.answer)}: ${callText(one.call)}`, one.call);
      if (!refused.has(one.requirement)) refused.set(one.requirement, one);
    }
  }
  return { findings, refused: [...refused.values()], notes: [...notes] };
}

/** The same of all that was recorded, but for what the evidence says was left out. */
export function recordedAndRefused(
  input: Omit<ProveInput, 'baselines'>,
): Sufficiency & { readonly leftOut: readonly string[] } {
  const { profile, evidence, runs } = input;
  const { required, leftOut } = recorded(runs, profile, evidence?.excluded ?? []);
  return { ...sufficiency({ ...input, baselines: [] }, required), leftOut };
}
