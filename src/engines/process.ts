/** What /proc tells about a container's init process. */
import { readFileSync, statSync } from 'node:fs';
import { SysieveError } from '../errors';
import { cgroupNamesOf, containerCgroups, isMember } from './cgroups';
import type { ContainerInfo, EngineName, Inspected } from './types';

export interface ProcessFacts
  extends Pick<ContainerInfo, 'cgroups' | 'mountNamespace' | 'pidNamespace'> {
  /** Under a filter now. */
  filtered: boolean;
}

function isDirectory(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Boot-relative start time: two reads that agree were of the same process, whatever its pid. */
function startTime(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the command in parentheses and may hold spaces and parentheses itself.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function namespaceInode(pid: number | 'self', name: string): number {
  return statSync(`/proc/${pid}/ns/${name}`).ino;
}

/** Pid 1 may hold capabilities that sysieve lacks; its namespaces are then not ours to read. */
function initNamespace(name: string): number | null {
  try {
    return namespaceInode(1, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return null;
    throw error;
  }
}

function ownNamespace(pid: number, name: string): number | null {
  const inode = namespaceInode(pid, name);
  return [namespaceInode('self', name), initNamespace(name)].includes(inode) ? null : inode;
}

/** Whether its user namespace is one that this user may make: that maps to the user's own id. */
function isUsers(pid: number, uid: number): boolean {
  const lines = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split('\n');
  return lines.some((line) => {
    const [, outside, length] = line.trim().split(/\s+/).map(Number);
    if (outside === undefined || length === undefined || length > 0xffff_fffe) return false;
    // Seen from inside a namespace of the same kind, the user is its root.
    return outside <= uid && uid < outside + length;
  });
}

/** null: the process has ended, or this pid is not (or no longer) the container's. */
export function readProcess(engine: EngineName, seen: Inspected): ProcessFacts | null {
  const pid = seen.pid;
  if (pid === null) return null;
  try {
    const started = startTime(pid);
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const procCgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    const names = seen.cgroupNames ?? cgroupNamesOf(engine, seen.id);
    // An engine in another pid namespace or machine counts its own pids: this one is a stranger.
    if (!seen.withoutCgroup && !isMember(procCgroup, names)) return null;
    if (seen.rootless !== undefined && !isUsers(pid, seen.rootless)) return null;
    const facts: ProcessFacts = {
      cgroups: containerCgroups(
        procCgroup,
        readFileSync('/proc/self/mountinfo', 'utf8'),
        names,
        isDirectory,
      ),
      mountNamespace: ownNamespace(pid, 'mnt'),
      pidNamespace: seen.sharedPidNamespace ? null : ownNamespace(pid, 'pid'),
      filtered: /^Seccomp:\s*2$/m.test(status),
    };
    return startTime(pid) === started && started !== undefined ? facts : null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw new SysieveError(
      'system',
      'container-process-unreadable',
      `cannot read /proc of the container's process ${pid}`,
      {
        cause: error instanceof Error ? error.message : String(error),
        remedy:
          'Run sysieve as root or with CAP_SYS_PTRACE, in the pid namespace of the container engine.',
      },
    );
  }
}
