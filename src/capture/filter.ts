/** Seccomp filters by the addon: run over calls, read from live processes. */
import { SysieveError } from '../errors';
import { addon } from './binding';
import { isNativeError } from './host';

/** Missing fields are 0. `arch` is AUDIT_ARCH_*, `nr` has the x32 bit. */
export interface FilterCall {
  arch: number;
  nr: number;
  instructionPointer?: bigint;
  args?: readonly bigint[];
}

/** sizeof(struct seccomp_data) */
const CALL_BYTES = 64;

/**
 * What one program, struct sock_filter instructions, answers to each call: SECCOMP_RET words as it
 * returned them. Throws a SysieveError of kind input for a program that the kernel would refuse.
 */
export function runFilter(program: Uint8Array, calls: readonly FilterCall[]): Uint32Array {
  const packed = Buffer.alloc(CALL_BYTES * calls.length);
  calls.forEach((call, index) => {
    const at = CALL_BYTES * index;
    packed.writeUInt32LE(call.nr, at);
    packed.writeUInt32LE(call.arch, at + 4);
    packed.writeBigUInt64LE(call.instructionPointer ?? 0n, at + 8);
    call.args?.forEach((value, argument) => {
      packed.writeBigUInt64LE(value, at + 16 + 8 * argument);
    });
  });
  try {
    return addon().runFilter(Buffer.from(program), packed);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw new SysieveError('input', 'filter-invalid', 'the kernel would refuse this filter', {
      cause: `${error.operation}: ${error.code} (${error.detail})`,
      remedy: 'Give classic BPF as seccomp(2) takes it: struct sock_filter, little-endian.',
    });
  }
}

interface Refusal {
  kind: 'input' | 'system';
  code: string;
  message: string;
  remedy: string;
}

/** By errno; native/filter/dump.h says when. */
const REFUSALS: Record<string, Refusal> = {
  ESRCH: {
    kind: 'input',
    code: 'process-not-found',
    message: 'there is no such process any more',
    remedy: 'Give the id of a running process.',
  },
  ENOENT: {
    kind: 'input',
    code: 'process-unfiltered',
    message: 'the process runs under no seccomp filter',
    remedy: 'Name one that does: Seccomp in /proc/PID/status is 2 then.',
  },
  EOPNOTSUPP: {
    kind: 'input',
    code: 'process-strict',
    message: "the process is in seccomp's strict mode, which has no filter",
    remedy: 'Name one that runs under a filter: Seccomp in /proc/PID/status is 2 then.',
  },
  EBUSY: {
    kind: 'system',
    code: 'process-traced',
    message: 'another tracer is attached to the process',
    remedy: 'End that tracer (a debugger, strace) and try again.',
  },
  EPERM: {
    kind: 'system',
    code: 'no-privilege',
    message: 'not permitted to trace the process',
    remedy: 'Run as root on the host, or with CAP_SYS_PTRACE and CAP_SYS_ADMIN.',
  },
  EACCES: {
    kind: 'system',
    code: 'no-privilege',
    message: 'not permitted to read seccomp filters',
    remedy:
      'Run as root on the host, under no seccomp filter: in a container that is --privileged, ' +
      'or --cap-add SYS_ADMIN with --security-opt seccomp=unconfined.',
  },
  EMEDIUMTYPE: {
    kind: 'system',
    code: 'filter-unreadable',
    message: 'a filter of the process is not classic BPF',
    remedy: 'Give the profile that it was started with instead.',
  },
  ENOSYS: {
    kind: 'system',
    code: 'filter-unreadable',
    message: 'this kernel hands out no seccomp filters',
    remedy: 'Use a kernel with CONFIG_SECCOMP_FILTER and CONFIG_CHECKPOINT_RESTORE.',
  },
  ETIMEDOUT: {
    kind: 'system',
    code: 'process-unstoppable',
    message: 'the process cannot be stopped to be asked',
    remedy: 'Unpause its container or wait until its call returns, and try again.',
  },
};

/**
 * The whole stack, oldest first, each as struct sock_filter instructions of 8 bytes. `pid` may be a
 * thread's id: filters belong to threads, and a process's id stands for its main thread. The thread
 * is stopped for a moment, and a blocking call of it may return EINTR. Throws a SysieveError.
 */
export function dumpFilters(pid: number): Buffer[] {
  try {
    return addon().dumpFilters(pid);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    const { kind, code, message, remedy } = REFUSALS[error.code] ?? {
      kind: 'system',
      code: 'filter-unreadable',
      message: 'the filters of the process cannot be read',
      remedy: 'Give the profile that it was started with instead.',
    };
    throw new SysieveError(kind, code, `${message}: ${pid}`, {
      cause: `${error.operation}: ${error.code} (${error.detail})`,
      remedy,
    });
  }
}
