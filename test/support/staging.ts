/** `sysieve profile` as users run it: in a repository with a config, against an engine of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestEngine } from './engines';
import { CLI } from './recorder';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Repository {
  dir: string;
  configure(apps: object): void;
  /** The text of a file in it; null: there is none. */
  read(path: string): string | null;
  list(path: string): string[];
  /** `killAfterMs`: SIGKILL then, or `signal`. */
  sysieve(
    args: readonly string[],
    options?: { after?: { ms?: number; line?: RegExp; signal: NodeJS.Signals } },
  ): Promise<Ended>;
  remove(): void;
}

export function repository(engine: TestEngine): Repository {
  const dir = mkdtempSync(join(tmpdir(), 'sysieve-staging-'));
  return {
    dir,
    configure: (apps) =>
      writeFileSync(join(dir, 'sysieve.config.json'), JSON.stringify({ apps }, null, 2)),
    read: (path) => (existsSync(join(dir, path)) ? readFileSync(join(dir, path), 'utf8') : null),
    list: (path) => (existsSync(join(dir, path)) ? readdirSync(join(dir, path)).sort() : []),
    sysieve: (args, { after } = {}) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [CLI, ...args], {
          cwd: dir,
          env: engine.env,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let stdout = '';
        let stderr = '';
        let timer: NodeJS.Timeout | undefined;
        if (after?.ms !== undefined) timer = setTimeout(() => child.kill(after.signal), after.ms);
        child.stdout.on('data', (chunk) => {
          stdout += chunk;
        });
        child.stderr.on('data', (chunk) => {
          stderr += chunk;
          if (after?.line?.test(stderr) && !child.killed) child.kill(after.signal);
        });
        child.once('close', (status, signal) => {
          clearTimeout(timer);
          resolve({ status, signal, stdout, stderr });
        });
      }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Containers that carry sysieve's label, running or not. */
export async function ownContainers(engine: TestEngine): Promise<string[]> {
  const listed = await engine.cli('ps', '-aq', '--filter', 'label=sysieve.session');
  return listed.split('\n').filter((id) => id !== '');
}
