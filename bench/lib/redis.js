'use strict';
/** redis-benchmark GET against a server of its own: loopback, no persistence. */
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { run, start, until } = require('./children.js');

const REQUESTS = { fast: 50_000, slow: 5_000 };
const CLIENTS = 50;

/** The share of untraced throughput that has to remain. */
const GOALS = new Map([
  ['target', 0.98],
  ['targetDenied', 0.96],
]);

/** @returns {Promise<number>} a TCP port that was free a moment ago */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Nanoseconds on a processor, of all threads. /proc/PID/stat counts in ticks of 10 ms. */
function cpuNs(/** @type {number} */ pid) {
  return readdirSync(`/proc/${pid}/task`)
    .map((tid) => readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0])
    .reduce((sum, ns) => sum + Number(ns), 0);
}

/** @param {number} scale of the numbers of requests */
async function startRedis(scale) {
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const server = start('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
  ]);
  const ready = () => /Ready to accept connections/.test(server.output.stdout);
  await until(
    () => ready() || server.child.exitCode !== null,
    () => 'redis-server does not start',
  );
  if (!ready()) throw new Error(`redis-server ended: ${server.output.stdout.trim()}`);

  /** @param {'set' | 'get'} command @param {number} requests */
  const benchmark = async (command, requests) => {
    const { stdout } = await run('redis-benchmark', [
      ...['-h', '127.0.0.1', '-p', String(port), '-c', String(CLIENTS)],
      ...['-t', command, '-n', String(requests), '--csv'],
    ]);
    const rate = /^"(?:GET|SET)","([\d.]+)"/m.exec(stdout)?.[1];
    if (rate === undefined) throw new Error(`redis-benchmark printed no rate: ${stdout.trim()}`);
    return Number(rate);
  };
  await benchmark('set', 1000);

  return {
    pid: server.pid,
    callsMade: () => 0,
    /** @param {{pace: 'fast' | 'slow'}} configuration */
    warmUp: async ({ pace }) => {
      await benchmark('get', (REQUESTS[pace] * scale) / 10);
    },
    /** @param {{pace: 'fast' | 'slow'}} configuration */
    measure: async ({ pace }) => {
      const requests = REQUESTS[pace] * scale;
      const before = cpuNs(server.pid);
      const requestsPerSecond = await benchmark('get', requests);
      return { requestsPerSecond, cpuNsPerRequest: (cpuNs(server.pid) - before) / requests };
    },
    end: async () => {
      server.child.kill('SIGTERM');
      await server.ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

module.exports = { CLIENTS, GOALS, REQUESTS, startRedis };
