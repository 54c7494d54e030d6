/** The addon with the address, leak and undefined-behaviour sanitizers, in node, as the command uses it. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { buildFixtures } from '../support/fixtures';
import { eventually, privileged, ROOT, scratch, startUntil } from '../support/recorder';
import {
  ALONE,
  buildSanitized,
  CANARY,
  COMMAND,
  FOUND_STATUS,
  reports,
  SANITIZED_ADDON,
} from '../support/sanitized';

jest.setTimeout(600_000);

const space = scratch();
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  buildFixtures();
  env = buildSanitized();
});
afterAll(() => space.remove());

const node = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...env, ...more },
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  });

function recorded(path: string): Run {
  const [run] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (run === undefined) throw new Error('no run');
  return run;
}

describe('the sanitizers', () => {
  const load = `try { process.dlopen({ exports: {} }, ${JSON.stringify(CANARY)}) } catch {}`;
  it.each([
    ['leak', 'LeakSanitizer: detected memory leaks'],
    ['freed', 'AddressSanitizer: heap-use-after-free'],
    ['overflow', 'runtime error: signed integer overflow'],
  ])('see a mistake in what node loads: %s', (CANARY_, report) => {
    const { status, stderr } = node(['-e', load], { CANARY: CANARY_ });
    expect(reports(stderr).join('\n')).toContain(report);
    expect(status).toBe(FOUND_STATUS);
  });

  it('say nothing of node without one', () => {
    const { status, stderr } = node(['-e', load]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

privileged('the sanitized addon', () => {
  it.each([
    ['threads', ['--programs', 'typed', '--denied']],
    ['exec-chain', ['--programs', 'raw', '--denied']],
    ['denied-errno', ['--denied']],
  ])('records %s whole', (name, options) => {
    const output = join(space.dir, `${name}.json`);
    const program = join(ROOT, 'build', 'fixtures', name);
    const { status, stderr } = node([
      ...COMMAND,
      'record',
      ...options,
      '-o',
      output,
      '--',
      program,
    ]);
    expect(reports(stderr)).toEqual([]);
    expect(status).toBe(0);
    expect(recorded(output).completeness.complete).toBe(true);
  });

  describe('beside a running process', () => {
    let target: ChildProcess;
    beforeAll(async () => {
      const calls = 'setInterval(() => require("fs").statSync("/"), 5); console.error("up")';
      ({ child: target } = await startUntil(process.execPath, ['-e', calls], /up/));
    });
    afterAll(() => {
      target.kill('SIGKILL');
    });

    it('attaches and detaches, asked to by a signal', async () => {
      const output = join(space.dir, 'signal.json');
      const args = [...COMMAND, 'record', '--pid', String(target.pid), '-o', output];
      const recorder = await startUntil(process.execPath, args, /recording /, { env });
      recorder.child.kill('SIGINT');
      expect(await recorder.exited).toEqual({ status: 0, signal: null });
      expect(reports(recorder.stderr())).toEqual([]);
      expect(recorded(output).calls.length).toBeGreaterThan(0);
      await eventually('the target goes on', () => target.exitCode === null);
    });

    it('is used out of order, over again and with what is no target', () => {
      const script = `${ALONE}
        const { Session, ...filter } = require(${JSON.stringify(SANITIZED_ADDON)});
        const seen = [];
        const attempt = (act) => { try { seen.push(typeof act()); } catch (error) { seen.push(error.name); } };
        const options = (more) => ({ tracer: 'ebpf', execRule: 'any', denied: false, cgroups: [], cgroupNames: [],
          mountNamespaces: [], pidNamespaces: [], pids: [${target.pid}], setupPids: [], ...more });
        for (const bad of [undefined, 7, {}, { tracer: 'none' }]) attempt(() => new Session(bad));
        for (const more of [{ pids: [0x7fffffff] }, { cgroups: ['/sysieve/none', '/tmp'] }, {},
            { tracked: [{ abi: 'x86_64', number: 9999, memory: false, args: [{ index: 0, mask: 1n }] }] }]) {
          const session = new Session(options(more));
          for (const name of ['watchDenied', 'read', 'detach', 'start', 'start', 'watchDenied', 'watchDenied',
            'read', 'detach', 'detach', 'read', 'stop', 'stop', 'read', 'start', 'detach']) {
            attempt(() => session[name]());
          }
        }
        for (const call of Object.values(filter)) {
          for (const args of [[], [undefined], [-1], [0x7fffffff], [${target.pid}], ['x', 'y', 'z'],
            [Buffer.alloc(8)], [Buffer.alloc(7)], [[Buffer.alloc(3)]]]) attempt(() => call(...args));
        }
        console.log(JSON.stringify(seen));`;
      const { status, stdout, stderr } = node(['-e', script]);
      expect(reports(stderr)).toEqual([]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const seen: string[] = JSON.parse(stdout);
      expect(seen.slice(0, 4)).toEqual(Array(4).fill('TypeError'));
      expect(seen.length).toBeGreaterThan(4 + 4 * 16);
      expect(seen).toContain('object');
    });
  });
});
