/** Sets of calls of one number as conditions on each argument, to be shown to people. Exact. */
import type { Abi } from '../tables';
import { ARGUMENTS, argumentVariable, INSTRUCTION_POINTER } from './variables';
import { type Node, TERMINAL, type Workspace } from './workspace';

/** A set of 64-bit values; `ranges` ascending, both ends belong to them. */
export type WordSet =
  | { readonly kind: 'values'; readonly values: readonly bigint[] }
  /** One of the cubes holds: value & mask == cube.value. */
  | { readonly kind: 'bits'; readonly cubes: readonly { mask: bigint; value: bigint }[] }
  | { readonly kind: 'ranges'; readonly ranges: readonly (readonly [bigint, bigint])[] }
  | { readonly kind: 'except'; readonly set: WordSet };

/**
 * All of them hold; indexes ascending, each once: those of the arguments, and 6 for the instruction
 * pointer. Empty: every call of the number.
 */
export type Area = readonly { readonly index: number; readonly set: WordSet }[];

const AREA_LIMIT = 64;
const VALUE_LIMIT = 64n;
const PART_LIMIT = 16;

/**
 * The calls where `condition`, over the arguments and the instruction pointer, holds: in one of the
 * areas, which do not overlap. null: there are too many, or the values of one cannot be put shortly.
 */
export function areasOf(workspace: Workspace, condition: Node, abi: Abi | null): Area[] | null {
  try {
    const width = hasNarrowRegisters(workspace, condition, abi) ? 32 : 64;
    return new Describing(workspace, width).areas(condition, [0]);
  } catch (thrown) {
    if (thrown instanceof TooLong) return null;
    throw thrown;
  }
}

class TooLong extends Error {}

/** Registers have 32 bits, and no answer depends on more: values are shown with 32. */
function hasNarrowRegisters(workspace: Workspace, condition: Node, abi: Abi | null): boolean {
  if (abi !== 'i386' && abi !== 'arm' && abi !== 'x32') return false;
  const seen = new Set<Node>();
  const isNarrow = (node: Node): boolean => {
    const variable = workspace.variable(node);
    if (seen.has(node) || variable === TERMINAL) return true;
    seen.add(node);
    const upper = variable < INSTRUCTION_POINTER && (variable - ARGUMENTS) % 64 < 32;
    return (
      !upper &&
      variable < INSTRUCTION_POINTER &&
      isNarrow(workspace.low(node)) &&
      isNarrow(workspace.high(node))
    );
  };
  return isNarrow(condition);
}

class Describing {
  constructor(
    private readonly workspace: Workspace,
    /** Bits of a word. */
    private readonly width: 32 | 64,
  ) {}

  areas(condition: Node, made: [count: number]): Area[] {
    const { workspace } = this;
    if (condition === workspace.never) return [];
    if (condition === workspace.always) {
      made[0] += 1;
      if (made[0] > AREA_LIMIT) throw new TooLong();
      return [[]];
    }
    const index = (workspace.variable(condition) - ARGUMENTS) >> 6;
    const first = argumentVariable(index) + 64 - this.width;
    const end = first + this.width;
    return this.residues(condition, end).flatMap((residue) => {
      const set = this.wordSet(this.leadingTo(condition, residue, end), first);
      return this.areas(residue, made).map((rest) => [{ index, set }, ...rest]);
    });
  }

  /** What the condition can become once the word that ends before `end` is known; but `never`. */
  private residues(condition: Node, end: number): Node[] {
    const { workspace } = this;
    const found = new Set<Node>();
    const seen = new Set<Node>();
    const visit = (node: Node): void => {
      if (node === workspace.never || seen.has(node)) return;
      seen.add(node);
      if (workspace.variable(node) >= end) {
        found.add(node);
        if (found.size > AREA_LIMIT) throw new TooLong();
        return;
      }
      visit(workspace.low(node));
      visit(workspace.high(node));
    };
    visit(condition);
    return [...found];
  }

  private leadingTo(condition: Node, residue: Node, end: number): Node {
    const { workspace } = this;
    const known = new Map<Node, Node>();
    const visit = (node: Node): Node => {
      if (node === residue) return workspace.always;
      if (workspace.variable(node) >= end) return workspace.never;
      const before = known.get(node);
      if (before !== undefined) return before;
      const made = workspace.node(
        workspace.variable(node),
        visit(workspace.low(node)),
        visit(workspace.high(node)),
      );
      known.set(node, made);
      return made;
    };
    return visit(condition);
  }

  /** The shortest way to say it: single values, fixed bits, ranges, or all but one of those. */
  private wordSet(node: Node, first: number): WordSet {
    const { workspace } = this;
    const inverse = workspace.not(node);
    const values = this.values(node, first);
    if (values !== null && values.length <= PART_LIMIT) return { kind: 'values', values };
    const others = this.values(inverse, first);
    if (others !== null) return { kind: 'except', set: { kind: 'values', values: others } };
    const candidates: { set: WordSet; length: number }[] = [];
    const ranges = this.ranges(node, first);
    if (ranges !== null)
      candidates.push({ set: { kind: 'ranges', ranges }, length: ranges.length });
    const cubes = this.cubes(node, first);
    if (cubes !== null) candidates.push({ set: { kind: 'bits', cubes }, length: cubes.length });
    const outside = this.cubes(inverse, first);
    if (outside !== null) {
      const set: WordSet = { kind: 'except', set: { kind: 'bits', cubes: outside } };
      candidates.push({ set, length: outside.length });
    }
    candidates.sort((a, b) => a.length - b.length);
    const [shortest] = candidates;
    if (shortest !== undefined) return shortest.set;
    if (values !== null) return { kind: 'values', values };
    throw new TooLong();
  }

  /** null: more than VALUE_LIMIT. */
  private values(node: Node, first: number): bigint[] | null {
    if (this.count(node, first) > VALUE_LIMIT) return null;
    const values: bigint[] = [];
    for (const { mask, value } of this.paths(node, first)) {
      const free = ~mask & ((1n << BigInt(this.width)) - 1n);
      // Every subset of the free bits, ascending.
      for (let part = 0n; ; part = (part - free) & free) {
        values.push(value | part);
        if (part === free) break;
      }
    }
    return values.sort((a, b) => (a < b ? -1 : 1));
  }

  private count(node: Node, first: number): bigint {
    const { workspace } = this;
    const known = new Map<Node, bigint>();
    const end = first + this.width;
    const level = (at: Node): number => Math.min(workspace.variable(at), end);
    // Of the values of the bits from the node's own on.
    const visit = (at: Node): bigint => {
      if (at === workspace.never) return 0n;
      if (at === workspace.always) return 1n;
      const before = known.get(at);
      if (before !== undefined) return before;
      const of = (child: Node): bigint =>
        visit(child) << BigInt(level(child) - workspace.variable(at) - 1);
      const made = of(workspace.low(at)) + of(workspace.high(at));
      known.set(at, made);
      return made;
    };
    return visit(node) << BigInt(level(node) - first);
  }

  private *paths(node: Node, first: number): Generator<{ mask: bigint; value: bigint }> {
    const { workspace } = this;
    if (node === workspace.never) return;
    if (node === workspace.always) {
      yield { mask: 0n, value: 0n };
      return;
    }
    const bit = 1n << BigInt(this.width - 1 - (workspace.variable(node) - first));
    for (const path of this.paths(workspace.low(node), first)) {
      yield { mask: path.mask | bit, value: path.value };
    }
    for (const path of this.paths(workspace.high(node), first)) {
      yield { mask: path.mask | bit, value: path.value | bit };
    }
  }

  private cubes(node: Node, first: number): { mask: bigint; value: bigint }[] | null {
    const cubes: { mask: bigint; value: bigint }[] = [];
    for (const path of this.paths(node, first)) {
      if (cubes.push(path) > PART_LIMIT) return null;
    }
    return cubes;
  }

  private ranges(node: Node, first: number): [bigint, bigint][] | null {
    const { workspace } = this;
    const ranges: [bigint, bigint][] = [];
    const visit = (at: Node, depth: number, start: bigint): boolean => {
      if (at === workspace.never) return true;
      const size = 1n << BigInt(this.width - depth);
      if (at === workspace.always) {
        const last = ranges.at(-1);
        if (last !== undefined && last[1] === start - 1n) last[1] = start + size - 1n;
        else ranges.push([start, start + size - 1n]);
        return ranges.length <= PART_LIMIT;
      }
      const variable = first + depth;
      return (
        visit(workspace.below(at, variable, false), depth + 1, start) &&
        visit(workspace.below(at, variable, true), depth + 1, start + size / 2n)
      );
    };
    return visit(node, 0, 0n) ? ranges : null;
  }
}
