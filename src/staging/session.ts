/**
 * Whose a container or process is: the sysieve that made it. Each carries its owner as a mark, so that
 * what a killed owner left is found and removed by the next one, and nobody else's is touched.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
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

/** In the environment of commands of the host, and so of all they start. */
export const SESSION_VARIABLE = 'SYSIEVE_SESSION';

/** Processes that inherited `VARIABLE=value` for a value that fits. Those of other users are not seen. */
export function processesWith(variable: string, fits: (value: string) => boolean): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      const entry = environment.find((text) => text.startsWith(`${variable}=`));
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
