/** strace as the other witness: started beside a recorder on one process, or for a run of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strace } from '../../src/import/strace';
import { straceLine } from '../../src/import/strace-line';

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

/** Reads LOG.TID of every task. An unreadable line is an error: it might have been a call. */
export function readStrace(directory: string, log: string): Witnessed {
  const inputs = readdirSync(directory)
    .filter((file) => file.startsWith(`${log}.`))
    .map((source) => ({ source, text: named(readFileSync(join(directory, source), 'latin1')) }));
  const counts = new Map<number, number>();
  const [first, ...rest] = inputs;
  if (first === undefined) return { counts, unfinished: new Map() };
  const made = strace([first, ...rest], {});
  if (made instanceof Promise || made.kind !== 'recording') throw new Error('no recording');
  const [run] = made.recording.runs;
  if (run === undefined || run.completeness.callsLost > 0)
    throw new Error([...made.notes, ...inputs.flatMap(notUnderstood)].join('\n'));
  for (const { abi, number, count } of run.calls) {
    if (abi !== 'x86_64') throw new Error(`${abi} ${number}: no program here runs such code`);
    counts.set(number, count);
  }
  return { counts, unfinished: unfinishedIn(inputs) };
}

/**
 * Without the calls of which strace could not read which they were: the task was killed at the entry,
 * so they were never made.
 */
function named(text: string): string {
  const told = text.split('\n').filter((line) => {
    const read = straceLine(line)?.line;
    return read?.kind !== 'call' || !/^\?+$/.test(read.name) || read.ended;
  });
  return told.join('\n');
}

function notUnderstood({ text }: { text: string }): string[] {
  return text.split('\n').filter((line) => line !== '' && straceLine(line) === null);
}

function unfinishedIn(inputs: readonly { text: string }[]): Map<number, number> {
  const unfinished = new Map<number, number>();
  for (const text of inputs.flatMap((input) => input.text.split('\n'))) {
    const read = straceLine(text);
    if (read?.line.kind !== 'call' || read.number === null) continue;
    const { ended, result } = read.line;
    if (ended && result !== '?') continue;
    unfinished.set(read.number, (unfinished.get(read.number) ?? 0) + 1);
  }
  return unfinished;
}
