/** Runs the built command as users do, and looks at what the kernel still holds of it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = join(__dirname, '..', '..');
export const CLI = join(ROOT, 'dist', 'cli', 'main.js');

/** Tests that need the privilege to trace: run as root, reported as skipped elsewhere. */
export const privileged = process.getuid?.() === 0 ? describe : describe.skip;
if (process.getuid?.() !== 0) {
  process.stderr.write(`skipped: ${__filename} needs root to attach tracers\n`);
}

export function scratch(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'sysieve-test-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export function sysieve(
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    timeout: 180_000,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  return { status, stdout, stderr, signal };
}

export interface Running {
  child: ChildProcess;
  /** Everything on stderr so far. */
  stderr(): string;
  stdout(): string;
  exited: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

/** Resolves when the process has printed `ready` on stderr; rejects when it ends before. */
export async function startUntil(
  command: string,
  args: readonly string[],
  ready: RegExp,
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' } = {},
): Promise<Running> {
  const { stdin = 'ignore', ...rest } = options;
  const child = spawn(command, args, { stdio: [stdin, 'pipe', 'pipe'], ...rest });
  let stderr = '';
  let stdout = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  const exited = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (status, signal) => resolve({ status, signal })),
  );
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
      if (ready.test(stderr)) resolve();
    });
    void exited.then(({ status }) =>
      reject(new Error(`ended with ${status} before it was ready: ${stderr}`)),
    );
  });
  return { child, stderr: () => stderr, stdout: () => stdout, exited };
}

export const startRecorder = (args: readonly string[], options: { cwd?: string } = {}) =>
  startUntil(process.execPath, [CLI, 'record', ...args], /recording /, options);

/** Ids of the BPF programs that a process holds. */
export function programsOf(pid: number): number[] {
  const directory = `/proc/${pid}/fdinfo`;
  const ids = new Set<number>();
  for (const name of readdirSync(directory)) {
    let text = '';
    try {
      text = readFileSync(join(directory, name), 'latin1');
    } catch {
      continue; // closed since it was listed
    }
    for (const [, id] of text.matchAll(/^prog_id:\s*(\d+)$/gm)) ids.add(Number(id));
  }
  return [...ids];
}

/** Which of these programs the kernel still has. */
export function stillLoaded(ids: readonly number[]): number[] {
  const listed = execFileSync('bpftool', ['-j', 'prog', 'list'], { encoding: 'utf8' });
  const programs = JSON.parse(listed) as { id: number }[];
  return programs.map((program) => program.id).filter((id) => ids.includes(id));
}

/** Polls: the kernel frees programs a moment after the last descriptor is closed. */
export async function eventually(
  what: string,
  holds: () => boolean,
  timeoutMs = 60_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}
