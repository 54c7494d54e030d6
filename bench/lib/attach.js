'use strict';
/** bench/attach: from the start of the command to a tracer that counts, on a running container. */
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { loadavg, tmpdir } = require('node:os');
const { join } = require('node:path');
const { estimate, shuffled } = require('./stats.js');

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
const ROUNDS = 31;
const GOAL_MS = 150;
const USAGE = 'usage: bench/attach [--engine docker|podman] [--rounds N] CONTAINER';

/** Wall time of a Node that does nothing, in ms. */
function plainNode() {
  const started = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, ['-e', '0']);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`node -e 0 ended with ${status}`);
  return ms;
}

/**
 * Until the line that says that the tracer counts; the recording ends then.
 * @param {string[]} target
 * @param {string} output
 * @returns {Promise<number>} ms
 */
function attached(target, output) {
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const child = spawn(process.execPath, [MAIN, 'record', ...target, '-o', output], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let ms = Number.NaN;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
      if (!Number.isNaN(ms) || !/^sysieve: recording /m.test(said)) return;
      ms = Number(process.hrtime.bigint() - started) / 1e6;
      child.kill('SIGINT');
    });
    child.once('close', (status) => {
      if (status === 0 && !Number.isNaN(ms)) resolve(ms);
      else reject(new Error(`record ended with ${status}: ${said}`));
    });
  });
}

/** @param {string[]} args */
function parsed(args) {
  const rest = [...args];
  /** @param {string} name */
  const option = (name) => {
    const at = rest.indexOf(name);
    return at < 0 ? undefined : rest.splice(at, 2)[1];
  };
  const rounds = option('--rounds') ?? String(ROUNDS);
  const engine = option('--engine') ?? 'auto';
  const [container] = rest;
  if (rest.length !== 1 || container === undefined || !/^[1-9]\d*$/.test(rounds)) return null;
  return { rounds: Number(rounds), target: ['--container', container, '--engine', engine] };
}

/** @param {string} name @param {number[]} values */
function row(name, values) {
  const { median, low, high } = estimate(values);
  const interval = low === null || high === null ? '' : `(${low.toFixed(0)} to ${high.toFixed(0)})`;
  return `${name.padEnd(24)} ${median.toFixed(0).padStart(5)} ${interval}`.trimEnd();
}

/** @param {string[]} args */
async function main(args) {
  const asked = parsed(args);
  if (asked === null) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  if (!existsSync(MAIN)) {
    process.stderr.write("attach: sysieve is not built: run 'npm run build'\n");
    process.exitCode = 4;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-attach-'));
  try {
    await measure(asked, join(directory, 'recording.json'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param {{rounds: number, target: string[]}} asked @param {string} output */
async function measure({ rounds, target }, output) {
  // Into the page cache: cold is the process, not the disk.
  await attached(target, output);
  const times = { node: /** @type {number[]} */ ([]), attach: /** @type {number[]} */ ([]) };
  for (let round = 0; round < rounds; round++) {
    for (const one of shuffled(['node', 'attach'])) {
      if (one === 'node') times.node.push(plainNode());
      else times.attach.push(await attached(target, output));
    }
  }
  // Of one round each, so that a slow moment of the machine is in both.
  const beyond = times.attach.map((ms, at) => ms - (times.node[at] ?? Number.NaN));
  const load = loadavg().map((value) => value.toFixed(1));
  const { median } = estimate(beyond);
  process.stdout.write(
    `node ${process.version}, ${rounds} rounds, load ${load.join(' ')}; ms, median (95% interval)\n` +
      `${row('node -e 0', times.node)}\n${row('record --container', times.attach)}\n` +
      `${row('beyond node', beyond)}  goal ${GOAL_MS}: ${median <= GOAL_MS ? 'met' : 'MISSED'}\n`,
  );
}

module.exports = { main };
