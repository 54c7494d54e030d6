/** 32-bit arithmetic on words whose bits are conditions: exact, whatever the bits depend on. */
import type { AluOperation, Comparing } from './bpf';
import type { Node, Workspace } from './workspace';

/** 32 conditions, the least significant bit first. */
export type Word = readonly Node[];

const BITS = Array.from({ length: 32 }, (_, bit) => bit);

export function constant(workspace: Workspace, value: number): Word {
  return BITS.map((bit) => (((value >>> bit) & 1) === 1 ? workspace.always : workspace.never));
}

/** The word of seccomp_data whose most significant bit has this variable. */
export function loaded(workspace: Workspace, variable: number): Word {
  return BITS.map((bit) => workspace.bit(variable + 31 - bit));
}

export function compare(workspace: Workspace, a: Word, comparing: Comparing, b: Word): Node {
  const { never, always } = workspace;
  switch (comparing) {
    case 'JEQ':
      return pairs(a, b).reduce(
        (rest, [x, y]) =>
          workspace.choose(x, workspace.and(y, rest), workspace.choose(y, never, rest)),
        always,
      );
    case 'JGT':
      return above(workspace, a, b, never);
    case 'JGE':
      return above(workspace, a, b, always);
    case 'JSET':
      return pairs(a, b).reduce(
        (rest, [x, y]) => workspace.choose(workspace.and(x, y), always, rest),
        never,
      );
  }
}

function pairs(a: Word, b: Word): [Node, Node][] {
  return BITS.map((bit) => [a[bit] as Node, b[bit] as Node]);
}

/** a > b, and `tie` where they are equal; unsigned. */
function above(workspace: Workspace, a: Word, b: Word, tie: Node): Node {
  const { never, always } = workspace;
  return pairs(a, b).reduce(
    (rest, [x, y]) =>
      workspace.choose(x, workspace.choose(y, rest, always), workspace.choose(y, never, rest)),
    tie,
  );
}

/** DIV: of a divisor that is not 0 (programs.ts answers 0 for that). */
export function calculate(workspace: Workspace, operation: AluOperation, a: Word, b: Word): Word {
  switch (operation) {
    case 'AND':
      return pairs(a, b).map(([x, y]) => workspace.and(x, y));
    case 'OR':
      return pairs(a, b).map(([x, y]) => workspace.or(x, y));
    case 'XOR':
      return pairs(a, b).map(([x, y]) => workspace.xor(x, y));
    case 'ADD':
      return sum(workspace, a, b, workspace.never).word;
    case 'SUB':
      return difference(workspace, a, b).word;
    case 'NEG':
      return difference(workspace, constant(workspace, 0), a).word;
    case 'LSH':
      return shift(workspace, a, b, (word, by) => moved(workspace, word, by));
    case 'RSH':
      return shift(workspace, a, b, (word, by) => moved(workspace, word, -by));
    case 'MUL':
      return BITS.reduce<Word>(
        (total, bit) => {
          const part = moved(workspace, a, bit).map((x) => workspace.and(x, b[bit] as Node));
          return sum(workspace, total, part, workspace.never).word;
        },
        constant(workspace, 0),
      );
    case 'DIV':
      return quotient(workspace, a, b);
  }
}

function sum(workspace: Workspace, a: Word, b: Word, carryIn: Node): { word: Word; carry: Node } {
  let carry = carryIn;
  const word = pairs(a, b).map(([x, y]) => {
    const half = workspace.xor(x, y);
    const bit = workspace.xor(half, carry);
    carry = workspace.choose(half, carry, x);
    return bit;
  });
  return { word, carry };
}

/** `carry`: a >= b. */
function difference(workspace: Workspace, a: Word, b: Word): { word: Word; carry: Node } {
  return sum(
    workspace,
    a,
    b.map((y) => workspace.not(y)),
    workspace.always,
  );
}

/** Up by `by` places; down where it is negative. */
function moved(workspace: Workspace, word: Word, by: number): Word {
  return BITS.map((bit) => word[bit - by] ?? workspace.never);
}

/** The kernel shifts by the low five bits of the index register. */
function shift(
  workspace: Workspace,
  a: Word,
  b: Word,
  move: (word: Word, by: number) => Word,
): Word {
  return [0, 1, 2, 3, 4].reduce<Word>((word, bit) => {
    const further = move(word, 1 << bit);
    return pairs(further, word).map(([x, y]) => workspace.choose(b[bit] as Node, x, y));
  }, a);
}

/** Long division: the remainder never outgrows 32 bits before a bit is shifted in. */
function quotient(workspace: Workspace, a: Word, b: Word): Word {
  const bits = [...constant(workspace, 0)];
  let rest: Word = constant(workspace, 0);
  for (let bit = 31; bit >= 0; bit--) {
    const overflow = rest[31] as Node;
    const next = [a[bit] as Node, ...rest.slice(0, 31)];
    const { word: less, carry } = difference(workspace, next, b);
    const fits = workspace.or(overflow, carry);
    bits[bit] = fits;
    rest = pairs(less, next).map(([x, y]) => workspace.choose(fits, x, y));
  }
  return bits;
}
