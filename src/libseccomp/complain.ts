/** Filters for tracers: that ask a listener, where another one denies or always, or stop for a ptracer. */
import { SysieveError } from '../errors/index';
import { ACTIONS, BPF, INSTRUCTION_BYTES } from './constants';

const RETURN_ACCUMULATOR = 0x16;
const ACTION_BITS = 0xffff0000;

/** Notifies of every call, in every ABI. */
export function notifyAll(): Buffer {
  return returning(Buffer.alloc(INSTRUCTION_BYTES), 0, ACTIONS.SCMP_ACT_NOTIFY);
}

/** By which the ptrace tracer knows this filter's TRACE; kOwnTrace in native/ptrace. */
const OWN_TRACE = 0x5356;

/** Stops for a ptracer at every call, in every ABI; without one every call answers ENOSYS. */
export function traceAll(): Buffer {
  return returning(Buffer.alloc(INSTRUCTION_BYTES), 0, ACTIONS.SCMP_ACT_TRACE | OWN_TRACE);
}

/**
 * The same program, with a notification in place of every answer that does not let the call run:
 * each errno (the ENOSYS in front of a profile included), each kind of kill, trap, and trace, which
 * is ENOSYS where nobody traces. What runs does so at the same speed as before: the kernel's bitmap of
 * calls that are always allowed is made from the program.
 */
export function complaining(program: Buffer): Buffer {
  const out = Buffer.from(program);
  for (let at = 0; at < out.length; at += INSTRUCTION_BYTES) {
    const code = out.readUInt16LE(at);
    if (code === RETURN_ACCUMULATOR) {
      throw new SysieveError(
        'defect',
        'filter-computed',
        'the compiled filter computes its answer',
        {
          cause: `instruction ${at / INSTRUCTION_BYTES}`,
        },
      );
    }
    if (code !== BPF.RETURN) continue;
    const action = (out.readUInt32LE(at + 4) & ACTION_BITS) >>> 0;
    const runs = action === ACTIONS.SCMP_ACT_ALLOW || action === ACTIONS.SCMP_ACT_LOG;
    if (!runs) returning(out, at, ACTIONS.SCMP_ACT_NOTIFY);
  }
  return out;
}

function returning(program: Buffer, at: number, word: number): Buffer {
  program.writeUInt16LE(BPF.RETURN, at);
  program.writeUInt32LE(word, at + 4);
  return program;
}
