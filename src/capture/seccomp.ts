/** What /proc tells about a process's seccomp and capabilities, without stopping it. */
import { readdirSync, readFileSync } from 'node:fs';
import { SysieveError } from '../errors';
import { capabilityNames } from '../tables';

export interface SeccompState {
  /** Clock ticks since boot: with the id, it names a process uniquely. */
  startTicks: number;
  /** PR_GET_SECCOMP's: none, strict mode, filters. */
  mode: 'none' | 'strict' | 'filter';
  /** The bounding set, e.g. CAP_SYS_ADMIN. */
  bounding: string[];
  /** Threads whose mode or number of filters is not the main one's. */
  otherThreads: number;
}

const MODES = ['none', 'strict', 'filter'] as const;

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1];
}

/** Mode and, from Linux 5.9 on, how many filters. */
function filtersOf(status: string): string {
  return `${field(status, 'Seccomp')} ${field(status, 'Seccomp_filters')}`;
}

function countOtherThreads(pid: number, main: string): number {
  let others = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      if (filtersOf(status) !== main) others += 1;
    } catch {
      // The thread ended.
    }
  }
  return others;
}

/** Throws a SysieveError: there is no such process, or what it says cannot be read. */
export function seccompState(pid: number): SeccompState {
  let stat: string;
  let status: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch (error) {
    throw new SysieveError('input', 'process-not-found', `there is no process ${pid}`, {
      cause: error instanceof Error ? error.message : String(error),
      remedy: 'Give the id of a running process, as this pid namespace counts.',
    });
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (/^[ZXx]/.test(fields[0] ?? '')) {
    // Its filters are gone already.
    throw new SysieveError('input', 'process-not-found', `process ${pid} has ended`, {
      remedy: 'Give the id of a running process.',
    });
  }
  const seccomp = field(status, 'Seccomp');
  const mode = MODES[Number(seccomp)];
  const bounding = field(status, 'CapBnd');
  if (seccomp === undefined || mode === undefined || bounding === undefined) {
    throw new SysieveError('system', 'process-unreadable', `/proc/${pid}/status tells too little`, {
      cause: 'it has no line Seccomp or CapBnd',
      remedy: 'Use a kernel with CONFIG_SECCOMP.',
    });
  }
  return {
    startTicks: Number(fields[19]),
    mode,
    bounding: capabilityNames(bounding),
    otherThreads: countOtherThreads(pid, filtersOf(status)),
  };
}
