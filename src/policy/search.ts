/** A call of a region that gets a wanted answer. */
import { type Answer, answerOfWord } from './answers';
import { bitsOfRegion, type Call, callOfBits, type Region } from './calls';
import { isTerminal, rootOf } from './diagram';
import type { Policy } from './policy';

/**
 * A call of the region whose answer satisfies the predicate; null: there is none. Bits that decide
 * nothing are 0. `wanted` is asked once for each distinct answer that is met.
 */
export function findCall(
  policy: Policy,
  region: Region,
  wanted: (answer: Answer) => boolean,
): { call: Call; answer: Answer } | null {
  const bits = bitsOfRegion(region);
  if (bits === null) return null;
  const { diagram } = policy;
  const failed = new Set<number>();
  const visit = (at: number): number | null => {
    if (failed.has(at)) return null;
    const found = isTerminal(diagram, at) ? leaf(at) : inner(at);
    if (found === null) failed.add(at);
    return found;
  };
  const leaf = (at: number): number | null => {
    const word = diagram.low[at] as number;
    return wanted(answerOfWord(word)) ? word : null;
  };
  const inner = (at: number): number | null => {
    const variable = diagram.variable[at] as number;
    const fixed = bits[variable] as number;
    if (fixed !== FREE) return visit((fixed === 1 ? diagram.high : diagram.low)[at] as number);
    const low = visit(diagram.low[at] as number);
    if (low !== null) return low;
    bits[variable] = 1;
    const high = visit(diagram.high[at] as number);
    if (high === null) bits[variable] = FREE;
    return high;
  };
  const word = visit(rootOf(diagram));
  if (word === null) return null;
  const set = [...bits.keys()].filter((variable) => bits[variable] === 1);
  return { call: callOfBits(set), answer: answerOfWord(word) };
}

const FREE = 2;
