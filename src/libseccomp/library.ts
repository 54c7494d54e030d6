/** Loads libseccomp.so.2 through ffi-napi, on first use only. */

import type * as Ffi from 'ffi-napi';
import { SysieveError } from '../errors/index';
import { isPackage, nativeFile, nativeRemedy } from '../install';

/** A C pointer as a number: user addresses lie below 2^53, and 0 is NULL. */
export type Pointer = number;

/** C functions as JavaScript calls them; ints are errno-negative as in C. */
export interface Functions {
  seccomp_version(): Pointer;
  seccomp_arch_native(): number;
  seccomp_arch_resolve_name(name: string): number;
  seccomp_syscall_resolve_name(name: string): number;
  seccomp_syscall_resolve_name_arch(arch: number, name: string): number;
  seccomp_init(action: number): Pointer;
  seccomp_release(filter: Pointer): void;
  seccomp_arch_add(filter: Pointer, arch: number): number;
  seccomp_arch_remove(filter: Pointer, arch: number): number;
  seccomp_attr_set(filter: Pointer, attribute: number, value: number): number;
  seccomp_rule_add_array(
    filter: Pointer,
    action: number,
    syscall: number,
    count: number,
    conditions: Buffer,
  ): number;
  seccomp_export_bpf(filter: Pointer, fd: number): number;
  seccomp_export_pfc(filter: Pointer, fd: number): number;
}

export interface Libc {
  memfd_create(name: string, flags: number): number;
  memcpy(to: Buffer, from: Pointer, bytes: number): Pointer;
}

export interface Library {
  seccomp: Functions;
  libc: Libc;
  /** errno of the last call. */
  errno(): number;
}

let loaded: Library | undefined;

export function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const ffi = loadFfi();
  return {
    seccomp: loadSeccomp(ffi),
    libc: ffi.Library(null, {
      memfd_create: ['int', ['string', 'uint']],
      memcpy: ['size_t', ['pointer', 'size_t', 'size_t']],
    }) as unknown as Libc,
    errno: () => ffi.errno(),
  };
}

function loadFfi(): typeof Ffi {
  try {
    // What a package carries comes first: an ffi-napi above it is someone else's, maybe another.
    return (isPackage() ? require(nativeFile('ffi-napi.js')) : require('ffi-napi')) as typeof Ffi;
  } catch (error) {
    const cause = firstLine(error);
    throw new SysieveError(
      'system',
      'ffi-missing',
      'ffi-napi, which calls libseccomp, does not load',
      {
        cause,
        remedy: nativeRemedy(
          "Install python3, make and g++, then run 'npm install' again in sysieve's directory.",
          cause,
        ),
      },
    );
  }
}

function loadSeccomp(ffi: typeof Ffi): Functions {
  try {
    return ffi.Library('libseccomp.so.2', {
      seccomp_version: ['size_t', []],
      seccomp_arch_native: ['uint32', []],
      seccomp_arch_resolve_name: ['uint32', ['string']],
      seccomp_syscall_resolve_name: ['int', ['string']],
      seccomp_syscall_resolve_name_arch: ['int', ['uint32', 'string']],
      seccomp_init: ['size_t', ['uint32']],
      seccomp_release: ['void', ['size_t']],
      seccomp_arch_add: ['int', ['size_t', 'uint32']],
      seccomp_arch_remove: ['int', ['size_t', 'uint32']],
      seccomp_attr_set: ['int', ['size_t', 'int', 'uint32']],
      seccomp_rule_add_array: ['int', ['size_t', 'uint32', 'int', 'uint', 'pointer']],
      seccomp_export_bpf: ['int', ['size_t', 'int']],
      seccomp_export_pfc: ['int', ['size_t', 'int']],
    }) as unknown as Functions;
  } catch (error) {
    throw new SysieveError('system', 'libseccomp-missing', 'libseccomp.so.2 does not load', {
      cause: firstLine(error),
      remedy:
        'Install it: libseccomp2 on Debian and Ubuntu, libseccomp on Fedora, RHEL (UBI too) and Alpine.',
    });
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? message;
}
