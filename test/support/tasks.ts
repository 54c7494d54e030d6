/** Processes and their tasks, as /proc has them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Task {
  pid: number;
  tid: number;
  /** One letter, as in /proc/PID/status. */
  state: string;
  /** 0: not traced. */
  tracer: number;
}

function children(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
      readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    return []; // Ended while we looked.
  }
}

/** All below a process, without itself. */
export function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** The tasks of a process and of all below it. */
export function allTasks(root: number): Task[] {
  return [root, ...descendants(root)].flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/task`).map((tid): Task => {
        const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
        const field = (name: string): string =>
          new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
        return { pid, tid: Number(tid), state: field('State'), tracer: Number(field('TracerPid')) };
      });
    } catch {
      return [];
    }
  });
}

/** Kills a process and all below it, or those of them that are wanted, until none of them lives. */
export function killTree(pid: number, wanted: (pid: number) => boolean = () => true): void {
  for (;;) {
    const left = [pid, ...descendants(pid)].filter((one) => stateOf(one) !== 'Z' && wanted(one));
    let killed = 0;
    for (const one of left) {
      try {
        process.kill(one, 'SIGKILL');
        killed++;
      } catch {
        // Gone already.
      }
    }
    if (killed === 0) return;
  }
}

/** What it executes; empty for what is gone. */
export function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

/** Z for what is gone altogether, too. */
export function stateOf(pid: number): string {
  try {
    return /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 'Z';
  } catch {
    return 'Z';
  }
}
