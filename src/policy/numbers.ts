/** Functions of the 32 bits of the architecture or the number, made from ranges. */
import type { Node, Workspace } from './workspace';

/** The largest u32. */
export const LAST = 0xffffffff;

/** From `first` up to the next piece's; the first piece starts at 0, in ascending order. */
export interface Piece {
  readonly first: number;
  readonly node: Node;
}

/** `variable`: the most significant of the 32 bits. */
export function piecewise(workspace: Workspace, variable: number, pieces: readonly Piece[]): Node {
  // The pieces from..to - 1 are those that overlap the 2^(32 - depth) values from `start` on.
  const visit = (depth: number, start: number, from: number, to: number): Node => {
    if (to - from === 1) return (pieces[from] as Piece).node;
    const middle = start + 2 ** (31 - depth);
    let cut = from;
    for (let end = to; cut < end; ) {
      const probe = (cut + end) >> 1;
      if ((pieces[probe] as Piece).first < middle) cut = probe + 1;
      else end = probe;
    }
    const upper = cut < to && (pieces[cut] as Piece).first === middle ? cut : cut - 1;
    const low = visit(depth + 1, start, from, cut);
    return workspace.node(variable + depth, low, visit(depth + 1, middle, upper, to));
  };
  return visit(0, 0, 0, pieces.length);
}

/** `fallback` but for the given values; of a value in several maps the last one's node. */
export function piecesOf(fallback: Node, maps: readonly ReadonlyMap<number, Node>[]): Piece[] {
  const nodes = maps.length === 1 ? (maps[0] as ReadonlyMap<number, Node>) : merged(maps);
  // Unsigned, and sorted as numbers without a function that compares.
  const values = Float64Array.from(nodes.keys()).sort();
  const made: Piece[] = [];
  let last: Node | undefined;
  const from = (first: number, node: Node): void => {
    if (node !== last) made.push({ first, node });
    last = node;
  };
  /** The first value behind those that have been placed. */
  let next = 0;
  for (const value of values) {
    if (value > next) from(next, fallback);
    from(value, nodes.get(value) as Node);
    next = value + 1;
  }
  if (next <= LAST) from(next, fallback);
  return made;
}

function merged(maps: readonly ReadonlyMap<number, Node>[]): ReadonlyMap<number, Node> {
  const all = new Map<number, Node>();
  for (const map of maps) for (const [value, node] of map) all.set(value, node);
  return all;
}

/** How many of the pieces start below `value`. */
function below(pieces: readonly Piece[], value: number): number {
  let low = 0;
  for (let high = pieces.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((pieces[middle] as Piece).first < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `node` from `first` to `last`, both included; what was there before elsewhere. */
export function overlay(
  pieces: readonly Piece[],
  first: number,
  last: number,
  node: Node,
): readonly Piece[] {
  if (first > last) return pieces;
  const end = below(pieces, last + 2);
  const behind = pieces[end - 1] as Piece;
  const made = pieces.slice(0, below(pieces, first));
  made.push({ first, node });
  if (last < LAST) made.push({ first: last + 1, node: behind.node });
  return made.concat(pieces.slice(end));
}
