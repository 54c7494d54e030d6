/** strace as the other witness: started beside a recorder on one process, or for a run of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Number → how often, of x86_64 calls; and how many of them have no end in the log. */
export interface Witnessed {
  counts: Map<number, number>;
  unfinished: Map<number, number>;
}

/** A file for each task, so that no call is split over two lines. -n: numbers, not only names. */
export const STRACE = ['-qq', '-n', '-ff', '-e', 'raw=all', '-e', 'signal=none'] as const;

export function straceOf(pid: number, log: string): ChildProcess {
  return spawn('strace', [...STRACE, '-o', log, '-p', `${pid}`], { stdio: 'ignore' });
}

const ENTRY = /^\[ *(\d+)\] (?!<\.\.\.)/;

/** Reads LOG.TID of every task. An unreadable line is an error: it might have been a call. */
export function readStrace(directory: string, log: string): Witnessed {
  const counts = new Map<number, number>();
  const unfinished = new Map<number, number>();
  const add = (map: Map<number, number>, number: number): void => {
    map.set(number, (map.get(number) ?? 0) + 1);
  };
  for (const name of readdirSync(directory).filter((file) => file.startsWith(`${log}.`))) {
    for (const line of readFileSync(join(directory, name), 'latin1').split('\n')) {
      if (line === '' || /^(---|\+\+\+) /.test(line) || /^strace: /.test(line)) continue;
      const number = ENTRY.exec(line)?.[1];
      if (number === undefined) throw new Error(`${name}: what is this line: ${line}`);
      add(counts, Number(number));
      if (/(<unfinished \.\.\.>|= \?)$/.test(line.trimEnd())) add(unfinished, Number(number));
    }
  }
  return { counts, unfinished };
}
