/**
 * The answer that runc (≥ 1.0, libcontainer/seccomp/patchbpf) puts in front of a profile's filter:
 * ENOSYS for every number above the largest one the profile names for that ABI, so that a libc
 * newer than the profile falls back instead of failing on EPERM.
 *
 * As in runc: not for a default action that lets calls through; only for the ABIs the profile
 * lists and, from runc 1.2 on, the native one; not for an ABI whose largest named number is 0 or
 * that has none. Left out: runc's special case for s390's setup(2), a machine sysieve does not
 * run on.
 */

import { ACTIONS, BPF, DATA, ENOSYS, INSTRUCTION_BYTES, X32_BIT } from './constants';

export interface NamedAbi {
  /** The kernel's AUDIT_ARCH_*; x32 shares x86_64's. */
  audit: number;
  x32: boolean;
  /** The largest number named, the x32 bit included; 0 when there is none. */
  largest: number;
}

interface Instruction {
  code: number;
  k: number;
  jt?: number;
  jf?: number;
}

const AUDIT_X86_64 = 0xc000003e;

export function enosysStub(abis: readonly NamedAbi[]): Buffer {
  const named = abis.filter((abi) => abi.largest > 0);
  if (named.length === 0) return Buffer.alloc(0);
  const sections = [...new Set(named.map((abi) => abi.audit))].map((audit) => ({
    audit,
    body: section(named.filter((abi) => abi.audit === audit)),
  }));
  const program: Instruction[] = [{ code: BPF.LOAD_WORD, k: DATA.arch }];
  let behind = sections.reduce((sum, { body }) => sum + body.length + 2, 0);
  for (const { audit, body } of sections) {
    behind -= body.length + 2;
    program.push({ code: BPF.JUMP_EQUAL, k: audit, jf: body.length + 1 }, ...body);
    // The accumulator now holds the number: go on in the filter, which loads what it needs.
    program.push({ code: BPF.JUMP, k: behind });
  }
  return encode(program);
}

/** Falls through to the instruction after it, the jump to the filter, unless it answers ENOSYS. */
function section(abis: readonly NamedAbi[]): Instruction[] {
  const answer: Instruction = { code: BPF.RETURN, k: ACTIONS.SCMP_ACT_ERRNO | ENOSYS };
  const load: Instruction = { code: BPF.LOAD_WORD, k: DATA.nr };
  const x32 = abis.find((abi) => abi.x32)?.largest;
  const plain = abis.find((abi) => !abi.x32)?.largest;
  if (abis[0]?.audit !== AUDIT_X86_64) {
    return [load, { code: BPF.JUMP_GREATER, k: plain ?? 0, jf: 1 }, answer];
  }
  if (x32 !== undefined && plain !== undefined) {
    return [
      load,
      { code: BPF.JUMP_BITS_SET, k: X32_BIT, jt: 1 },
      { code: BPF.JUMP_GREATER, k: plain, jt: 1, jf: 2 },
      { code: BPF.JUMP_GREATER, k: x32, jf: 1 },
      answer,
    ];
  }
  // One of the two: numbers of the other go to the filter, which has its own answer to them.
  const other = x32 === undefined ? { jt: 2 } : { jf: 2 };
  return [
    load,
    { code: BPF.JUMP_BITS_SET, k: X32_BIT, ...other },
    { code: BPF.JUMP_GREATER, k: x32 ?? plain ?? 0, jf: 1 },
    answer,
  ];
}

/** struct sock_filter; every machine sysieve runs on is little-endian. */
function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  program.forEach(({ code, k, jt = 0, jf = 0 }, index) => {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k, at + 4);
  });
  return bytes;
}
