/**
 * Scans by the SHA-256 of the file: a build id is the file's own word, and the files are those of
 * containers. One JSON file each; those used longest ago go first when there are too many.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readScan, type Scan } from '../reach';
import { scannerPath } from './scanner';

const LARGEST = 256 * 1024 * 1024;

function directory(): string {
  const { env } = process;
  const base =
    env.SYSIEVE_CACHE ?? join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sysieve');
  // Another scanner may say something else.
  const { size, mtimeMs } = statSync(scannerPath());
  return join(base, 'reach', `${size.toString(36)}-${Math.round(mtimeMs).toString(36)}`);
}

export function cached(sha256: string): Scan | null {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
  const path = join(directory(), `${sha256}.json`);
  try {
    const scan = readScan(JSON.parse(readFileSync(path, 'utf8')), path);
    const now = new Date();
    utimesSync(path, now, now);
    return scan;
  } catch {
    // Not there, or not whole: it is made again.
    return null;
  }
}

/** A cache that cannot be written costs time, and nothing else. */
export function remember(sha256: string, scan: Scan): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return;
  try {
    const into = directory();
    mkdirSync(into, { recursive: true, mode: 0o700 });
    const path = join(into, `${sha256}.json`);
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(scan), { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
    prune(into);
  } catch {
    return;
  }
}

function prune(into: string): void {
  const files = readdirSync(into)
    .map((name) => ({ path: join(into, name), status: statSync(join(into, name)) }))
    .sort((a, b) => b.status.mtimeMs - a.status.mtimeMs);
  let total = 0;
  for (const { path, status } of files) {
    total += status.size;
    if (total > LARGEST) rmSync(path, { force: true });
  }
}
