/** Child processes: run to their end, or kept beside the measurement until it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Outcome {
  code: number | null;
  output: string;
}

const COMMAND_MS = 60_000;

/**
 * Runs a command to its end. Its output goes through a pipe that a container may inherit, so only
 * the command's own end is waited for, not the pipe's.
 */
export function outcomeOf(argv: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [command, ...args] = argv;
    if (command === undefined) throw new Error('no command');
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => {
      // What was written before the exit is read by then or in the next turn.
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, output });
      });
    });
  });
}

/** The output of a command that has to exit 0. */
export async function run(argv: readonly string[]): Promise<string> {
  const { code, output } = await outcomeOf(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${output.trim()}`);
  return output;
}

/** A process that ends with this one, even when this one is killed; resolves at its first line. */
export function companion(argv: readonly string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const args = ['--pdeathsig', 'KILL', ...argv];
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${argv.join(' ')}: exit ${code} at its start`)));
    child.stdout.once('data', () => {
      child.stdout.resume();
      resolve(child);
    });
  });
}

export async function endCompanion(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

export async function until(what: string, ready: () => boolean): Promise<void> {
  const deadline = Date.now() + COMMAND_MS;
  while (!ready()) {
    if (Date.now() > deadline) throw new Error(`waited ${COMMAND_MS / 1000} s for ${what}`);
    await sleep(2);
  }
}
