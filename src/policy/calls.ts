/** Calls as bits of struct seccomp_data, and the regions of calls that are asked about. */
import { type Abi, auditArch, X32_BIT } from '../tables';
import {
  ARCH,
  ARGUMENTS,
  argumentVariable,
  INSTRUCTION_POINTER,
  NUMBER,
  VARIABLES,
} from './variables';

/** As the kernel's struct seccomp_data. Missing arguments and a missing instruction pointer are 0. */
export interface Call {
  /** AUDIT_ARCH_* */
  arch: number;
  /** u32, the x32 bit included. */
  nr: number;
  instructionPointer?: bigint;
  args?: readonly bigint[];
}

/** Calls of one number whose arguments fulfil every constraint: arg & mask == value. */
export interface Region {
  abi: Abi;
  /** Without the x32 bit. */
  number: number;
  constraints: readonly { index: number; mask: bigint; value: bigint }[];
}

/** struct seccomp_data as words of 32 variables each, the first variable the most significant bit. */
export function wordsOfCall(call: Call): Uint32Array {
  const words = new Uint32Array(VARIABLES / 32);
  words[ARCH / 32] = call.arch;
  words[NUMBER / 32] = call.nr;
  const write = (variable: number, value: bigint): void => {
    if (value === 0n) return;
    words[variable / 32] = Number((value >> 32n) & LOW);
    words[variable / 32 + 1] = Number(value & LOW);
  };
  const { args, instructionPointer } = call;
  if (args !== undefined) {
    for (let index = 0; index < Math.min(args.length, 6); index++) {
      write(argumentVariable(index), args[index] as bigint);
    }
  }
  if (instructionPointer !== undefined) write(INSTRUCTION_POINTER, instructionPointer);
  return words;
}

const LOW = 0xffffffffn;

/** `set`: the variables that are 1; all others are 0. */
export function callOfBits(set: Iterable<number>): Call {
  let arch = 0;
  let nr = 0;
  let instructionPointer = 0n;
  const args = [0n, 0n, 0n, 0n, 0n, 0n];
  for (const variable of set) {
    if (variable < NUMBER) arch |= 1 << (31 - variable);
    else if (variable < ARGUMENTS) nr |= 1 << (31 - (variable - NUMBER));
    else if (variable >= INSTRUCTION_POINTER) {
      instructionPointer |= 1n << BigInt(63 - (variable - INSTRUCTION_POINTER));
    } else {
      const index = (variable - ARGUMENTS) >> 6;
      args[index] = (args[index] as bigint) | (1n << BigInt(63 - ((variable - ARGUMENTS) & 63)));
    }
  }
  return { arch: arch >>> 0, nr: nr >>> 0, instructionPointer, args };
}

/** null: the constraints contradict each other. Otherwise 0 or 1 by variable; 2: free. */
export function bitsOfRegion(region: Region): Uint8Array | null {
  const bits = new Uint8Array(VARIABLES).fill(2);
  const nr = region.abi === 'x32' ? (region.number | X32_BIT) >>> 0 : region.number >>> 0;
  const fix = (variable: number, width: number, mask: bigint, value: bigint): boolean => {
    for (let bit = 0; bit < width; bit++) {
      const wanted = Number((value >> BigInt(bit)) & 1n);
      const at = variable + width - 1 - bit;
      if (((mask >> BigInt(bit)) & 1n) === 0n) {
        // A value with a bit outside the mask is never reached.
        if (wanted === 1) return false;
      } else {
        if (bits[at] === 1 - wanted) return false;
        bits[at] = wanted;
      }
    }
    return true;
  };
  const all = (1n << 32n) - 1n;
  const possible =
    fix(ARCH, 32, all, BigInt(auditArch(region.abi))) &&
    fix(NUMBER, 32, all, BigInt(nr)) &&
    region.constraints.every(({ index, mask, value }) =>
      fix(argumentVariable(index), 64, mask, value),
    );
  return possible ? bits : null;
}
