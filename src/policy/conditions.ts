/** Comparisons of an argument with a constant, as libseccomp compiles them for an ABI. */
import { argumentVariable } from './variables';
import type { Node, Workspace } from './workspace';

export type Operator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ';

export interface Condition {
  readonly index: number;
  readonly op: Operator;
  /** The mask under SCMP_CMP_MASKED_EQ, otherwise what the argument is compared with. */
  readonly value: bigint;
  /** What the masked argument equals under SCMP_CMP_MASKED_EQ; unused otherwise. */
  readonly valueTwo: bigint;
}

/** Bits of an argument that libseccomp looks at. */
export type Width = 32 | 64;

const ALL = 0xffff_ffff_ffff_ffffn;

/**
 * The condition in libseccomp's own form: of a value (and a mask) the bits beyond the ABI's width
 * are dropped, and a datum's bits outside the mask as well (db.c, _db_node_mask_fixup).
 */
export interface Comparison {
  readonly index: number;
  readonly op: Operator;
  readonly mask: bigint;
  readonly datum: bigint;
}

/** null: the condition always holds, and libseccomp leaves it out. */
export function comparison(condition: Condition, width: Width): Comparison | null {
  const masked = condition.op === 'SCMP_CMP_MASKED_EQ';
  const mask = BigInt.asUintN(width, masked ? condition.value : ALL);
  const datum = BigInt.asUintN(width, masked ? condition.valueTwo : condition.value) & mask;
  return mask === 0n ? null : { index: condition.index, op: condition.op, mask, datum };
}

export function comparisonNode(workspace: Workspace, { index, op, mask, datum }: Comparison): Node {
  const last = argumentVariable(index) + 63;
  const { never, always } = workspace;
  // From the least significant bit up: what the bits below decide is `rest`.
  const fold = (start: Node, step: (variable: number, bit: boolean, rest: Node) => Node): Node => {
    let rest = start;
    for (let half = 0; half < 2; half++) {
      const masked = Number(BigInt.asUintN(32, mask >> BigInt(32 * half)));
      const wanted = Number(BigInt.asUintN(32, datum >> BigInt(32 * half)));
      for (let bit = 0; masked !== 0 && bit < 32; bit++) {
        if (((masked >>> bit) & 1) === 0) continue;
        rest = step(last - 32 * half - bit, ((wanted >>> bit) & 1) === 1, rest);
      }
    }
    return rest;
  };
  const above = (start: Node): Node =>
    fold(start, (variable, bit, rest) =>
      bit ? workspace.node(variable, never, rest) : workspace.node(variable, rest, always),
    );
  const equals = (): Node =>
    fold(always, (variable, bit, rest) =>
      bit ? workspace.node(variable, never, rest) : workspace.node(variable, rest, never),
    );
  switch (op) {
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ':
      return equals();
    case 'SCMP_CMP_NE':
      return workspace.not(equals());
    case 'SCMP_CMP_GT':
      return above(never);
    case 'SCMP_CMP_GE':
      return above(always);
    case 'SCMP_CMP_LE':
      return workspace.not(above(never));
    case 'SCMP_CMP_LT':
      return workspace.not(above(always));
  }
}
