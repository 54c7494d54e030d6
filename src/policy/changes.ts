/** Where two policies differ, sorted into classes that the caller names, with the arguments that matter. */
import { type Abi, abiOfCall } from '../tables';
import { type Answer, answerOfWord } from './answers';
import { type Area, areasOf } from './areas';
import { type Call, callOfBits } from './calls';
import { insert } from './diagram';
import { differing, type Pair } from './differences';
import type { Policy } from './policy';
import { ARCH, NUMBER } from './variables';
import { type Node, TERMINAL, Workspace } from './workspace';

/** One class of change to one number, or to a range of numbers that all change alike. */
export interface Change<Class extends string> {
  readonly class: Class;
  /** null: an architecture that is not in the tables. */
  readonly abi: Abi | null;
  /** AUDIT_ARCH_*; of an architecture not in the tables one example of those that behave alike. */
  readonly arch: number;
  /** The numbers as a filter sees them, the x32 bit included; both ends belong to the range. */
  readonly first: number;
  readonly last: number;
  /** A call of the first number in this class; as few bits set as come first. */
  readonly witness: Call;
  /** Every answer that calls of this class get, the witness's first. */
  readonly before: readonly Answer[];
  readonly after: readonly Answer[];
  /** Which calls are in this class; null: it cannot be put shortly. */
  readonly areas: readonly Area[] | null;
}

interface Found<Class> {
  class: Class;
  set: readonly number[];
  before: Answer[];
  after: Answer[];
  condition: Node;
}

/**
 * By ABI, number, then in the order in which classes are found. `classify`: null for a pair of
 * answers that does not count; it is never asked about two that are equal.
 */
export function changes<Class extends string>(
  before: Policy,
  after: Policy,
  classify: (before: Answer, after: Answer) => Class | null,
): Change<Class>[] {
  const workspace = new Workspace();
  const known = new Map<string, Found<Class>[]>();
  const areas = new Map<string, readonly Area[] | null>();
  return differing(workspace, before, after).flatMap(({ arch, first, last, pair }) => {
    const abi = abiOfCall(arch, first);
    const key = `${pair.before} ${pair.after}`;
    const found = known.get(key) ?? classes(workspace, pair, classify);
    known.set(key, found);
    return found.map(({ condition, set, ...rest }) => {
      const shown = `${condition} ${abi}`;
      if (!areas.has(shown)) areas.set(shown, areasOf(workspace, condition, abi));
      return {
        class: rest.class,
        abi,
        arch,
        first,
        last,
        witness: { ...callOfBits(set), arch, nr: first },
        before: rest.before,
        after: rest.after,
        areas: areas.get(shown) ?? null,
      };
    });
  });
}

function classes<Class extends string>(
  workspace: Workspace,
  pair: Pair,
  classify: (before: Answer, after: Answer) => Class | null,
): Found<Class>[] {
  const words = new Map<string, { before: number; after: number; class: Class | null }>();
  const names: (Class | null)[] = [null];
  const classOf = (x: number, y: number): number => {
    if (x === y) return 0;
    const key = `${x} ${y}`;
    const before = words.get(key);
    const made = before !== undefined ? before.class : classify(answerOfWord(x), answerOfWord(y));
    if (before === undefined) words.set(key, { before: x, after: y, class: made });
    if (made === null) return 0;
    if (!names.includes(made)) names.push(made);
    return names.indexOf(made);
  };
  // Which pair of words a call gets is needed for the answers, which class for everything else.
  const byClass = workspace.apply(pair.before, pair.after, classOf);
  return names.slice(1).map((name, at) => {
    const condition = workspace.map(byClass, (value) => (value === at + 1 ? 1 : 0));
    const set = firstPath(workspace, condition);
    const pairs = [...words.values()].filter((word) => word.class === name);
    const shown = wordsAt(workspace, pair, set);
    pairs.sort((a, b) => Number(!same(a, shown)) - Number(!same(b, shown)));
    return {
      class: name as Class,
      set,
      before: distinct(pairs.map((word) => word.before)),
      after: distinct(pairs.map((word) => word.after)),
      condition,
    };
  });
}

function same(a: { before: number; after: number }, b: { before: number; after: number }): boolean {
  return a.before === b.before && a.after === b.after;
}

function distinct(words: readonly number[]): Answer[] {
  return [...new Set(words)].map(answerOfWord);
}

/** The variables that are 1 on the first way to a call that fulfils the condition. */
function firstPath(workspace: Workspace, condition: Node): number[] {
  const set: number[] = [];
  for (let node = condition; node !== workspace.always; ) {
    const low = workspace.low(node);
    if (low === workspace.never) set.push(workspace.variable(node));
    node = low === workspace.never ? workspace.high(node) : low;
  }
  return set;
}

function wordsAt(workspace: Workspace, pair: Pair, set: readonly number[]) {
  const bits = new Set(set);
  const walk = (start: Node): number => {
    let node = start;
    while (workspace.variable(node) !== TERMINAL) {
      const next = bits.has(workspace.variable(node));
      node = next ? workspace.high(node) : workspace.low(node);
    }
    return workspace.value(node);
  };
  return { before: walk(pair.before), after: walk(pair.after) };
}

/** Which calls of one number get an answer of this kind. `nr`: with the x32 bit. null: see Change. */
export function callsAnswered(
  policy: Policy,
  { arch, nr }: { arch: number; nr: number },
  wanted: (answer: Answer) => boolean,
): readonly Area[] | null {
  const workspace = new Workspace();
  let node = insert(workspace, policy.diagram);
  const fix = (variable: number, value: number): void => {
    for (let bit = 0; bit < 32; bit++) {
      node = workspace.below(node, variable + bit, ((value >>> (31 - bit)) & 1) === 1);
    }
  };
  fix(ARCH, arch);
  fix(NUMBER, nr);
  const condition = workspace.map(node, (word) => (wanted(answerOfWord(word)) ? 1 : 0));
  return areasOf(workspace, condition, abiOfCall(arch, nr));
}

/** Whether a call is in one of the areas: what they mean, for those who want to check it. */
export function inAreas(areas: readonly Area[], call: Call): boolean {
  const word = (index: number): bigint =>
    index === 6 ? (call.instructionPointer ?? 0n) : (call.args?.[index] ?? 0n);
  return areas.some((area) => area.every(({ index, set }) => inSet(set, word(index))));
}

function inSet(set: Area[number]['set'], value: bigint): boolean {
  switch (set.kind) {
    case 'values':
      return set.values.includes(value);
    case 'bits':
      return set.cubes.some((cube) => (value & cube.mask) === cube.value);
    case 'ranges':
      return set.ranges.some(([first, last]) => value >= first && value <= last);
    case 'except':
      return !inSet(set.set, value);
  }
}
