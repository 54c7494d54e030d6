/** Runs a compiled filter on one call, as the kernel would: what does it answer? */

import { BPF, DATA, INSTRUCTION_BYTES } from './constants';

export interface FilterCall {
  /** AUDIT_ARCH_* */
  arch: number;
  nr: number;
  instructionPointer?: bigint;
  /** Missing ones are 0. */
  args?: readonly bigint[];
}

export interface Answer {
  /** SECCOMP_RET_* with its data in the low 16 bits. */
  action: number;
  /** Whether the answer was reached by looking at an argument or the instruction pointer. */
  readsArguments: boolean;
  /** Executed until then. */
  instructions: number;
}

const DATA_BYTES = 64;

export function evaluate(program: Buffer, call: FilterCall): Answer {
  const data = seccompData(call);
  let accumulator = 0;
  let readsArguments = false;
  let instructions = 0;
  for (let at = 0; at < program.length; at += INSTRUCTION_BYTES) {
    const code = program.readUInt16LE(at);
    const k = program.readUInt32LE(at + 4);
    instructions++;
    const jump = (holds: boolean): void => {
      at += INSTRUCTION_BYTES * program.readUInt8(at + (holds ? 2 : 3));
    };
    switch (code) {
      case BPF.LOAD_WORD:
        accumulator = data.readUInt32LE(k);
        readsArguments ||= k >= DATA.instructionPointer;
        break;
      case BPF.AND:
        accumulator = (accumulator & k) >>> 0;
        break;
      case BPF.JUMP:
        at += INSTRUCTION_BYTES * k;
        break;
      case BPF.JUMP_EQUAL:
        jump(accumulator === k);
        break;
      case BPF.JUMP_GREATER:
        jump(accumulator > k);
        break;
      case BPF.JUMP_GREATER_EQUAL:
        jump(accumulator >= k);
        break;
      case BPF.JUMP_BITS_SET:
        jump((accumulator & k) !== 0);
        break;
      case BPF.RETURN:
        return { action: k, readsArguments, instructions };
      default:
        throw new Error(`filter instruction ${at / INSTRUCTION_BYTES} is not one libseccomp emits`);
    }
  }
  throw new Error('filter ends without an answer');
}

function seccompData(call: FilterCall): Buffer {
  const data = Buffer.alloc(DATA_BYTES);
  data.writeUInt32LE(call.nr >>> 0, DATA.nr);
  data.writeUInt32LE(call.arch, DATA.arch);
  data.writeBigUInt64LE(call.instructionPointer ?? 0n, DATA.instructionPointer);
  call.args?.forEach((value, index) => {
    data.writeBigUInt64LE(value, DATA.args + 8 * index);
  });
  return data;
}
