'use strict';
/** Child processes of the benchmark: started, talked to, and none left behind. */
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
])) {
  process.on(signal, () => process.exit(128 + number));
}

/**
 * A started program whose output is collected.
 * @param {string} command
 * @param {string[]} parameters
 */
function start(command, parameters) {
  const child = spawn(command, parameters, { stdio: 'pipe' });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  // Writing to a program that has ended; its exit status tells the story.
  child.stdin.on('error', () => undefined);
  /** @type {Promise<{code: number | null, stdout: string, stderr: string}>} */
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, ...output });
    });
  });
  ended.catch(() => running.delete(child));
  if (child.pid === undefined) return { child, pid: 0, ended, output };
  return { child, pid: child.pid, ended, output };
}

/**
 * Runs a program to its end. Throws when it fails.
 * @param {string} command
 * @param {string[]} parameters
 */
async function run(command, parameters) {
  const { child, ended } = start(command, parameters);
  child.stdin.end();
  const { code, stdout, stderr } = await ended;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.trim()}`);
  return { stdout, stderr };
}

/** A long-lived program that answers each line with a line. */
class Answerer {
  /**
   * @param {string} command
   * @param {string[]} [parameters]
   */
  constructor(command, parameters = []) {
    this.command = command;
    this.process = start(command, parameters);
    this.pid = this.process.pid;
    this.lines = createInterface({ input: this.process.child.stdout })[Symbol.asyncIterator]();
  }

  /** @param {string} line */
  async ask(line) {
    this.process.child.stdin.write(`${line}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.command} ended: ${this.process.output.stderr.trim()}`);
    return value;
  }

  async end() {
    this.process.child.stdin.end();
    await this.process.ended;
  }
}

/**
 * Polls until `holds` does; throws what `otherwise` says after the deadline.
 * @param {() => boolean | Promise<boolean>} holds
 * @param {() => string} otherwise
 */
async function until(holds, otherwise, timeoutMs = 20_000) {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

module.exports = { Answerer, run, start, until };
