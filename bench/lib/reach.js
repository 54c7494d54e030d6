'use strict';
/** How long it takes to scan nginx with all its libraries: with an empty cache, and from it. */
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describeProgram } = require('../../dist/reach');
const { ProgramScanner } = require('../../dist/scan');

const GOALS = { cold: 3000, cached: 200 };

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** @param {string} path */
async function look(path) {
  const began = process.hrtime.bigint();
  const { calls } = describeProgram(await new ProgramScanner('/').scan(path));
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  if (calls.length === 0) throw new Error(`${path} was not scanned`);
  return ms;
}

/** @param {string[]} args */
async function main(args) {
  const rounds = Number(args[0] ?? 11);
  const path = args[1] ?? '/usr/sbin/nginx';
  /** @type {{cold: number[], cached: number[]}} */
  const times = { cold: [], cached: [] };
  for (let round = 0; round < rounds; round++) {
    const cache = mkdtempSync(join(tmpdir(), 'sysieve-bench-'));
    process.env.SYSIEVE_CACHE = cache;
    times.cold.push(await look(path));
    times.cached.push(await look(path));
    rmSync(cache, { recursive: true, force: true });
  }
  console.log(`${path}, ${rounds} rounds: ms`);
  console.log('|  | median | least | most | goal |\n| --- | ---: | ---: | ---: | ---: |');
  for (const name of /** @type {const} */ (['cold', 'cached'])) {
    const all = times[name];
    const figures = [median(all), Math.min(...all), Math.max(...all), GOALS[name]];
    console.log(`| ${name} | ${figures.map((one) => one.toFixed(0)).join(' | ')} |`);
  }
}

module.exports = {
  /** @param {string[]} args */
  main: (args) =>
    main(args).catch((error) => {
      console.error(error);
      process.exitCode = 1;
    }),
};
