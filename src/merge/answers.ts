/** What a rule or a default answers, in the kernel's order of permissiveness. */
import type { Action, Profile, Rule } from '../profile';
import { ENOSYS } from '../tables';

export interface Answer {
  readonly action: Action;
  /** errno or message to the tracer; 0 where the action has none. */
  readonly data: number;
}

/** The strictest first: SECCOMP_RET_* of include/uapi/linux/seccomp.h. */
const ORDER: readonly Action[] = [
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_NOTIFY',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_LOG',
  'SCMP_ACT_ALLOW',
];

const EPERM = 1;

function answer(action: Action, errnoRet: number | undefined): Answer {
  if (action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE') {
    return { action, data: (errnoRet ?? EPERM) & 0xffff };
  }
  // The old name of the same action.
  return { action: action === 'SCMP_ACT_KILL' ? 'SCMP_ACT_KILL_THREAD' : action, data: 0 };
}

export function answerOfRule(rule: Rule): Answer {
  return answer(rule.action, rule.errnoRet);
}

export function defaultAnswer(profile: Profile): Answer {
  return answer(profile.defaultAction, profile.defaultErrnoRet);
}

export function same(a: Answer, b: Answer): boolean {
  return a.action === b.action && a.data === b.data;
}

export function rank({ action }: Answer): number {
  return ORDER.indexOf(action);
}

export function denies(a: Answer): boolean {
  return rank(a) <= ORDER.indexOf('SCMP_ACT_ERRNO');
}

/** ENOSYS before all others, since libc goes on after it; then the smaller number. */
function dataOrder({ action, data }: Answer): number {
  return action === 'SCMP_ACT_ERRNO' && data === ENOSYS ? -1 : data;
}

/** Above zero: a is the more permissive; of one action its data decides, the same way every time. */
export function compareAnswers(a: Answer, b: Answer): number {
  return rank(a) - rank(b) || dataOrder(b) - dataOrder(a);
}

export function best<T extends Answer>(answers: readonly T[]): T {
  return answers.reduce((a, b) => (compareAnswers(b, a) > 0 ? b : a));
}

export function showAnswer({ action, data }: Answer): string {
  return data === 0 ? action : `${action} ${data}`;
}
