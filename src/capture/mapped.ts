/**
 * What processes of a target have mapped to be executed: files that nothing names beforehand, such as
 * modules that a program loads by itself. Looked at now and then; what came and went between two looks
 * is not seen.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const O_PATH = 0o10000000;
/** A process with more is nothing ordinary; the rest is left out. */
const MOST_FILES = 4096;

/** Paths in /proc/PID/maps of what may be executed, as that process's own root has them. */
export function mappedIn(maps: string): string[] {
  const found = new Set<string>();
  for (const line of maps.split('\n')) {
    const [, permissions = '', path = ''] =
      /^[0-9a-f]+-[0-9a-f]+ (\S{4}) \S+ \S+ \S+ +(\/.*)$/.exec(line) ?? [];
    // The kernel writes a newline in a path as \012, and what is gone with a word behind it.
    if (permissions[2] === 'x' && !path.endsWith(' (deleted)')) {
      found.add(path.replaceAll('\\012', '\n'));
    }
  }
  return [...found];
}

/** Its children's children and so on, by every thread of them. */
export function descendantsOf(pid: number): number[] {
  const found = [pid];
  for (let i = 0; i < found.length && found.length < 100_000; i++) {
    const at = `/proc/${found[i]}/task`;
    for (const task of listed(at)) {
      try {
        const children = readFileSync(join(at, task, 'children'), 'latin1');
        found.push(...children.split(' ').filter(Boolean).map(Number));
      } catch {
        // Ended meanwhile.
      }
    }
  }
  return found;
}

/** Processes in these cgroups and below. */
export function processesIn(cgroups: readonly string[]): number[] {
  const found = new Set<number>();
  const visit = (directory: string): void => {
    try {
      const text = readFileSync(join(directory, 'cgroup.procs'), 'latin1');
      for (const pid of text.split('\n').filter(Boolean)) found.add(Number(pid));
    } catch {
      return;
    }
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) visit(join(directory, entry.name));
    }
  };
  for (const directory of cgroups) visit(directory);
  return [...found];
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

export class MappedFiles {
  /** By the executable, as its own root has it. */
  readonly byExecutable = new Map<string, Set<string>>();
  /** Some were there that this process may not look at (no CAP_SYS_PTRACE). */
  refused = false;
  private root: number | null = null;

  constructor(private readonly processes: () => readonly number[]) {}

  look(): void {
    for (const pid of this.processes()) {
      try {
        const executable = readlinkSync(`/proc/${pid}/exe`);
        const files = mappedIn(readFileSync(`/proc/${pid}/maps`, 'utf8'));
        const known = this.byExecutable.get(executable) ?? new Set();
        for (const file of files) if (known.size < MOST_FILES) known.add(file);
        this.byExecutable.set(executable, known);
        this.root ??= openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Or it has ended meanwhile.
        if (code === 'EACCES' || code === 'EPERM') this.refused = true;
      }
    }
  }

  /** A directory that stays the target's root when the target has ended; null: none was seen. */
  get rootPath(): string | null {
    return this.root === null ? null : `/proc/${process.pid}/fd/${this.root}`;
  }

  close(): void {
    if (this.root !== null) closeSync(this.root);
    this.root = null;
  }
}
