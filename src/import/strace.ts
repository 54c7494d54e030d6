/**
 * strace's output: of one process, of several with their ids (-f), or a file for each (-ff). What is
 * counted is each call at its entry, as strace prints it. The log does not say which calls strace was
 * told to leave out, nor that a process was not followed; what shows of either is counted.
 */
import { basename } from 'node:path';
import { SysieveError } from '../errors';
import { ABIS, type Abi, abisOfMachine, syscallName, syscallNumber, X32_BIT } from '../tables';
import { Log, MOST_CHARACTERS, type Seen } from './logged';
import {
  executedPath,
  type Prefixed,
  rawArguments,
  type StraceLine,
  straceLine,
} from './strace-line';
import type { Importer, ImportInput } from './types';

interface Task {
  abi: Abi;
  executable: string | null;
  /** Its first call, which is counted at the end: only then it is known whether it is a child. */
  first: { seen: Seen; execs: boolean; started: boolean } | null;
  /** The call that has begun, with its path where it is an execve. */
  pending: { name: string; path: string | null; first: boolean } | null;
  exited: boolean;
}

const FORKS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);
const MODES: Readonly<Record<'32 bit' | '64 bit' | 'x32', number>> = {
  '64 bit': 0,
  '32 bit': 1,
  x32: 2,
};
/** strace's names that are not the kernel's. */
const NAMES: Readonly<Record<string, string>> = {
  old_mmap: 'mmap',
  old_select: 'select',
  umount: 'umount',
};

const ATTACHED_WITHIN = /^(.+)strace: Process (\d{1,10}) attached$/s;

class Reader {
  readonly log = new Log();
  private readonly tasks = new Map<number, Task>();
  /** Made by a call in the log, with the task that made it. */
  private readonly children = new Map<number, Task>();
  private readonly announced = new Set<number>();
  /** Whose ids other processes have now. */
  private readonly ended: [number, Task][] = [];
  /** The one whose id is not printed. */
  private unnamed: Task | null = null;
  private named = false;
  private startMs: number | null = null;
  private readonly abis: readonly Abi[];

  constructor(
    machine: string,
    /** A file for each process, by the ends of their names. */
    private readonly separate: boolean,
  ) {
    this.abis = abisOfMachine(machine) ?? ['x86_64'];
  }

  file(input: ImportInput): void {
    const own = this.separate ? Number(/\.(\d+)$/.exec(input.source)?.[1]) : null;
    /** Of a line that strace interrupted to say that it follows another process. */
    let held = '';
    let heldLines: number[] = [];
    for (const { line: text, number, whole } of this.log.read(input)) {
      heldLines.push(number);
      const interrupted = ATTACHED_WITHIN.exec(text);
      if (interrupted !== null) {
        this.announced.add(Number(interrupted[2]));
        held += interrupted[1];
        continue;
      }
      const line = held + text;
      const numbers = heldLines;
      held = '';
      heldLines = [];
      if (line === '') continue;
      const read = line.length > MOST_CHARACTERS ? null : straceLine(line);
      // A last line without its end may be part of one.
      const cut = read !== null && !whole && /^(?:call|resumed|other)$/.test(read.line.kind);
      if (read !== null && !cut && this.line(read, own ?? read.pid)) continue;
      for (const one of numbers) this.log.skip(input.source, one);
    }
    for (const one of heldLines) this.log.skip(input.source, one);
  }

  /**
   * null: strace printed none. Without -o it names processes only while there are several, so the
   * first one goes without until then, and the last one is the one that is left.
   */
  private task(pid: number | null): Task {
    if (pid === null) {
      const living = [...this.tasks.values()].filter(({ exited }) => !exited);
      if (living.length === 1) return living[0] as Task;
      this.unnamed ??= this.made(null);
      return this.unnamed;
    }
    const known = this.tasks.get(pid);
    if (known !== undefined && !known.exited) return known;
    // Its id was given out again.
    if (known !== undefined) this.ended.push([pid, known]);
    else if (
      this.unnamed !== null &&
      !this.named &&
      !this.announced.has(pid) &&
      !this.children.has(pid)
    ) {
      this.named = true;
      this.tasks.set(pid, this.unnamed);
      return this.unnamed;
    }
    const made = this.made(pid);
    this.tasks.set(pid, made);
    return made;
  }

  private made(pid: number | null): Task {
    const forking = [
      ...this.tasks.values(),
      ...(this.unnamed === null ? [] : [this.unnamed]),
    ].filter(({ pending }) => pending !== null && FORKS.has(pending.name));
    // A child's lines may come before the end of the call that made it.
    const before = forking.length === 1 ? forking[0] : undefined;
    const parent = (pid === null ? undefined : this.children.get(pid)) ?? before;
    return {
      abi: parent?.abi ?? (this.abis[0] as Abi),
      executable: parent?.executable ?? null,
      first: null,
      pending: null,
      exited: false,
    };
  }

  private line(read: Prefixed, pid: number | null): boolean {
    const { line } = read;
    if (line.kind === 'other') return true;
    if (line.kind === 'mode') {
      const abi = this.abis[MODES[line.bits]];
      if (abi === undefined) return false;
      this.task(this.separate ? pid : (pid ?? line.pid)).abi = abi;
      return true;
    }
    if (line.kind === 'attached') {
      this.announced.add(line.pid);
      return true;
    }
    if (line.kind === 'detached') {
      this.log.tasksLost += 1;
      return true;
    }
    const task = this.task(pid);
    if (line.kind === 'exit') {
      task.exited = true;
      return true;
    }
    if (line.kind === 'superseded') {
      // The program that the thread executed goes on under the id of the process.
      const from = this.task(line.by);
      task.pending = from.pending;
      from.pending = null;
      from.exited = true;
      return true;
    }
    return line.kind === 'call'
      ? this.call(line, read, task, this.at(read.ms))
      : this.resumed(line, task);
  }

  private at(ms: number | null): number {
    if (ms === null) return 0;
    this.startMs ??= ms;
    return Math.max(0, Math.floor(ms - this.startMs));
  }

  /** The ABI and number of a call; null: there is none of that name, or number, where it was made. */
  private callOf(
    name: string,
    number: number | null,
    own: Abi,
  ): { abi: Abi; number: number } | null {
    const unknown = /^syscall_0x([0-9a-f]{1,8})$/.exec(name);
    if (unknown !== null) {
      const found = Number.parseInt(unknown[1] ?? '', 16);
      return { abi: own, number: own === 'x32' ? found % X32_BIT : found };
    }
    const wanted = NAMES[name] ?? name;
    const fits = (abi: Abi): boolean => number === null || syscallNumber(abi, wanted) === number;
    const found = syscallNumber(own, wanted);
    if (found !== null && fits(own)) return { abi: own, number: found };
    if (number === null) return null;
    // -n tells the ABI where strace's message about it is missing (-q).
    const others = ABIS.filter(
      (abi) => this.abis.includes(abi) && syscallName(abi, number) === wanted,
    );
    const [abi] = others;
    return others.length === 1 && abi !== undefined ? { abi, number } : null;
  }

  private call(
    { name, args, result, ended }: Extract<StraceLine, { kind: 'call' }>,
    { number }: Prefixed,
    task: Task,
    atMs: number,
  ): boolean {
    const found = this.callOf(name, number, task.abi);
    if (found === null) return false;
    // strace tells of a change of ABI on standard error, which is not in a log of -o.
    if (number === null) this.log.blindSpots.add('abi-unseen');
    const execs = name === 'execve' || name === 'execveat';
    const raw = rawArguments(args);
    if (execs && raw !== null) this.log.blindSpots.add('executables-unseen');
    // It was under way when strace came, which prints it as what the kernel makes of it.
    const resuming = name === 'restart_syscall' && args.startsWith('<... resuming');
    const seen: Seen = { ...found, args: raw, phase: 'steady', executable: task.executable, atMs };
    const first = task.first === null;
    if (first) task.first = { seen, execs, started: false };
    else if (!resuming) this.log.add(seen);
    task.pending = { name, path: name === 'execve' ? executedPath(args) : null, first };
    if (ended) this.end(task, result);
    return true;
  }

  private resumed({ name, result }: Extract<StraceLine, { kind: 'resumed' }>, task: Task): boolean {
    // Begun before strace came.
    if (task.pending === null && task.first === null) {
      this.log.attachedLate = true;
      return true;
    }
    if (task.pending?.name !== name) return false;
    if (result !== null) this.end(task, result);
    return true;
  }

  private end(task: Task, result: string | null): void {
    const { pending } = task;
    task.pending = null;
    const value = Number(/^(-?\d+|0x[0-9a-f]{1,16})\b/.exec(result ?? '')?.[1] ?? Number.NaN);
    if (pending === null || Number.isNaN(value)) return;
    if (FORKS.has(pending.name)) {
      // --pidns-translation
      const here = /\/\* (\d{1,10}) in strace's PID NS \*\//.exec(result ?? '')?.[1];
      const child = here === undefined ? value : Number(here);
      if (child > 0 && child < 2 ** 31) this.children.set(child, task);
    }
    if (/^execve(?:at)?$/.test(pending.name) && value === 0) {
      task.executable = pending.path;
      if (pending.first && task.first !== null) task.first.started = true;
    }
  }

  /** Processes that were made and of which there is no line: they were not followed. */
  finish(): void {
    const unnamed = [null, this.named ? null : this.unnamed] as const;
    for (const [pid, task] of [...this.ended, ...this.tasks, unnamed]) {
      if (task?.first == null) continue;
      const { seen, execs, started } = task.first;
      const root = pid === null || !(this.children.has(pid) || this.announced.has(pid));
      if (root && execs) seen.phase = 'runtime';
      if (root && started) this.log.startsSeen += 1;
      if (root && !started) this.log.attachedLate = true;
      if (seen.number !== syscallNumber(seen.abi, 'restart_syscall')) this.log.add(seen);
    }
    const lost = [...this.children.keys()].filter((pid) => !this.tasks.has(pid));
    this.log.tasksLost += lost.length;
    if (lost.length > 0) {
      const shown = lost.slice(0, 10).join(', ');
      const more = lost.length > 10 ? ` and ${lost.length - 10} more` : '';
      this.log.notes.push(
        `${lost.length} processes or threads were made of which the log has no line (strace without -f?): ${shown}${more}`,
      );
    }
    // strace is told of a denied call as of one that failed.
    this.log.blindSpots.add('denied-from-failed');
  }
}

export const strace: Importer = (inputs, options) => {
  const separate = inputs.every(({ source }) => /\.\d+$/.test(basename(source)));
  if (inputs.length > 1 && !separate) {
    throw new SysieveError(
      'usage',
      'usage',
      'several files are one log only as strace -ff names them: NAME.PID',
      {
        remedy:
          'Import the logs of several runs one by one; minimise takes all of their recordings.',
      },
    );
  }
  const reader = new Reader(options.arch ?? 'x86_64', separate);
  // Parents before their children, as ids are given out: that tells what a child runs.
  const sorted = separate
    ? [...inputs].sort(
        (a, b) => Number(/\d+$/.exec(a.source)?.[0]) - Number(/\d+$/.exec(b.source)?.[0]),
      )
    : inputs;
  for (const input of sorted) reader.file(input);
  reader.finish();
  return reader.log.finish('strace', sorted, options);
};
