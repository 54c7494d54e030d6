/** Runs `sysieve-reach` (native/reach) on one file of a file system. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SysieveError } from '../errors';
import { nativeFile, nativeRemedy } from '../install';
import { readScan, type Scan } from '../reach';

/**
 * It limits its own processor time to 10 s; this is for a machine on which it gets none, and for a
 * file system that does not answer (a server that is gone, or one of the container's own).
 */
const PATIENCE_MS = 60_000;
/** A process that waits for such a file system may not even be killed: it is left behind. */
const GRACE_MS = 2_000;
/** Of one file system: the rest of it is not asked for. */
const MOST_UNANSWERED = 2;
const unanswered = new Map<string, number>();
const MOST_OUTPUT = 256 * 1024 * 1024;

export interface Identity {
  readonly sha256: string;
  /** Hexadecimal; '': none. */
  readonly buildId: string;
}

/** Why a file was not scanned. */
export interface Refusal {
  readonly refused: 'missing' | 'unreadable' | 'unscannable' | 'limit' | 'failed';
  readonly message: string;
}

export interface Script {
  /** What stands behind `#!`. */
  readonly script: string;
}

export const isRefusal = (answer: object): answer is Refusal => 'refused' in answer;
export const isScript = (answer: object): answer is Script => 'script' in answer;

export function scannerPath(): string {
  const path = nativeFile('sysieve-reach');
  if (existsSync(path)) return path;
  throw new SysieveError(
    'system',
    'scanner-missing',
    "sysieve's scanner of binaries is not there",
    {
      cause: path,
      remedy: nativeRemedy("Run 'npm run setup' and 'npm run build' in sysieve's directory."),
    },
  );
}

interface Ended {
  status: number | null;
  signal: string | null;
  output: Buffer;
}

const UNANSWERED: Ended = { status: null, signal: 'unanswered', output: Buffer.alloc(0) };

function run(mode: string, root: string, path: string): Promise<Ended> {
  if ((unanswered.get(root) ?? 0) >= MOST_UNANSWERED) return Promise.resolve(UNANSWERED);
  return new Promise((resolve, reject) => {
    const child = spawn(scannerPath(), [mode, root, path], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {},
      cwd: '/',
    });
    const parts: Buffer[] = [];
    let size = 0;
    let late = false;
    let timer = setTimeout(() => {
      late = true;
      unanswered.set(root, (unanswered.get(root) ?? 0) + 1);
      child.kill('SIGKILL');
      timer = setTimeout(() => {
        child.stdout.destroy();
        child.unref();
        resolve(UNANSWERED);
      }, GRACE_MS);
    }, PATIENCE_MS);
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > MOST_OUTPUT) child.kill('SIGKILL');
      else parts.push(part);
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve(late ? UNANSWERED : { status, signal, output: Buffer.concat(parts) });
    });
  });
}

function refusal({ status, signal, output }: Ended): Refusal {
  if (status === 3) {
    const { error, message } = JSON.parse(output.toString('utf8')) as Record<string, string>;
    if (
      error === 'missing' ||
      error === 'unreadable' ||
      error === 'unscannable' ||
      error === 'limit'
    )
      return { refused: error, message: message ?? error };
    return { refused: 'failed', message: message ?? String(error) };
  }
  if (signal === UNANSWERED.signal)
    return { refused: 'unreadable', message: 'its file system does not answer' };
  if (signal === 'SIGXCPU' || signal === 'SIGKILL')
    return { refused: 'limit', message: 'it takes more than 10 s to go through' };
  return { refused: 'failed', message: `the scanner ended with ${signal ?? status}` };
}

async function ask(mode: string, root: string, path: string): Promise<object> {
  const ended = await run(mode, root, path);
  if (ended.status !== 0) return refusal(ended);
  const answer: unknown = JSON.parse(ended.output.toString('utf8'));
  if (typeof answer === 'object' && answer !== null) return answer;
  throw new SysieveError('defect', 'scan-malformed', `${path}: the scanner's answer is no object`);
}

/** `path` as seen in `root`; symbolic links do not lead out of it. */
export async function identify(
  root: string,
  path: string,
): Promise<Pick<Identity, 'sha256'> | Script | Refusal> {
  return (await ask('identify', root, path)) as Pick<Identity, 'sha256'> | Script | Refusal;
}

export async function scanFile(
  root: string,
  path: string,
): Promise<{ sha256: string; scan: Scan } | Refusal> {
  const answer = (await ask('scan', root, path)) as { sha256: string; scan: unknown };
  if (isRefusal(answer)) return answer;
  if (isScript(answer)) return { refused: 'unscannable', message: 'a script' };
  return { sha256: answer.sha256, scan: readScan(answer.scan, path) };
}

/** The bytes of a file of at most 16 MiB; null: it is not there, or may not be read. */
export async function readInRoot(root: string, path: string): Promise<Buffer | null> {
  const { status, output } = await run('read', root, path);
  return status === 0 ? output : null;
}
