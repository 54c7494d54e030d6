/** The rules of a profile by the call they name, to be compared without a policy being made. */
import { type Answer, answerOfWord } from './answers';
import { multiplexed, SOCKETCALL_NUMBER } from './multiplexed';
import type { OciProfile } from './profile-shape';
import { defaultWord, type Runtime, rulesOf } from './rules';

export interface NamedRules {
  readonly fallback: Answer;
  /** By name: a text for its rules in their order, the same for the same rules. */
  readonly rules: ReadonlyMap<string, string>;
}

/** As `runtime` hands them to libseccomp: without those it skips. */
export function namedRules(profile: OciProfile, runtime: Runtime): NamedRules {
  const fallback = defaultWord(profile, runtime);
  const rules = new Map<string, string>();
  for (const { name, word, conditions } of rulesOf(profile, fallback, runtime)) {
    const text = conditions.map(
      ({ index, op, value, valueTwo }) => `${index} ${op} ${value} ${valueTwo}`,
    );
    rules.set(name, `${rules.get(name) ?? ''}${word}:${text.join()};`);
  }
  return { fallback: answerOfWord(fallback), rules };
}

/** Calls that i386 answers under one number, whose rules can be judged only together; else the name. */
export function family(name: string): string {
  if (name === 'socketcall' || name === 'ipc') return name;
  const found = multiplexed(name);
  if (found === null) return name;
  return found.number === SOCKETCALL_NUMBER ? 'socketcall' : 'ipc';
}
