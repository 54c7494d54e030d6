/** Commands of the host: probes and workload steps. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Executed } from '../engines';
import { SysieveError } from '../errors';

const OUTPUT_BYTES = 64 * 1024;

export interface HostCommand {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function notStarted(program: string, error: NodeJS.ErrnoException): SysieveError {
  return new SysieveError('input', 'step-not-started', `cannot run ${program}`, {
    cause: error.code ?? error.message,
    remedy: 'Check the command in sysieve.config.json; no shell is involved unless it is named.',
  });
}

/** Runs a command of the host to its end; with the signal it and all of its process group are killed. */
export function runHere(
  command: readonly string[],
  { cwd, env, signal }: HostCommand,
): Promise<Executed> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a pipeline of a shell ends as a whole.
      detached: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output = (output + chunk).slice(-OUTPUT_BYTES);
      });
    }
    const kill = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    child.once('error', (error) => {
      signal.removeEventListener('abort', kill);
      reject(notStarted(program, error));
    });
    // What it leaves in the background keeps its output open: that is not waited for.
    child.once('exit', (code, by) => {
      signal.removeEventListener('abort', kill);
      const status = by === null ? (code ?? 1) : 128 + constants.signals[by];
      setImmediate(() => resolve({ status, output }));
    });
  });
}
