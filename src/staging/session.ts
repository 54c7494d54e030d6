/**
 * Whose a container or process is: the sysieve that made it. Each carries its owner as a mark, so that
 * what a killed owner left is found and removed by the next one, and nobody else's is touched.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { processState } from '../capture/processes';

export const APP_LABEL = 'sysieve.app';
export const SESSION_LABEL = 'sysieve.session';

export interface Owner {
  /** Of the kernel: process ids begin anew with it. */
  readonly boot: string;
  /** Inode of the pid namespace that the id belongs to. */
  readonly namespace: string;
  readonly pid: number;
  readonly startTicks: number;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', '');
}

function pidNamespace(): string {
  return /\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1] ?? '0';
}

export function ownSession(): string {
  const ticks = processState(process.pid)?.startTicks ?? 0;
  return [bootId(), pidNamespace(), process.pid, ticks].join('-');
}

/** null: not what sysieve writes. */
export function parseSession(text: string): Owner | null {
  const match = /^([0-9a-f]{32})-(\d{1,20})-(\d{1,10})-(\d{1,20})$/.exec(text);
  if (match === null) return null;
  const [, boot = '', namespace = '', pid, startTicks] = match;
  return { boot, namespace, pid: Number(pid), startTicks: Number(startTicks) };
}

/** Whether the owner is gone for certain. One of another pid namespace cannot be seen from here. */
export function isDead(session: string): boolean {
  const owner = parseSession(session);
  if (owner === null) return false;
  if (owner.boot !== bootId()) return true;
  if (owner.namespace !== pidNamespace()) return false;
  return processState(owner.pid)?.startTicks !== owner.startTicks;
}

const PAGE = 4096n;
/** The kernel takes at most 6 MiB (fs/exec.c, bprm_stack_limits). */
const MOST_ENVIRONMENT = 8n * 1024n * 1024n;

/** In the environment of commands of the host, and so of all they start. */
export const SESSION_VARIABLE = 'SYSIEVE_SESSION';

/**
 * /proc/PID/environ is read from the process's memory, which may be a mapped file that never answers
 * (another's FUSE file system): then the read never ends, whatever signal comes. The kernel fills that
 * memory at the execve, so what is neither there nor in swap was put there by the process itself.
 */
function environmentOf(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Fields 50 and 51, counted from the third: the name before that may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [start, end] = [BigInt(fields[47] ?? 0), BigInt(fields[48] ?? 0)];
  if (end <= start || end - start > MOST_ENVIRONMENT) return [];
  // A kernel without CONFIG_PROC_PAGE_MONITOR cannot tell.
  if (!existsSync('/proc/self/pagemap')) return readEnvironment(pid);
  const first = start / PAGE;
  const entries = Buffer.alloc(Number((end - 1n) / PAGE - first + 1n) * 8);
  const pages = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    if (readSync(pages, entries, 0, entries.length, first * 8n) !== entries.length) return [];
  } finally {
    closeSync(pages);
  }
  for (let at = 0; at < entries.length; at += 8) {
    // Present, or swapped and of no file; Documentation/admin-guide/mm/pagemap.rst.
    const flags = entries.readBigUInt64LE(at) >> 61n;
    if ((flags & 4n) === 0n && flags !== 2n) return [];
  }
  return readEnvironment(pid);
}

function readEnvironment(pid: string): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
}

/** Processes that inherited `VARIABLE=value` for a value that fits. Those of other users are not seen. */
export function processesWith(variable: string, fits: (value: string) => boolean): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const entry = environmentOf(name).find((text) => text.startsWith(`${variable}=`));
      if (entry !== undefined && fits(entry.slice(variable.length + 1))) found.push(pid);
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}
