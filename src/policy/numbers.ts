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

/** `fallback` but for the given values. */
export function piecesOf(fallback: Node, nodes: ReadonlyMap<number, Node>): Piece[] {
  const made: Piece[] = [];
  const from = (first: number, node: Node): void => {
    if (made.at(-1)?.first === first) made.pop();
    if (made.at(-1)?.node !== node) made.push({ first, node });
  };
  from(0, fallback);
  for (const [value, node] of [...nodes].sort(([a], [b]) => a - b)) {
    from(value, node);
    if (value < LAST) from(value + 1, fallback);
  }
  return made;
}

/** `node` from `first` to `last`, both included; what was there before elsewhere. */
export function overlay(
  pieces: readonly Piece[],
  first: number,
  last: number,
  node: Node,
): readonly Piece[] {
  if (first > last) return pieces;
  const behind = pieces.filter((piece) => piece.first <= last + 1).at(-1) as Piece;
  return [
    ...pieces.filter((piece) => piece.first < first),
    { first, node },
    ...(last < LAST ? [{ first: last + 1, node: behind.node }] : []),
    ...pieces.filter((piece) => piece.first > last + 1),
  ];
}
