/**
 * Sets of argument values as OCI can say them: a cube fixes some bits of some arguments. One cube
 * becomes one entry, an argument once in it, so that runc (which makes an entry with a repeated
 * index a list of alternatives) and crun (which reads six conditions) agree.
 */
import type { Condition } from '../profile';

export interface Bits {
  readonly index: number;
  readonly mask: bigint;
  /** Within the mask. */
  readonly value: bigint;
}
/** All of them hold; indexes ascending, each once. No bits: every call. */
export type Cube = readonly Bits[];

export const INT = 0xffff_ffffn;
export const WORD = 0xffff_ffff_ffff_ffffn;

export function cubeKey(cube: Cube): string {
  return cube.map(({ index, mask, value }) => `${index}&${mask}=${value}`).join(' ');
}

/** Every call of `inner` is one of `outer`. */
export function holds(outer: Cube, inner: Cube): boolean {
  return outer.every(({ index, mask, value }) => {
    const own = inner.find((bits) => bits.index === index);
    return own !== undefined && (own.mask & mask) === mask && (own.value & mask) === value;
  });
}

export function conditionsOf(cube: Cube): Condition[] {
  return cube.map(({ index, mask, value }) =>
    mask === WORD
      ? { index, op: 'SCMP_CMP_EQ', value, valueTwo: 0n }
      : { index, op: 'SCMP_CMP_MASKED_EQ', value: mask, valueTwo: value },
  );
}

/** The cube an entry's conditions are; null: they are of another kind. */
export function cubeOf(args: readonly Condition[]): Cube | null {
  const cube = args.flatMap(({ index, op, value, valueTwo }): Bits[] => {
    if (op === 'SCMP_CMP_EQ') return [{ index, mask: WORD, value }];
    if (op === 'SCMP_CMP_MASKED_EQ') return [{ index, mask: value, value: valueTwo & value }];
    return [];
  });
  const indexes = new Set(cube.map(({ index }) => index));
  if (cube.length !== args.length || indexes.size !== cube.length) return null;
  return cube.sort((a, b) => a.index - b.index);
}

export function compareCubes(a: Cube, b: Cube): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const left = a[at];
    const right = b[at];
    if (left === undefined || right === undefined) return a.length - b.length;
    const order =
      left.index - right.index ||
      Number(left.mask > right.mask) - Number(left.mask < right.mask) ||
      Number(left.value > right.value) - Number(left.value < right.value);
    if (order !== 0) return order;
  }
  return 0;
}
