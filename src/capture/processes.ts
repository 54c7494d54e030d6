/** Reads of /proc for the targets: does a process exist, since when. */
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ, fixed by the kernel's ABI on every architecture here

export interface ProcessState {
  /** Clock ticks since boot: with the id, it names a process uniquely. */
  startTicks: number;
  ageMs: number;
  /** Seccomp: 2 in /proc/PID/status. */
  filtered: boolean;
}

/** null: there is no such process. */
export function processState(pid: number): ProcessState | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTicks = Number(fields[19]);
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return {
      startTicks,
      ageMs: Math.max(0, Math.round(uptime * 1000 - (startTicks * 1000) / TICKS_PER_SECOND)),
      filtered: /^Seccomp:\s*2$/m.test(status),
    };
  } catch {
    return null;
  }
}
