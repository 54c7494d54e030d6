/** Where two policies answer differently. */
import { ABIS, type Abi, abiOfCall, auditArch, X32_BIT } from '../tables';
import { type Answer, answerOfWord } from './answers';
import { type Call, callOfBits } from './calls';
import { insert } from './diagram';
import type { Policy } from './policy';
import { ARCH, ARGUMENTS, NUMBER } from './variables';
import { type Node, TERMINAL, tooLarge, Workspace } from './workspace';

export interface Difference {
  /** null: an architecture that is not in the tables. */
  readonly abi: Abi | null;
  /** AUDIT_ARCH_*; of an architecture not in the tables one example of those that behave alike. */
  readonly arch: number;
  /** The numbers as a filter sees them, the x32 bit included; both ends belong to the range. */
  readonly first: number;
  readonly last: number;
  readonly witness: Call;
  /** What the two answer to the witness. */
  readonly before: Answer;
  readonly after: Answer;
}

/** More ranges than numbers that any table names: such a filter tests single bits of the number. */
const RANGE_LIMIT = 1 << 16;

/**
 * Every range of numbers where the answers differ, each with all pairs of answers that are found
 * there: one element for each pair. By ABI in the order of the tables, then by number.
 */
export function differences(before: Policy, after: Policy): Difference[] {
  const workspace = new Workspace();
  const pairs = new Map<string, AnswerPair[]>();
  return differing(workspace, before, after).flatMap(({ arch, first, last, pair }) => {
    const key = `${pair.before} ${pair.after}`;
    const here = pairs.get(key) ?? answerPairs(workspace, pair);
    pairs.set(key, here);
    return here.map((found) => ({
      abi: abiOfCall(arch, first),
      arch,
      first,
      last,
      witness: { ...callOfBits(found.set), arch, nr: first },
      before: answerOfWord(found.before),
      after: answerOfWord(found.after),
    }));
  });
}

/** What the two policies do with the arguments: nodes of the workspace. */
export interface Pair {
  readonly before: Node;
  readonly after: Node;
}

/** A range of numbers where the two do different things, the same ones for all of its numbers. */
export interface DifferingRange {
  /** AUDIT_ARCH_*; of an architecture not in the tables one example of those that behave alike. */
  readonly arch: number;
  readonly first: number;
  readonly last: number;
  readonly pair: Pair;
}

/** In the order of `differences`. */
export function differing(workspace: Workspace, before: Policy, after: Policy): DifferingRange[] {
  const pair: Pair = {
    before: insert(workspace, before.diagram),
    after: insert(workspace, after.diagram),
  };
  if (pair.before === pair.after) return [];
  const known = [...new Set(ABIS.map(auditArch))];
  const archs = known.map((arch) => ({ arch, pair: at(workspace, pair, ARCH, arch) }));
  archs.push(...unlisted(workspace, pair, new Set(known)));
  return archs.flatMap((found) =>
    ranges(workspace, found.arch, found.pair).map((range) => ({ arch: found.arch, ...range })),
  );
}

function below(
  workspace: Workspace,
  { before, after }: Pair,
  variable: number,
  set: boolean,
): Pair {
  return {
    before: workspace.below(before, variable, set),
    after: workspace.below(after, variable, set),
  };
}

/** What is left of the pair once the 32 bits from `variable` on have this value. */
function at(workspace: Workspace, pair: Pair, variable: number, value: number): Pair {
  let rest = pair;
  for (let bit = 0; bit < 32; bit++) {
    rest = below(workspace, rest, variable + bit, ((value >>> (31 - bit)) & 1) === 1);
  }
  return rest;
}

/** An architecture outside the tables for each distinct pair that is found there. */
function unlisted(
  workspace: Workspace,
  pair: Pair,
  known: ReadonlySet<number>,
): { arch: number; pair: Pair }[] {
  const found = new Map<string, { arch: number; pair: Pair }>();
  const visited = new Set<string>();
  const visit = (depth: number, start: number, rest: Pair): void => {
    if (rest.before === rest.after) return;
    const end = start + 2 ** (32 - depth) - 1;
    const inside = [...known].filter((arch) => arch >= start && arch <= end);
    if (inside.length > 2 ** (32 - depth) - 1) return;
    const key = `${rest.before} ${rest.after}`;
    if (inside.length === 0) {
      if (visited.has(key)) return;
      visited.add(key);
      if (workspace.variable(rest.before) >= NUMBER && workspace.variable(rest.after) >= NUMBER) {
        if (!found.has(key)) found.set(key, { arch: start, pair: rest });
        return;
      }
    }
    visit(depth + 1, start, below(workspace, rest, ARCH + depth, false));
    visit(depth + 1, start + 2 ** (31 - depth), below(workspace, rest, ARCH + depth, true));
  };
  visit(0, 0, pair);
  return [...found.values()];
}

interface Range {
  first: number;
  last: number;
  pair: Pair;
}

/** Maximal ranges of numbers with one pair that differs; x86_64's and x32's numbers apart. */
function ranges(workspace: Workspace, arch: number, pair: Pair): Range[] {
  const made: Range[] = [];
  const ends = arch === auditArch('x86_64') ? [X32_BIT, 2 * X32_BIT] : [];
  const visit = (depth: number, first: number, rest: Pair): void => {
    if (rest.before === rest.after) return;
    const size = 2 ** (32 - depth);
    const decided =
      workspace.variable(rest.before) >= ARGUMENTS && workspace.variable(rest.after) >= ARGUMENTS;
    if (decided && !ends.some((end) => end > first && end < first + size)) {
      const neighbour = made.at(-1);
      if (
        neighbour?.last === first - 1 &&
        !ends.includes(first) &&
        neighbour.pair.before === rest.before &&
        neighbour.pair.after === rest.after
      ) {
        neighbour.last += size;
        return;
      }
      if (made.length === RANGE_LIMIT) throw tooLarge();
      made.push({ first, last: first + size - 1, pair: rest });
      return;
    }
    visit(depth + 1, first, below(workspace, rest, NUMBER + depth, false));
    visit(depth + 1, first + size / 2, below(workspace, rest, NUMBER + depth, true));
  };
  visit(0, 0, pair);
  return made;
}

interface AnswerPair {
  readonly before: number;
  readonly after: number;
  /** The variables that are 1 in a call that gets them. */
  readonly set: readonly number[];
}

/** Every pair of different words, with the variables that are 1 in a call that gets it. */
function answerPairs(workspace: Workspace, pair: Pair): AnswerPair[] {
  const found = new Map<string, AnswerPair>();
  const visited = new Set<string>();
  const set: number[] = [];
  const visit = (rest: Pair): void => {
    const { before, after } = rest;
    if (before === after) return;
    const key = `${before} ${after}`;
    if (visited.has(key)) return;
    visited.add(key);
    const variable = Math.min(workspace.variable(before), workspace.variable(after));
    if (variable === TERMINAL) {
      found.set(key, {
        before: workspace.value(before),
        after: workspace.value(after),
        set: [...set],
      });
      return;
    }
    visit(below(workspace, rest, variable, false));
    set.push(variable);
    visit(below(workspace, rest, variable, true));
    set.pop();
  };
  visit(pair);
  return [...found.values()];
}
