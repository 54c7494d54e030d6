/** Answers, arguments and calls in words. */
import { type Answer, type Area, answerText, type Call } from '../policy';
import type { Witness } from '../review';
import { describeSet } from '../tables';

export function answersText(answers: readonly Answer[]): string {
  return [...new Set(answers.map(answerText))].join(' or ');
}

const TOO_MANY = 'argument values that cannot be put shortly';

function areaText(name: string, area: Area): string {
  return area.map(({ index, set }) => describeSet(name, index, set)).join(' and ');
}

/** One text for each alternative; null: whatever the arguments are. */
export function areasText(name: string, areas: readonly Area[] | null): string[] | null {
  if (areas === null) return [TOO_MANY];
  if (areas.some((area) => area.length === 0)) return null;
  return areas.map((area) => areaText(name, area));
}

export function witnessOf({ arch, nr, args = [] }: Call): Witness {
  const all = Array.from({ length: 6 }, (_, at) => args[at] ?? 0n);
  return { arch, nr, args: all.map((value) => `0x${value.toString(16)}`) };
}

/** "a, b and c"; of more than `limit` the first, and how many others there are. */
export function listed(texts: readonly string[], limit = 8): string {
  const shown = texts.length > limit ? texts.slice(0, limit) : texts;
  const rest = texts.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
