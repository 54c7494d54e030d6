'use strict';
/** bench/report: how large the page of a long recording is, and how long Chromium takes to open it. */
const { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const { loadavg, tmpdir } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { median } = require('./stats.js');

const ROOT = join(__dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const CHROMIUM = '/usr/bin/chromium';
const ROUNDS = 11;
const GOAL_MS = 1000;
const GOAL_BYTES = 1024 * 1024;
const USAGE = 'usage: bench/report [--rounds N]';

/** From the request to the end of the load event, by when the script has run, and to the first paint. */
const OPENED = `Math.max(
  performance.getEntriesByType('navigation')[0].loadEventEnd,
  performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
)`;

/** The recording that the tests use: 500 calls, 60 executables, 24 hours. @param {string} directory */
function writeRecording(directory) {
  const module = join(directory, 'recording.cjs');
  require('esbuild').buildSync({
    entryPoints: [join(ROOT, 'test', 'support', 'long-recording.ts')],
    ...{ bundle: true, platform: 'node', outfile: module, logLevel: 'error' },
  });
  const path = join(directory, 'recording.json');
  writeFileSync(path, JSON.stringify(require(module).longRecording()));
  return path;
}

/** @param {string[]} args */
async function main(args) {
  const [flag, number] = args;
  if (args.length > 0 && (flag !== '--rounds' || !/^[1-9]\d*$/.test(number ?? ''))) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  for (const needed of [MAIN, CHROMIUM]) {
    if (!existsSync(needed)) {
      process.stderr.write(
        `${needed} is missing: run scripts/setup test and npm run build first\n`,
      );
      process.exitCode = 4;
      return;
    }
  }
  const rounds = Number(number ?? ROUNDS);
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-bench-'));
  try {
    await measure(directory, rounds);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param {string} directory @param {number} rounds */
async function measure(directory, rounds) {
  const recording = writeRecording(directory);
  const page = join(directory, 'report.html');
  const started = process.hrtime.bigint();
  const made = spawnSync(process.execPath, [MAIN, 'report', recording, '-o', page]);
  const makeMs = Number(process.hrtime.bigint() - started) / 1e6;
  if (made.status !== 0) throw new Error(`report ended with ${made.status}: ${made.stderr}`);
  const { chromium } = require('playwright-core');
  const sandbox = process.geteuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: sandbox });
  /** @type {number[]} */
  const times = [];
  /** @type {number[]} */
  const busy = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      // A context of its own has no cache.
      const context = await browser.newContext({ offline: true });
      const tab = await context.newPage();
      await tab.goto(pathToFileURL(page).href);
      times.push(await tab.evaluate(OPENED));
      // What its process has computed, from its own start on: steadier where others use the machine.
      const session = await context.newCDPSession(tab);
      await session.send('Performance.enable');
      const { metrics } = await session.send('Performance.getMetrics');
      busy.push(1000 * (metrics.find(({ name }) => name === 'ProcessTime')?.value ?? Number.NaN));
      await context.close();
    }
  } finally {
    await browser.close();
  }
  const { size } = statSync(page);
  const ms = median(times);
  const judged = (/** @type {boolean} */ met) => (met ? 'met' : 'NOT met');
  process.stdout.write(
    `size: ${size} bytes (at most ${GOAL_BYTES}: ${judged(size <= GOAL_BYTES)})\n` +
      `opened: median ${ms.toFixed(0)} ms, least ${Math.min(...times).toFixed(0)}, most ` +
      `${Math.max(...times).toFixed(0)}, of ${rounds} (below ${GOAL_MS}: ${judged(ms < GOAL_MS)})\n` +
      `processor time of the page's process: median ${median(busy).toFixed(0)} ms, least ` +
      `${Math.min(...busy).toFixed(0)}\n` +
      `made: ${makeMs.toFixed(0)} ms by the command; load of the machine ${loadavg()[0]?.toFixed(1)}\n`,
  );
}

module.exports = { main };
