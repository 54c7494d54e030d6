/** What the host must offer, and its refusals in the words that doctor uses too. */
import { statSync } from 'node:fs';
import { SysieveError } from '../errors';

/** Inode of the initial pid namespace, fixed by the kernel: PROC_PID_INIT_INO. */
const HOST_PID_NAMESPACE = 0xeffffffc;

const PRIVILEGE_REMEDY =
  'Run as root, or give the process CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (and CAP_SYS_RESOURCE before Linux 5.11).';

interface NativeError extends Error {
  code: string;
  operation: string;
  detail: string;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'operation' in error && 'code' in error;
}

/** An error of the addon as a SysieveError; anything else is returned as it is. */
export function fromNative(error: unknown): unknown {
  if (!isNativeError(error)) return error;
  const cause = `${error.operation}: ${error.code}${error.detail === '' ? '' : ` (${error.detail})`}`;
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    return new SysieveError('system', 'no-privilege', 'not permitted to trace with eBPF', {
      cause,
      remedy: PRIVILEGE_REMEDY,
    });
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
  if (error.operation.includes('cgroup')) {
    return new SysieveError('input', 'cgroup-not-found', `cannot use the cgroup: ${error.detail}`, {
      cause,
      remedy: 'Give a directory below a mounted cgroup hierarchy, e.g. one under /sys/fs/cgroup.',
    });
  }
  return new SysieveError('system', 'tracer-failed', 'the eBPF tracer cannot run here', {
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
