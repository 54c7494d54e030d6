/** Child processes: run to their end, or kept beside the measurement until it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Outcome {
  code: number | null;
  output: string;
}

const COMMAND_MS = 60_000;

/**
 * Runs a command to its end. Its output goes to a file: a container inherits it and would keep a
 * pipe open.
 */
export function outcomeOf(argv: readonly string[]): Promise<Outcome> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Error('no command');
  const path = join(tmpdir(), `sysieve-output-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return new Promise<Outcome>((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', file, file], timeout: COMMAND_MS });
    child.once('error', reject);
    child.once('exit', (code) => {
      const bytes = Buffer.alloc(fstatSync(file).size);
      readSync(file, bytes, 0, bytes.length, 0);
      resolve({ code, output: bytes.toString('utf8') });
    });
  }).finally(() => closeSync(file));
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
    const child = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
