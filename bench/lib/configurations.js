'use strict';
/**
 * What a workload is measured under. Each configuration attaches to a process and says afterwards
 * how many getppid calls it saw, so that a tracer which was not there cannot look cheap.
 */
const { readdirSync, readFileSync, readlinkSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('./build.js');
const { start, until } = require('./children.js');

const GETPPID = 110;
/** How often `sysieve record` looks at its counters. */
const POLL_MS = 100;

/**
 * @typedef {object} Context
 * @property {number} pid the process that is measured
 * @property {number} otherPid an idle process
 * @property {() => Promise<number>} countTracers
 * @property {Record<string, string>} built
 *
 * @typedef {object} Configuration
 * @property {string} name
 * @property {string} label
 * @property {number} programs BPF programs it hangs on the syscall tracepoints
 * @property {'fast' | 'slow'} pace slow: a call costs microseconds; fewer calls are measured
 * @property {string | null} needs a program that has to be installed
 * @property {(context: Context) => Promise<() => Promise<number | null>>} attach
 *   resolves when attached; the function it resolves to detaches and returns the calls seen, null
 *   where nobody counts
 */

/** @param {'enter' | 'both'} which @param {number} programs */
const empty = (which, programs) => async (/** @type {Context} */ context) => {
  const { built } = context;
  const holder = start(part(built, 'attach-empty'), [part(built, 'empty.bpf.o'), which]);
  await attached(holder, async () => (await context.countTracers()) >= programs);
  return async () => {
    holder.child.stdin.end();
    await holder.ended;
    return null;
  };
};

/**
 * The addon as `sysieve record` uses it, with its look at the counters every 100 ms.
 * @param {'pid' | 'otherPid'} recorded
 * @param {boolean} denied
 */
const sysieve = (recorded, denied) => async (/** @type {Context} */ context) => {
  /** @type {import('../../src/capture/binding-types').NativeAddon} */
  const { Session } = require(join(ROOT, 'build', 'Release', 'sysieve.node'));
  const session = new Session({
    execRule: 'any',
    denied,
    cgroups: [],
    cgroupNames: [],
    mountNamespaces: [],
    pidNamespaces: [],
    pids: [context[recorded]],
    setupPids: [],
    programs: 'typed',
  });
  session.start();
  const poll = setInterval(() => session.read(), POLL_MS);
  return async () => {
    clearInterval(poll);
    session.detach();
    const { calls, lost } = session.read();
    session.stop();
    if (lost.calls > 0n) throw new Error(`sysieve lost ${lost.calls} calls`);
    if (recorded === 'otherPid') return null;
    const seen = calls.filter(({ number }) => number === GETPPID);
    return seen.reduce((sum, { count }) => sum + Number(count), 0);
  };
};

/**
 * A tool that runs beside the workload and prints its counts at SIGINT.
 * @param {(pid: number) => [string, ...string[]]} commandFor
 * @param {(context: Context, toolPid: number) => boolean | Promise<boolean>} isAttached
 * @param {RegExp} count finds the getppid calls in what it printed
 */
const tool = (commandFor, isAttached, count) => async (/** @type {Context} */ context) => {
  const [command, ...parameters] = commandFor(context.pid);
  const started = start(command, parameters);
  await attached(started, () => isAttached(context, started.pid));
  return async () => {
    started.child.kill('SIGINT');
    const { stdout, stderr } = await started.ended;
    const found = count.exec(stdout + stderr)?.[1];
    return found === undefined ? 0 : Number(found);
  };
};

/**
 * @param {ReturnType<typeof start>} started
 * @param {() => boolean | Promise<boolean>} holds
 */
async function attached(started, holds) {
  const failure = () =>
    `${started.child.spawnfile} did not attach: ${started.output.stderr.trim() || 'it said nothing'}`;
  const hasEnded = () => started.child.exitCode !== null || started.child.signalCode !== null;
  await until(() => hasEnded() || holds(), failure);
  if (hasEnded()) throw new Error(failure());
}

/** @param {number} pid */
function everyThreadHasTracer(pid) {
  return readdirSync(`/proc/${pid}/task`).every((tid) =>
    /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8')),
  );
}

/** @param {number} pid */
function hasPerfEvents(pid) {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:[perf_event]';
    } catch {
      return false;
    }
  });
}

/** perf opens its events switched off and switches them on when all are there, which nothing shows. */
async function perfIsOn(/** @type {Context} */ _context, /** @type {number} */ pid) {
  if (!hasPerfEvents(pid)) return false;
  await new Promise((resolve) => setTimeout(resolve, 250));
  return true;
}

/** @param {Record<string, string>} built @param {string} name */
function part(built, name) {
  const path = built[name];
  if (path === undefined) throw new Error(`${name} was not built`);
  return path;
}

/** @type {Configuration[]} */
const CONFIGURATIONS = [
  {
    name: 'untraced',
    label: 'untraced',
    programs: 0,
    pace: 'fast',
    needs: null,
    attach: async () => async () => null,
  },
  {
    name: 'emptyEnter',
    label: 'empty program: sys_enter',
    programs: 1,
    pace: 'fast',
    needs: null,
    attach: empty('enter', 1),
  },
  {
    name: 'emptyBoth',
    label: 'empty programs: sys_enter, sys_exit',
    programs: 2,
    pace: 'fast',
    needs: null,
    attach: empty('both', 2),
  },
  {
    name: 'target',
    label: 'sysieve: target',
    programs: 1,
    pace: 'fast',
    needs: null,
    attach: sysieve('pid', false),
  },
  {
    name: 'targetDenied',
    label: 'sysieve: target, denied calls too',
    programs: 2,
    pace: 'fast',
    needs: null,
    attach: sysieve('pid', true),
  },
  {
    name: 'neighbour',
    label: 'sysieve: neighbour of a target',
    programs: 1,
    pace: 'fast',
    needs: null,
    attach: sysieve('otherPid', false),
  },
  {
    name: 'neighbourDenied',
    label: 'sysieve: neighbour, denied calls too',
    programs: 2,
    pace: 'fast',
    needs: null,
    attach: sysieve('otherPid', true),
  },
  {
    name: 'bpftrace',
    label: 'bpftrace: count by number',
    programs: 1,
    pace: 'fast',
    needs: 'bpftrace',
    attach: tool(
      () => ['bpftrace', '-e', 'tracepoint:raw_syscalls:sys_enter { @[args->id] = count(); }'],
      async ({ countTracers }) => (await countTracers()) >= 1,
      /^@\[110\]: (\d+)$/m,
    ),
  },
  {
    name: 'perfTrace',
    label: 'perf trace -s',
    programs: 0,
    pace: 'slow',
    needs: 'perf',
    attach: tool(
      (pid) => ['perf', 'trace', '-s', '-p', String(pid)],
      perfIsOn,
      /^ +getppid +(\d+) /m,
    ),
  },
  {
    name: 'strace',
    label: 'strace -f -c',
    programs: 0,
    pace: 'slow',
    needs: 'strace',
    attach: tool(
      (pid) => ['strace', '-f', '-c', '-p', String(pid)],
      ({ pid }) => everyThreadHasTracer(pid),
      /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?getppid$/m,
    ),
  },
];

module.exports = { CONFIGURATIONS };
