/**
 * Classic BPF as seccomp takes it: decoding, and the checks a kernel makes before it installs a
 * program (net/core/filter.c, bpf_check_classic; kernel/seccomp.c, seccomp_check_filter).
 */
import { SysieveError } from '../errors';

/** struct sock_filter */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export const INSTRUCTION_BYTES = 8;
const MAX_INSTRUCTIONS = 4096;
export const DATA_BYTES = 64;
export const MEMORY_WORDS = 16;

export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, RET: 6, MISC: 7 } as const;
const MODE = { IMM: 0x00, ABS: 0x20, MEM: 0x60, LEN: 0x80 } as const;
const FROM_X = 0x08;

const LOAD = {
  absolute: CLASS.LD | MODE.ABS,
  immediate: CLASS.LD | MODE.IMM,
  memory: CLASS.LD | MODE.MEM,
  length: CLASS.LD | MODE.LEN,
  xImmediate: CLASS.LDX | MODE.IMM,
  xMemory: CLASS.LDX | MODE.MEM,
  xLength: CLASS.LDX | MODE.LEN,
} as const;

/** Operations of ALU, in the code's high four bits; seccomp takes no MOD. */
export const ALU_OPERATIONS = {
  0: 'ADD',
  16: 'SUB',
  32: 'MUL',
  48: 'DIV',
  64: 'OR',
  80: 'AND',
  96: 'LSH',
  112: 'RSH',
  128: 'NEG',
  160: 'XOR',
} as const;
export type AluOperation = (typeof ALU_OPERATIONS)[keyof typeof ALU_OPERATIONS];

export const JUMP_OPERATIONS = {
  0: 'JA',
  16: 'JEQ',
  32: 'JGT',
  48: 'JGE',
  64: 'JSET',
} as const;
export type Comparing = Exclude<(typeof JUMP_OPERATIONS)[keyof typeof JUMP_OPERATIONS], 'JA'>;

/** An instruction by what it does. `operand`: a constant, or 'x' for the index register. */
export type Operation =
  | { readonly kind: 'load'; readonly to: 'a' | 'x'; readonly offset: number }
  | { readonly kind: 'set'; readonly to: 'a' | 'x'; readonly value: number }
  | { readonly kind: 'recall'; readonly to: 'a' | 'x'; readonly word: number }
  | { readonly kind: 'store'; readonly from: 'a' | 'x'; readonly word: number }
  | { readonly kind: 'copy'; readonly to: 'a' | 'x' }
  | { readonly kind: 'alu'; readonly operation: AluOperation; readonly operand: number | 'x' }
  | {
      readonly kind: 'branch';
      readonly comparing: Comparing;
      readonly operand: number | 'x';
      /** Places in the program. */
      readonly yes: number;
      readonly no: number;
    }
  | { readonly kind: 'jump'; readonly to: number }
  /** null: the accumulator. */
  | { readonly kind: 'return'; readonly value: number | null };

/** `name` says which program in messages. Throws for every program that the kernel refuses. */
export function decode(bytes: Uint8Array, name: string): Operation[] {
  const count = bytes.length / INSTRUCTION_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MAX_INSTRUCTIONS) {
    throw invalid(
      `${name}: ${bytes.length} bytes are no program of 1 to ${MAX_INSTRUCTIONS} instructions ` +
        `of ${INSTRUCTION_BYTES} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const operations: Operation[] = [];
  for (let at = 0; at < count; at++) {
    const offset = at * INSTRUCTION_BYTES;
    const instruction = {
      code: view.getUint16(offset, true),
      jt: view.getUint8(offset + 2),
      jf: view.getUint8(offset + 3),
      k: view.getUint32(offset + 4, true),
    };
    operations.push(operationOf(instruction, at, count, name));
  }
  if (operations.at(-1)?.kind !== 'return') {
    throw invalid(`${at(name, count - 1)}: the last instruction is no return`);
  }
  checkMemory(operations, name);
  return operations;
}

export function at(name: string, place: number): string {
  return `${name}, instruction ${place}`;
}

function invalid(message: string): SysieveError {
  return new SysieveError('input', 'filter-invalid', message, {
    cause: 'the kernel does not take such a filter',
    remedy: 'Give classic BPF as seccomp(2) takes it: struct sock_filter, little-endian.',
  });
}

function operationOf(
  instruction: Instruction,
  place: number,
  count: number,
  name: string,
): Operation {
  const { code, k } = instruction;
  const refuse = (why: string): SysieveError => {
    const shown = `code 0x${code.toString(16).padStart(2, '0')}, k 0x${k.toString(16)}`;
    return invalid(`${at(name, place)} (${shown}): ${why}`);
  };
  const word = (): number => {
    if (k >= MEMORY_WORDS) throw refuse(`there are ${MEMORY_WORDS} words of scratch memory`);
    return k;
  };
  switch (code) {
    case LOAD.absolute:
      if (k >= DATA_BYTES || k % 4 !== 0) throw refuse('the offset is no word of seccomp_data');
      return { kind: 'load', to: 'a', offset: k };
    case LOAD.immediate:
      return { kind: 'set', to: 'a', value: k };
    case LOAD.xImmediate:
      return { kind: 'set', to: 'x', value: k };
    case LOAD.length:
      return { kind: 'set', to: 'a', value: DATA_BYTES };
    case LOAD.xLength:
      return { kind: 'set', to: 'x', value: DATA_BYTES };
    case LOAD.memory:
      return { kind: 'recall', to: 'a', word: word() };
    case LOAD.xMemory:
      return { kind: 'recall', to: 'x', word: word() };
    case CLASS.ST:
      return { kind: 'store', from: 'a', word: word() };
    case CLASS.STX:
      return { kind: 'store', from: 'x', word: word() };
    case CLASS.RET:
      return { kind: 'return', value: k };
    case CLASS.RET | 0x10:
      return { kind: 'return', value: null };
    case CLASS.MISC:
      return { kind: 'copy', to: 'x' };
    case CLASS.MISC | 0x80:
      return { kind: 'copy', to: 'a' };
  }
  const operand = (code & FROM_X) !== 0 ? 'x' : k;
  if ((code & ~0xf8) === CLASS.ALU) {
    const operation = ALU_OPERATIONS[(code & 0xf0) as keyof typeof ALU_OPERATIONS];
    if (operation === undefined || (operation === 'NEG' && operand === 'x')) {
      throw refuse('seccomp has no such operation');
    }
    if (operation === 'DIV' && operand === 0) throw refuse('it divides by 0');
    if ((operation === 'LSH' || operation === 'RSH') && operand !== 'x' && operand >= 32) {
      throw refuse('it shifts by more than 31');
    }
    return { kind: 'alu', operation, operand };
  }
  if ((code & ~0xf8) === CLASS.JMP) {
    const operation = JUMP_OPERATIONS[(code & 0xf0) as keyof typeof JUMP_OPERATIONS];
    const target = (distance: number): number => {
      if (place + 1 + distance >= count) throw refuse('it jumps behind the end');
      return place + 1 + distance;
    };
    if (operation === undefined || (operation === 'JA' && operand === 'x')) {
      throw refuse('seccomp has no such jump');
    }
    if (operation === 'JA') return { kind: 'jump', to: target(k) };
    const { jt, jf } = instruction;
    return { kind: 'branch', comparing: operation, operand, yes: target(jt), no: target(jf) };
  }
  throw refuse('seccomp has no such instruction');
}

export function successors(operation: Operation, place: number): number[] {
  switch (operation.kind) {
    case 'return':
      return [];
    case 'jump':
      return [operation.to];
    case 'branch':
      return [operation.yes, operation.no];
    default:
      return [place + 1];
  }
}

/** A word of memory may only be read where every way there has written it (check_load_and_stores). */
function checkMemory(operations: readonly Operation[], name: string): void {
  const written = new Uint32Array(operations.length).fill(0xffffffff);
  written[0] = 0;
  operations.forEach((operation, place) => {
    let here = written[place] as number;
    if (operation.kind === 'recall' && (here & (1 << operation.word)) === 0) {
      throw invalid(`${at(name, place)}: memory word ${operation.word} may not be written yet`);
    }
    if (operation.kind === 'store') here |= 1 << operation.word;
    // The kernel's check walks on over a return.
    const next = operation.kind === 'return' ? [place + 1] : successors(operation, place);
    for (const following of next) {
      if (following < written.length) written[following] = (written[following] as number) & here;
    }
  });
}
