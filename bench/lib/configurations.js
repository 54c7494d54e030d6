'use strict';
/**
 * What a workload is measured under. Each configuration attaches to a process and says afterwards
 * how many getppid calls it saw, so that a tracer which was not there cannot look cheap.
 */
const { readdirSync, readFileSync, readlinkSync } = require('node:fs');
const { join } = require('node:path');
const { ROOT } = require('./build.js');
const { start, until } = require('./children.js');

const CAPTURE = join(ROOT, 'dist', 'capture', 'capture.js');

/**
 * @typedef {object} Context
 * @property {number} pid the process that is measured
 * @property {number} otherPid an idle process
 * @property {(pid?: number) => Promise<number>} countTracers on the syscall tracepoints: all there
 *   are, or those on the perf events of one process
 * @property {Record<string, string>} built
 *
 * @typedef {object} Configuration
 * @property {string} name
 * @property {string} label
 * @property {number} programs BPF programs it hangs on the syscall tracepoints
 * @property {'fast' | 'slow'} pace slow: a call costs microseconds; fewer calls are measured
 * @property {boolean} exact a count other than that of the calls made is a defect
 * @property {string | null} needs a program that has to be installed
 * @property {(context: Context) => Promise<() => Promise<number | null>>} attach
 *   resolves when attached; the function it resolves to detaches and returns the calls seen, null
 *   where nobody counts
 */

/** @param {'enter' | 'both'} which */
const empty =
  (which) =>
  async (/** @type {Context} */ { built }) => {
    const holder = start(part(built, 'attach-empty'), [part(built, 'empty.bpf.o'), which]);
    await attached(holder, () => holder.output.stdout.includes('attached'));
    return async () => {
      holder.child.stdin.end();
      await holder.ended;
      return null;
    };
  };

/**
 * What `sysieve record` runs, its look at the counters every 100 ms included.
 * @param {'pid' | 'otherPid'} recorded
 * @param {boolean} denied
 * @param {'ebpf' | 'ptrace'} tracer
 */
const sysieve =
  (recorded, denied, tracer = 'ebpf') =>
  async (/** @type {Context} */ context) => {
    /** @type {typeof import('../../src/capture/capture')} */
    const { Capture } = require(CAPTURE);
    const capture = new Capture({ execRule: 'any', denied, tracer, pids: [context[recorded]] });
    const stop = new AbortController();
    const watched = capture.watch(() => false, stop.signal);
    return async () => {
      stop.abort();
      await watched;
      const { calls, completeness } = capture.finish({
        target: { kind: 'pid', engine: null, name: null, id: null, image: null },
        runtime: null,
        attachedLate: null,
      });
      if (completeness.callsLost > 0)
        throw new Error(`sysieve lost ${completeness.callsLost} calls`);
      if (recorded === 'otherPid') return null;
      const counts = calls.filter(({ name }) => name === 'getppid').map(({ count }) => count);
      return counts.reduce((sum, count) => sum + count, 0);
    };
  };

/**
 * A tool that runs beside the workload and prints its counts at SIGINT.
 * @param {(pid: number) => [string, ...string[]]} commandFor
 * @param {(context: Context, toolPid: number) => boolean | Promise<boolean>} isAttached
 * @param {RegExp | null} count finds the getppid calls in what it printed; null: it counts nothing
 */
const tool = (commandFor, isAttached, count) => async (/** @type {Context} */ context) => {
  const [command, ...parameters] = commandFor(context.pid);
  const started = start(command, parameters);
  await attached(started, () => isAttached(context, started.pid));
  return async () => {
    started.child.kill('SIGINT');
    const { stdout, stderr } = await started.ended;
    if (count === null) return null;
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
    exact: false,
    needs: null,
    attach: async () => async () => null,
  },
  {
    name: 'emptyEnter',
    label: 'empty program: sys_enter',
    programs: 1,
    pace: 'fast',
    exact: false,
    needs: null,
    attach: empty('enter'),
  },
  {
    name: 'emptyBoth',
    label: 'empty programs: sys_enter, sys_exit',
    programs: 2,
    pace: 'fast',
    exact: false,
    needs: null,
    attach: empty('both'),
  },
  {
    name: 'target',
    label: 'sysieve: target',
    programs: 1,
    pace: 'fast',
    exact: true,
    needs: null,
    attach: sysieve('pid', false),
  },
  {
    name: 'targetDenied',
    label: 'sysieve: target, denied calls too',
    programs: 2,
    pace: 'fast',
    exact: true,
    needs: null,
    attach: sysieve('pid', true),
  },
  {
    name: 'neighbour',
    label: 'sysieve: neighbour of a target',
    programs: 1,
    pace: 'fast',
    exact: false,
    needs: null,
    attach: sysieve('otherPid', false),
  },
  {
    name: 'neighbourDenied',
    label: 'sysieve: neighbour, denied calls too',
    programs: 2,
    pace: 'fast',
    exact: false,
    needs: null,
    attach: sysieve('otherPid', true),
  },
  {
    name: 'bpftrace',
    label: 'bpftrace: count by number',
    programs: 1,
    pace: 'fast',
    exact: false,
    needs: 'bpftrace',
    attach: tool(
      () => ['bpftrace', '-e', 'tracepoint:raw_syscalls:sys_enter { @[args->id] = count(); }'],
      async ({ countTracers }, toolPid) => (await countTracers(toolPid)) >= 1,
      /^@\[110\]: (\d+)$/m,
    ),
  },
  {
    name: 'perfTrace',
    label: 'perf trace -s',
    programs: 0,
    pace: 'slow',
    exact: false,
    needs: 'perf',
    attach: tool(
      (pid) => ['perf', 'trace', '-s', '-p', String(pid)],
      perfIsOn,
      /^ +getppid +(\d+) /m,
    ),
  },
  {
    name: 'ptrace',
    label: 'sysieve: target, by ptrace',
    programs: 0,
    pace: 'slow',
    exact: true,
    needs: null,
    attach: sysieve('pid', false, 'ptrace'),
  },
  {
    name: 'straceRaw',
    label: 'strace -f -e raw=all, no output',
    programs: 0,
    pace: 'slow',
    exact: false,
    needs: 'strace',
    attach: tool(
      (pid) => ['strace', '-f', '-e', 'raw=all', '-o', '/dev/null', '-p', String(pid)],
      ({ pid }) => everyThreadHasTracer(pid),
      null,
    ),
  },
  {
    name: 'strace',
    label: 'strace -f -c',
    programs: 0,
    pace: 'slow',
    exact: false,
    needs: 'strace',
    attach: tool(
      (pid) => ['strace', '-f', '-c', '-p', String(pid)],
      ({ pid }) => everyThreadHasTracer(pid),
      /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?getppid$/m,
    ),
  },
];

module.exports = { CAPTURE, CONFIGURATIONS };
