/**
 * A process that captures may end at any moment and in any way: by itself, by a mistake in it, with
 * the thread that captures, by a signal. Each ends as it would without a capture; nothing stays
 * attached, and what was watched goes on unharmed.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TracerName } from '../../src/capture/binding-types';
import {
  eventually,
  privileged,
  programsOf,
  ROOT,
  type Running,
  startUntil,
  stillLoaded,
} from '../support/recorder';
import {
  ALONE,
  buildSanitized,
  reports,
  SANITIZED_ADDON,
  withoutLeaks,
} from '../support/sanitized';

jest.setTimeout(600_000);

/** Those that attach to what runs. */
interface Row {
  tracer: TracerName;
  /** Shows as the target's tracer, not in programs that the capturing process holds. */
  ptraces?: true;
}
const TRACERS: readonly Row[] = [{ tracer: 'ebpf' }, { tracer: 'ptrace', ptraces: true }];

let sanitized: NodeJS.ProcessEnv;
interface Addon {
  name: string;
  path: string;
  /** What node needs to load it; `leaks`: for losses to be looked for at its end. */
  env(leaks: boolean): NodeJS.ProcessEnv;
}
const ORDINARY: Addon = {
  name: 'the addon',
  path: join(ROOT, 'build', 'Release', 'sysieve.node'),
  env: () => process.env,
};
const SANITIZED: Addon = {
  name: 'the sanitized addon',
  path: SANITIZED_ADDON,
  env: (leaks) => (leaks ? sanitized : withoutLeaks(sanitized)),
};

interface Ending {
  name: string;
  /** What the process does when it is told to end; null: it is sent the signal. */
  act: string | null;
  /** The capture runs in a worker thread, which is told, too. */
  worker?: true;
  ends: { status: number | null; signal: NodeJS.Signals | null };
  /** Is left to the sanitized addon, too. */
  sanitized?: true;
}
const status = (code: number): Ending['ends'] => ({ status: code, signal: null });
const killed = (signal: NodeJS.Signals): Ending['ends'] => ({ status: null, signal });

const IN_WORKER = { worker: true } as const;
const ENDINGS: readonly Ending[] = [
  {
    name: 'the end of its event loop',
    act: 'clearInterval(reading)',
    ends: status(0),
    sanitized: true,
  },
  {
    name: 'a stop, twice',
    act: 'clearInterval(reading); session.stop(); session.stop()',
    ends: status(0),
  },
  {
    name: 'nobody holding the session',
    act: 'clearInterval(reading); reading = null; session = null; setTimeout(() => gc(), 50)',
    ends: status(0),
    sanitized: true,
  },
  { name: 'process.exit', act: 'process.exit(3)', ends: status(3), sanitized: true },
  {
    name: 'an uncaught exception',
    act: 'throw new Error("meant")',
    ends: status(1),
    sanitized: true,
  },
  {
    name: 'an unhandled rejection',
    act: 'void Promise.reject(new Error("meant"))',
    ends: status(1),
  },
  { name: 'SIGTERM', act: null, ends: killed('SIGTERM') },
  { name: 'SIGKILL', act: null, ends: killed('SIGKILL') },
  {
    name: 'worker.terminate',
    act: 'void worker.terminate()',
    ends: status(0),
    ...IN_WORKER,
    sanitized: true,
  },
  {
    name: 'the end of its worker',
    act: 'worker.postMessage("clearInterval(reading); port.close()")',
    ends: status(0),
    ...IN_WORKER,
  },
  {
    name: 'process.exit in its worker',
    act: 'worker.on("exit", process.exit); worker.postMessage("process.exit(5)")',
    ends: status(5),
    ...IN_WORKER,
  },
  {
    name: 'process.exit beside its worker',
    act: 'process.exit(6)',
    ends: status(6),
    ...IN_WORKER,
    sanitized: true,
  },
  {
    name: 'an uncaught exception in its worker',
    act: 'worker.postMessage("throw new Error(`meant`)")',
    ends: status(1),
    ...IN_WORKER,
  },
];

/** Opens a session on a process and reads it all the time. */
const capture = (row: Row, addon: Addon, target: number): string => `
  const { Session } = require(${JSON.stringify(addon.path)});
  let session = new Session({ tracer: '${row.tracer}', execRule: 'any', denied: true, cgroups: [], cgroupNames: [],
    mountNamespaces: [], pidNamespaces: [], pids: [${target}], setupPids: [] });
  session.start();
  let reading = setInterval(() => session.read(), 2);
`;

/** Says when it captures; ends in its way at the first byte on its standard input. */
function script(row: Row, addon: Addon, ending: Ending, target: number): string {
  const body = capture(row, addon, target);
  const alone = addon === SANITIZED ? ALONE : '';
  const told = `process.stdin.once('data', () => { process.stdin.destroy(); ${ending.act ?? ''} });`;
  if (ending.worker !== true) return `${alone}${body}${told} console.error('capturing');`;
  const inside = `const port = require('node:worker_threads').parentPort;
    ${body} port.on('message', (act) => eval(act)); port.postMessage('capturing');`;
  return `${alone}
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(${JSON.stringify(inside)}, { eval: true });
    worker.once('message', (text) => console.error(text));
    ${told}`;
}

const field = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ??
  '';

/** The process makes calls, and nothing holds it. */
async function expectUnharmed(target: ChildProcess): Promise<void> {
  const pid = target.pid ?? 0;
  await eventually('nobody traces the target', () => field(pid, 'TracerPid') === '0');
  const before = Number(field(pid, 'voluntary_ctxt_switches'));
  await eventually(
    'the target goes on',
    () => Number(field(pid, 'voluntary_ctxt_switches')) > before + 3,
  );
  expect(field(pid, 'State')).toMatch(/^[RSD] /);
  expect(target.exitCode ?? target.signalCode).toBeNull();
}

privileged.each(TRACERS)('a process that captures by $tracer ends', (row) => {
  let target: ChildProcess;
  beforeAll(async () => {
    sanitized = buildSanitized();
    const calls = 'setInterval(() => require("fs").statSync("/"), 5); console.error("up")';
    ({ child: target } = await startUntil(process.execPath, ['-e', calls], /up/));
  });
  afterAll(() => {
    target.kill('SIGKILL');
  });

  async function capturing(addon: Addon, ending: Ending): Promise<Running & { held: number[] }> {
    const args = ['--expose-gc', '-e', script(row, addon, ending, target.pid ?? 0)];
    // What ends early leaves node's own memory standing, which would count as lost.
    const options = { env: addon.env(ending.ends.status === 0), stdin: 'pipe' as const };
    const running = await startUntil(process.execPath, args, /capturing/, options);
    const held = programsOf(running.child.pid ?? 0);
    if (row.ptraces) expect(Number(field(target.pid ?? 0, 'TracerPid'))).not.toBe(0);
    else expect(held.length).toBeGreaterThan(0);
    return { ...running, held };
  }

  async function check(addon: Addon, ending: Ending): Promise<void> {
    const { child, held, exited, stderr } = await capturing(addon, ending);
    if (ending.act === null) child.kill(ending.ends.signal ?? undefined);
    else child.stdin?.write('.');
    expect(await exited).toEqual(ending.ends);
    expect(reports(stderr())).toEqual([]);
    await eventually('the kernel has freed the programs', () => stillLoaded(held).length === 0);
    await expectUnharmed(target);
  }

  describe(`with ${ORDINARY.name}`, () => {
    it.each(ENDINGS)('by $name', (ending) => check(ORDINARY, ending));
  });

  describe(`with ${SANITIZED.name}`, () => {
    it.each(ENDINGS.filter(({ sanitized }) => sanitized))('by $name', (ending) =>
      check(SANITIZED, ending),
    );
  });

  it('and a worker that is terminated leaves nothing in a process that lives on', async () => {
    const pid = target.pid ?? 0;
    const body = `${capture(row, ORDINARY, pid)} require('node:worker_threads').parentPort.postMessage(1);`;
    const both = `
      const { Worker } = require('node:worker_threads');
      const once = () => new Promise((resolve) => {
        const worker = new Worker(${JSON.stringify(body)}, { eval: true });
        worker.once('message', () => setTimeout(() => worker.terminate().then(resolve), 100));
      });
      once().then(once).then(() => console.error('both gone'));
      process.stdin.once('data', () => process.stdin.destroy());`;
    const options = { stdin: 'pipe' as const };
    const { child, exited } = await startUntil(
      process.execPath,
      ['-e', both],
      /both gone/,
      options,
    );
    await eventually('its programs are gone', () => programsOf(child.pid ?? 0).length === 0);
    await expectUnharmed(target);
    child.stdin?.write('.');
    expect(await exited).toEqual(status(0));
  });
});
