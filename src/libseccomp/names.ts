/** Names and numbers as libseccomp knows them. */

import { SysieveError } from '../errors/index';
import { library } from './library';

/** E.g. "2.5.4". */
export function version(): string {
  const { seccomp, libc } = library();
  // struct scmp_version: three unsigned ints.
  const numbers = Buffer.alloc(12);
  libc.memcpy(numbers, seccomp.seccomp_version(), numbers.length);
  return [0, 4, 8].map((at) => numbers.readUInt32LE(at)).join('.');
}

export interface Architecture {
  /** libseccomp's token (SCMP_ARCH_*). */
  token: number;
  /** The kernel's AUDIT_ARCH_*, equal to the token but for x32, which shares x86_64's. */
  audit: number;
  x32: boolean;
}

const X32_TOKEN = 0x4000003e;
const X86_64_TOKEN = 0xc000003e;

export function nativeArchitecture(): Architecture {
  return architectureOf(library().seccomp.seccomp_arch_native());
}

/** `name` as in OCI, e.g. SCMP_ARCH_X86_64. */
export function architecture(name: string): Architecture {
  const token = /^SCMP_ARCH_[A-Z0-9_]+$/.test(name)
    ? library().seccomp.seccomp_arch_resolve_name(name.slice('SCMP_ARCH_'.length).toLowerCase())
    : 0;
  if (token === 0) {
    throw new SysieveError(
      'input',
      'architecture-unknown',
      `architecture ${JSON.stringify(name)} is not known to libseccomp ${version()}`,
      { remedy: 'Correct the name in "architectures", or install a newer libseccomp.' },
    );
  }
  return architectureOf(token);
}

function architectureOf(token: number): Architecture {
  const x32 = token === X32_TOKEN;
  return { token, audit: x32 ? X86_64_TOKEN : token, x32 };
}

/**
 * The number of a syscall under an architecture (OCI name), the x32 bit included.
 * Null when that ABI has no call of its own by this name or libseccomp does not know it.
 */
export function resolve(name: string, architectureName: string): number | null {
  const number = resolveByToken(name, architecture(architectureName).token);
  return number >= 0 ? number : null;
}

/** The number under the machine's own architecture, for a call that every architecture has. */
export function nativeNumber(name: string): number {
  return resolveByToken(name, nativeArchitecture().token);
}

/** As libseccomp answers: below -1 a name it knows but for which this ABI has no number. */
export function resolveByToken(name: string, token: number): number {
  return library().seccomp.seccomp_syscall_resolve_name_arch(token, name);
}

/** Whether this libseccomp has a call of that name, of whatever architecture. */
export function isKnownName(name: string): boolean {
  return resolveByToken(name, nativeArchitecture().token) !== UNKNOWN_NAME;
}

/** __NR_SCMP_ERROR */
const UNKNOWN_NAME = -1;
