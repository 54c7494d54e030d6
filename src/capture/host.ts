/** What the host must offer, and its refusals in the words that doctor uses too. */
import { statSync } from 'node:fs';
import { SysieveError } from '../errors';
import { LIMITS } from '../errors/limits';
import type { TracerName } from './binding-types';

/** Inode of the initial pid namespace, fixed by the kernel: PROC_PID_INIT_INO. */
const HOST_PID_NAMESPACE = 0xeffffffc;

/** A refusal for want of a privilege. */
const REFUSED: Record<TracerName, { message: string; remedy: string }> = {
  ebpf: {
    message: 'not permitted to trace with eBPF',
    remedy:
      'Run as root, or give the process CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (and CAP_SYS_RESOURCE before Linux 5.11).',
  },
  ptrace: {
    message: 'not permitted to trace with ptrace',
    remedy:
      'Trace a process of the same user that nothing else traces (/proc/sys/kernel/yama/ptrace_scope 0 for one that sysieve did not start), or run with CAP_SYS_PTRACE.',
  },
  notify: {
    message: 'not permitted to listen to a seccomp filter',
    remedy: 'Run as the same user as the command, where seccomp filters are allowed.',
  },
};

/** For a process that is no more. */
export const LOOK_AGAIN =
  "Look it up again, e.g. with 'pgrep -a NAME': ids are reused once a process ends.";

/** What the addon does with a cgroup that the user named; see native/core/cgroup.cc. */
const CGROUP_OPERATIONS = ['open cgroup', 'find cgroup mount', 'find cgroup hierarchy'];

interface NativeError extends Error {
  code: string;
  operation: string;
  detail: string;
}

export function isNativeError(error: unknown): error is NativeError {
  // Not by its class: that is another one where a program runs in a context of its own.
  return typeof error === 'object' && error !== null && 'operation' in error && 'code' in error;
}

/** An error of the addon as a SysieveError; anything else is returned as it is. */
export function fromNative(error: unknown, tracer: TracerName = 'ebpf'): unknown {
  if (!isNativeError(error)) return error;
  const cause = `${error.operation}: ${error.code}${error.detail === '' ? '' : ` (${error.detail})`}`;
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    const { message, remedy } = REFUSED[tracer];
    return new SysieveError('system', 'no-privilege', message, { cause, remedy });
  }
  if (tracer === 'ptrace' && error.code === 'EBUSY') {
    return new SysieveError('system', 'process-traced', `cannot ${error.operation}`, {
      cause: error.detail,
      remedy:
        'End the other tracer (strace, gdb, another sysieve), or use --tracer ebpf: a task has one at a time.',
    });
  }
  if (error.code === 'ESRCH') {
    return new SysieveError(
      'input',
      'process-not-found',
      'the process ended before it was traced',
      {
        cause,
        remedy: LOOK_AGAIN,
      },
    );
  }
  if (CGROUP_OPERATIONS.includes(error.operation)) {
    return new SysieveError('input', 'cgroup-not-found', `cannot use the cgroup: ${error.detail}`, {
      cause,
      remedy: 'Give a directory below a mounted cgroup hierarchy, e.g. one under /sys/fs/cgroup.',
    });
  }
  if (error.code === 'EOPNOTSUPP') {
    const message = `this kernel cannot ${error.operation}`;
    return new SysieveError('system', 'kernel-unfit', message, {
      ...(error.detail !== '' && { cause: error.detail }),
      remedy:
        'Use Linux 5.12 or later with CONFIG_DEBUG_INFO_BTF=y, as distributions build it, or another tracer.',
    });
  }
  if (tracer === 'ptrace' && error.code === 'ETIMEDOUT') {
    return new SysieveError(
      'system',
      'target-unresponsive',
      'the target does not let itself be traced',
      {
        cause,
        remedy:
          'Try again when its execve has ended, which waits for a file system or for a thread that another tracer holds, or use --tracer ebpf: it waits for no task.',
      },
    );
  }
  const limit = LIMITS[error.code];
  if (limit !== undefined) {
    return new SysieveError(
      'system',
      'limit',
      `the ${tracer} tracer ran into a limit: ${limit.what}`,
      {
        cause,
        remedy: limit.remedy,
      },
    );
  }
  return new SysieveError('system', 'tracer-failed', `the ${tracer} tracer cannot run here`, {
    cause,
    remedy: "Run 'sysieve doctor': it says what this kernel lacks.",
  });
}

/** Throws when sysieve sees other process ids than the kernel's tracepoints do. */
export function checkHost(): void {
  if (statSync('/proc/self/ns/pid').ino === HOST_PID_NAMESPACE) return;
  throw new SysieveError(
    'system',
    'pid-namespace',
    "sysieve runs outside the host's pid namespace",
    {
      remedy:
        "Start it on the host, or in a container with the host's pid namespace (--pid=host, hostPID: true).",
    },
  );
}
