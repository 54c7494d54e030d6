/** What the host must offer, and its refusals in the words that doctor uses too. */
import { statSync } from 'node:fs';
import { SysieveError } from '../errors';
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

/** What can be lacking for a moment, or for want of a higher limit. */
const SCARCE: Readonly<Record<string, { what: string; remedy: string }>> = {
  EMFILE: { what: 'too few file descriptors', remedy: 'Raise the limit of open files: ulimit -n.' },
  ENFILE: { what: 'too few file descriptors', remedy: 'Raise /proc/sys/fs/file-max.' },
  ENOMEM: {
    what: 'too little memory',
    remedy: "Give sysieve more memory; a memory cgroup's limit counts the kernel's maps too.",
  },
};

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
  if (error.code === 'ESRCH') {
    return new SysieveError(
      'input',
      'process-not-found',
      'the process ended before it was traced',
      {
        cause,
      },
    );
  }
  if (CGROUP_OPERATIONS.includes(error.operation)) {
    return new SysieveError('input', 'cgroup-not-found', `cannot use the cgroup: ${error.detail}`, {
      cause,
      remedy: 'Give a directory below a mounted cgroup hierarchy, e.g. one under /sys/fs/cgroup.',
    });
  }
  const scarce = SCARCE[error.code];
  if (scarce !== undefined) {
    const message = `${scarce.what} for the ${tracer} tracer`;
    return new SysieveError('system', 'resources', message, { cause, remedy: scarce.remedy });
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
