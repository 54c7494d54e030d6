/**
 * The variables of a diagram: the bits of struct seccomp_data, the most significant bit of each
 * field first, in the order architecture, number, arguments, instruction pointer. Architecture and
 * number come first, so that what an ABI or a number means is one node.
 */

export const ARCH = 0;
export const NUMBER = 32;
export const ARGUMENTS = 64;
export const INSTRUCTION_POINTER = ARGUMENTS + 6 * 64;
export const VARIABLES = INSTRUCTION_POINTER + 64;

/** Where an argument's most significant bit is. */
export function argumentVariable(index: number): number {
  return ARGUMENTS + 64 * index;
}

/** Offset in struct seccomp_data → the variable of the word's most significant bit; little-endian. */
export function wordVariable(offset: number): number {
  if (offset === 0) return NUMBER;
  if (offset === 4) return ARCH;
  const field = offset < 16 ? INSTRUCTION_POINTER : argumentVariable((offset - 16) >> 3);
  return (offset & 4) === 0 ? field + 32 : field;
}
