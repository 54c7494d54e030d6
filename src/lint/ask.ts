/** Questions to a policy that several rules ask. */
import { SysieveError } from '../errors';
import type { JsonPath } from '../json';
import {
  type Answer,
  findCall,
  isPassing,
  mayPass,
  type Policy,
  policyOfProfile,
  ruleAnswer,
} from '../policy';

import type { Profile, Rule } from '../profile';
import { type Abi, ENOSYS, syscallNumber } from '../tables';
import type { View } from './types';

export const ALL = 0xffff_ffff_ffff_ffffn;
export const INT = 0xffff_ffffn;

export interface Constraint {
  readonly index: number;
  readonly mask: bigint;
  readonly value: bigint;
}

export type Witness = NonNullable<ReturnType<typeof findCall>>;

/** Whoever listens or traces may let the call pass: that is for them. */
export function isRefused(answer: Answer): boolean {
  return !mayPass(answer);
}

export function refusedForGood(answer: Answer): boolean {
  return isRefused(answer) && !(answer.action === 'errno' && answer.data === ENOSYS);
}

function find(
  policies: readonly Policy[],
  abi: Abi,
  name: string,
  constraints: readonly Constraint[],
  wanted: (answer: Answer) => boolean,
): Witness | null {
  const number = syscallNumber(abi, name);
  if (number === null) return null;
  for (const policy of policies) {
    const found = findCall(policy, { abi, number, constraints }, wanted);
    if (found !== null) return found;
  }
  return null;
}

/** A call that passes under one of the view's runtimes; null: none. */
export function passing(
  view: View,
  abi: Abi,
  name: string,
  constraints: readonly Constraint[] = [],
): Witness | null {
  return find(view.policies, abi, name, constraints, isPassing);
}

export function refused(
  view: View,
  abi: Abi,
  name: string,
  constraints: readonly Constraint[] = [],
  wanted = isRefused,
): Witness | null {
  return find(view.policies, abi, name, constraints, wanted);
}

export function passesAlways(view: View, abi: Abi, name: string): boolean {
  return (
    passing(view, abi, name) !== null &&
    find(view.policies, abi, name, [], (answer) => !isPassing(answer)) === null
  );
}

export function isPassingAction(action: Rule['action']): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

export {
  conditionsText,
  conditionText,
  isUnconditional,
  ruleAnswer as answerText,
} from '../policy';

export function defaultText({ defaultAction, defaultErrnoRet }: Profile): string {
  return ruleAnswer({ action: defaultAction, errnoRet: defaultErrnoRet });
}

/**
 * What these rules for one name mean, without the other calls of the profile; null: that cannot be
 * decided. An errno on an action that takes none changes nothing, and is left out for crun.
 */
export function alone(
  view: Pick<View, 'profile' | 'machine'>,
  name: string,
  rules: readonly Rule[],
  runtime: 'runc' | 'crun' = 'crun',
  defaultAction: Profile['defaultAction'] = view.profile.defaultAction,
): Policy | null {
  const { architectures, defaultErrnoRet } = view.profile;
  const takesErrno = (action: string) => /_(ERRNO|TRACE)$/.test(action);
  const profile = {
    defaultAction,
    ...(takesErrno(defaultAction) ? { defaultErrnoRet } : {}),
    architectures,
    syscalls: rules.map(({ action, errnoRet, args }) => ({
      names: [name],
      action,
      args,
      ...(takesErrno(action) ? { errnoRet } : {}),
    })),
  };
  try {
    return policyOfProfile(profile, { runtime, machine: view.machine, asWritten: true });
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.kind === 'input') return null;
    throw thrown;
  }
}

/** The path of the name in the first rule that lets it pass, or of what does where none names it. */
export function passingPath(view: View, name: string): { path: JsonPath; named: boolean } {
  return ruleOf(view, name, (rule) => isPassingAction(rule.action));
}

/** The path of the name in the first rule that is wanted, else in any, else the default's. */
export function ruleOf(
  view: View,
  name: string,
  wanted: (rule: Rule) => boolean,
): { path: JsonPath; named: boolean } {
  const rules = view.profile.syscalls;
  let at = rules.findIndex((rule) => wanted(rule) && rule.names.includes(name));
  if (at < 0) at = rules.findIndex((rule) => rule.names.includes(name));
  if (at < 0) return { path: ['defaultAction'], named: false };
  return { path: namePath(view, at, name), named: true };
}

export function namePath(view: View, at: number, name: string): JsonPath {
  const place = (view.profile.syscalls[at] as Rule).names.indexOf(name);
  return ['syscalls', view.sources[at] as number, 'names', place];
}

export function conditionPath(view: View, at: number, place: number): JsonPath {
  return ['syscalls', view.sources[at] as number, 'args', place];
}

/** "a, b and c"; more than `most` are counted. */
export function listText(items: readonly string[], most = 12): string {
  if (items.length > most) {
    return `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
  }
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} and ${items.at(-1) as string}`;
}
