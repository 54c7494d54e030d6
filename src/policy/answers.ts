/** What a filter answers, as the kernel reads the word a program returns (include/uapi/linux/seccomp.h). */
import { errnoName } from '../tables';

/** In the kernel's order of precedence, the strictest first. */
const ACTIONS = [
  ['kill_process', 0x80000000],
  ['kill_thread', 0x00000000],
  ['trap', 0x00030000],
  ['errno', 0x00050000],
  ['notify', 0x7fc00000],
  ['trace', 0x7ff00000],
  ['log', 0x7ffc0000],
  ['allow', 0x7fff0000],
] as const;

export type ActionName = (typeof ACTIONS)[number][0];

export interface Answer {
  readonly action: ActionName;
  /** errno, si_errno of a trap's signal or message to a tracer: 16 bits; 0 where it has no meaning. */
  readonly data: number;
}

/** As findings name it: "allow", "errno EPERM", "kill process". */
export function answerText({ action, data }: Answer): string {
  if (action === 'errno') return `errno ${errnoName(data) ?? data}`;
  if ((action === 'trap' || action === 'trace') && data !== 0) return `${action} ${data}`;
  return action.replace('_', ' ');
}

/** Carried out without anybody else being asked. */
export function isPassing({ action }: Answer): boolean {
  return action === 'allow' || action === 'log';
}

/** Carried out, or left to a listener or tracer that may do so. */
export function mayPass(answer: Answer): boolean {
  return isPassing(answer) || answer.action === 'notify' || answer.action === 'trace';
}

const ACTION_MASK = 0xffff0000;
const DATA_MASK = 0xffff;

const NAME_OF = new Map<number, ActionName>(ACTIONS.map(([name, word]) => [word | 0, name]));
const WORD_OF = new Map<ActionName, number>(ACTIONS.map(([name, word]) => [name, word | 0]));
const WITH_DATA: ReadonlySet<ActionName> = new Set(['trap', 'errno', 'trace']);

/** Words are signed: that is how the kernel compares the actions of stacked filters. */
export function wordOf(action: ActionName, data = 0): number {
  const word = WORD_OF.get(action) ?? 0;
  return WITH_DATA.has(action) ? word | (data & DATA_MASK) : word;
}

export function answerOfWord(word: number): Answer {
  // An action the kernel does not know kills the process (kernel/seccomp.c, __seccomp_filter).
  const action = NAME_OF.get(word & ACTION_MASK) ?? 'kill_process';
  return { action, data: WITH_DATA.has(action) ? word & DATA_MASK : 0 };
}

/** The word of the same meaning that wordOf gives: one word for each distinct answer. */
export function canonicalWord(word: number): number {
  const { action, data } = answerOfWord(word);
  return wordOf(action, data);
}

export const ALLOW_WORD = wordOf('allow');

/** The order of precedence alone: negative when a is the stricter action. */
function compareActions(a: number, b: number): number {
  return (a & ACTION_MASK) - (b & ACTION_MASK);
}

/** What the kernel makes of the words of two stacked filters; the newer one's data wins a tie. */
export function stricter(older: number, newer: number): number {
  return compareActions(older, newer) < 0 ? older : newer;
}

/** The more permissive of two words; as in `stricter`, the second one's data wins a tie. */
export function morePermissive(first: number, second: number): number {
  return compareActions(first, second) > 0 ? first : second;
}

/** Whether the call is carried out without anybody else being asked. */
export function executes(word: number): boolean {
  const action = word & ACTION_MASK;
  return action === wordOf('allow') || action === wordOf('log');
}
