/** ABIs, the names libseccomp and OCI give their architectures, and which machine runs which. */
import type { Abi } from './syscalls';

const SCMP_ARCH: Record<Abi, string> = {
  x86_64: 'SCMP_ARCH_X86_64',
  i386: 'SCMP_ARCH_X86',
  x32: 'SCMP_ARCH_X32',
  aarch64: 'SCMP_ARCH_AARCH64',
  arm: 'SCMP_ARCH_ARM',
};

/** The kernel's AUDIT_ARCH_* (include/uapi/linux/audit.h); x32 shares x86_64's. */
const AUDIT_ARCH: Record<Abi, number> = {
  x86_64: 0xc000003e,
  i386: 0x40000003,
  x32: 0xc000003e,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};

export function auditArch(abi: Abi): number {
  return AUDIT_ARCH[abi];
}

/** Bit 30 of a number marks the x32 ABI. */
export const X32_BIT = 0x40000000;

/**
 * The ABI of a call as seccomp sees it; null: the architecture is not in the tables. Numbers from
 * 2^31 on, such as the -1 of a call that a tracer skips, are no x32 calls.
 */
export function abiOfCall(audit: number, nr: number): Abi | null {
  if (audit === AUDIT_ARCH.x86_64) return nr >= X32_BIT && nr < 2 * X32_BIT ? 'x32' : 'x86_64';
  const found = Object.entries(AUDIT_ARCH).find(([, value]) => value === audit);
  return found === undefined ? null : (found[0] as Abi);
}

export function archOf(abi: Abi): string {
  return SCMP_ARCH[abi];
}

export function abiOf(arch: string): Abi | null {
  const found = Object.entries(SCMP_ARCH).find(([, name]) => name === arch);
  return found === undefined ? null : (found[0] as Abi);
}

/** The ABIs a machine (as `uname -m` names it) can run, its own first; null: none is in the tables. */
export function abisOfMachine(machine: string): readonly Abi[] | null {
  if (machine === 'x86_64') return ['x86_64', 'i386', 'x32'];
  if (machine === 'aarch64') return ['aarch64', 'arm'];
  if (/^i[3-6]86$/.test(machine)) return ['i386'];
  if (/^armv\d/.test(machine)) return ['arm'];
  return null;
}

/** The machines that profiles are judged for. */
export type Machine = 'x86_64' | 'aarch64';
export const MACHINES: readonly Machine[] = ['x86_64', 'aarch64'];

/** The machine whose ABIs OCI's `architectures` names: x86_64 unless they are all of another's. */
export function machineOfArchitectures(architectures: readonly string[]): Machine {
  const listed = architectures.flatMap((arch) => abiOf(arch) ?? []);
  const arm = abisOfMachine('aarch64') ?? [];
  return listed.length > 0 && listed.every((abi) => arm.includes(abi)) ? 'aarch64' : 'x86_64';
}

/** Every name OCI's `architectures` may hold. */
export const OCI_ARCHES = [
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
] as const;
