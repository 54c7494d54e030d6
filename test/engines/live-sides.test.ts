/**
 * container:NAME and pid:N are what is really installed: the filter of a live container means what
 * the default of its engine's release means under its bounding set, and one without a filter is a
 * side that says so.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { runtimeOf } from '../../src/cli/live-side';
import { loadSide, loadSides } from '../../src/cli/side';
import { diff, type FilterSide, type ProfileSide, type Side } from '../../src/diff';
import { SysieveError } from '../../src/errors';
import { differences, equal, type Policy, policyOfProfile } from '../../src/policy';
import { resolveGatedProfile } from '../../src/profile';
import { CAPABILITIES, capabilityNames } from '../../src/tables';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

const DEFAULT_CAPABILITIES = 14;

/** A process with a thread that put a filter (RET_ALLOW) on itself alone. */
const FILTERED_THREAD = `
import ctypes, threading, time
libc = ctypes.CDLL(None, use_errno=True)
class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
def filtered():
    code = ctypes.create_string_buffer(bytes.fromhex('060000000000ff7f'), 8)
    program = Program(1, ctypes.cast(code, ctypes.c_void_p))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
    print('filtered', flush=True)
    time.sleep(60)
threading.Thread(target=filtered, daemon=True).start()
time.sleep(60)
`;

async function refusal(spec: string): Promise<SysieveError> {
  try {
    await loadSide(spec);
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error(`${spec} was not refused`);
}

function filters(side: Side): FilterSide {
  if (side.kind !== 'filters') throw new Error(`${side.label} is ${side.kind}`);
  return side;
}

/** The default as the engine resolves it for this container. */
function resolved(side: ProfileSide, { live }: FilterSide): Policy {
  if (side.profile.format !== 'gated' || side.engine === null) throw new Error('not gated');
  const profile = resolveGatedProfile(side.profile.value, {
    engine: side.engine.name,
    engineVersion: side.engine.version ?? undefined,
    capabilities: live.capabilities,
    kernelVersion: live.kernelVersion,
    architecture: 'x86_64',
  });
  return policyOfProfile(profile, { runtime: live.runtime ?? 'runc', machine: 'x86_64' });
}

type Options = [name: string, options: string[]];
const PLAIN: Options = ['plain', []];
const ADMIN: Options = ['admin', ['--cap-add', 'SYS_ADMIN', '--cap-add', 'SYSLOG']];
const BARE: Options = ['bare', ['--cap-drop', 'ALL']];
const UNCONFINED: Options = ['unconfined', ['--security-opt', 'seccomp=unconfined']];
const PRIVILEGED: Options = ['privileged', ['--privileged']];

/** Docker gives a privileged container every capability there is, or none at all. */
function holdsAll(): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const held = capabilityNames(/^CapBnd:\s*(\w+)$/m.exec(status)?.[1] ?? '0');
  return CAPABILITIES.every((name) => held.includes(name));
}

const SETUPS = [
  {
    name: 'docker with runc',
    start: startDocker,
    options: [PLAIN, ADMIN, BARE],
    unfiltered: holdsAll() ? [UNCONFINED, PRIVILEGED] : [UNCONFINED],
  },
  {
    name: 'podman with runc',
    start: (dir: string) => startPodman(dir, 'runc'),
    options: [PLAIN, ADMIN],
    unfiltered: [PRIVILEGED],
  },
  {
    name: 'podman with crun',
    start: (dir: string) => startPodman(dir, 'crun'),
    options: [PLAIN],
    unfiltered: [UNCONFINED],
  },
];

privileged('live sides', () => {
  describe.each(SETUPS)('$name', ({ start, options, unfiltered }) => {
    let engine: TestEngine;
    const environment = process.env;

    beforeAll(async () => {
      engine = await start(mkdtempSync(path.join(tmpdir(), 'sysieve-live-')));
      await importImages(engine, ['busybox']);
      process.env = {
        ...engine.env,
        ...(engine.name === 'podman' ? { CONTAINER_HOST: `unix://${engine.socket}` } : {}),
      };
      // Only this engine may answer.
      if (engine.name === 'podman') process.env.DOCKER_HOST = `unix://${engine.socket}`;
      else process.env.CONTAINER_HOST = `unix://${engine.socket}`;
    });
    afterAll(async () => {
      process.env = environment;
      await engine?.stop();
    });

    async function container(name: string, ...options: string[]): Promise<number> {
      await engine.cli(
        ...['run', '-d', '--name', name, ...engine.createArgs, '--network=none', ...options],
        ...[imageRef('busybox'), '/bin/sleep', '1000'],
      );
      return Number(await engine.cli('inspect', '--format', '{{.State.Pid}}', name));
    }

    test.each(options)('the stock filter of a container: %s', async (name, options) => {
      const pid = await container(name, ...options);
      const spec = `container:${name}`;
      const [before, after] = await loadSides(`default:${engine.name}`, spec);
      const live = filters(after);
      expect(live).toMatchObject({ label: spec, notes: [] });
      expect(live.live).toMatchObject({
        kernelVersion: release(),
        machine: 'x86_64',
        runtime: engine.runtime,
        engine: { name: engine.name, version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      });
      const { capabilities } = live.live;
      expect(capabilities.includes('CAP_SYS_ADMIN')).toBe(name === 'admin');
      expect(capabilities.length > 0).toBe(name !== 'bare');
      if (name === 'plain') expect(capabilities.length).toBeLessThanOrEqual(DEFAULT_CAPABILITIES);

      // The default is that of this very engine, by its own word, and that is said.
      const own = before as ProfileSide;
      const version = live.live.engine?.version;
      expect(own.engine).toEqual({ name: engine.name, version });
      expect(own.notes).toEqual([
        expect.stringContaining(`${version}, which runs container:${name} (`),
      ]);
      const policy = resolved(own, live);
      expect(differences(live.policy, policy)).toEqual([]);
      expect(equal(live.policy, policy)).toBe(true);
      expect(diff(own, live)).toMatchObject({ verdict: 'equivalent', findings: [] });

      // In the other order it is the same default; by itself it is another one.
      const [, again] = await loadSides(spec, `default:${engine.name}`);
      expect((again as ProfileSide).notes).toEqual(own.notes);
      const alone = (await loadSide(`default:${engine.name}`)) as ProfileSide;
      expect(equal(resolved(alone, live), live.policy)).toBe(false);
      const asked = (await loadSide(`default:${engine.name}@engine`)) as ProfileSide;
      expect(asked.engine).toEqual(own.engine);

      // By its process: the same filters, but nobody says whose they are.
      const process = filters(await loadSide(`pid:${pid}`));
      expect(process.live).toMatchObject({ runtime: null, engine: null, capabilities });
      expect(equal(process.policy, live.policy)).toBe(true);
    });

    test.each(unfiltered)('a container without a filter: %s', async (name, options) => {
      const pid = await container(name, ...options);
      const side = await loadSide(`container:${name}`);
      expect(side.kind).toBe('unfiltered');
      if (side.kind !== 'unfiltered') return;
      expect(side.live.engine?.name).toBe(engine.name);
      expect(side.live.capabilities.includes('CAP_SYS_ADMIN')).toBe(name === 'privileged');
      expect((await loadSide(`pid:${pid}`)).kind).toBe('unfiltered');
      const [stock] = await loadSides(`default:${engine.name}`, `container:${name}`);
      const report = diff(stock, side);
      expect(report.verdict).toBe('widens');
      expect(report.headlines.join()).toContain(
        `container:${name} runs without any seccomp filter`,
      );
    });

    test('a container that does not run, and one that is not there', async () => {
      await container('ended');
      await engine.cli('kill', 'ended');
      await engine.cli('wait', 'ended');
      const error = await refusal('container:ended');
      expect([error.exitCode, error.code]).toEqual([3, 'container-not-running']);
      expect(error.message).toBe('container:ended is not running');
      expect(error.remedy).toContain(`${engine.name} start ended`);
      for (const [spec, code] of [
        ['container:none', 'container-not-found'],
        ['container:', 'container-name-invalid'],
        ['container:--all', 'container-name-invalid'],
        ['container:a/../b', 'container-name-invalid'],
      ] as const) {
        const missing = await refusal(spec);
        expect([missing.exitCode, missing.code]).toEqual([3, code]);
      }
    });
  });

  test('a process without a filter, and one that has ended', async () => {
    const child: ChildProcess = spawn('sleep', ['1000'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const side = await loadSide(`pid:${child.pid}`);
      expect(side).toMatchObject({ kind: 'unfiltered', notes: [] });
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    const threaded = spawn('python3', ['-c', FILTERED_THREAD], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(threaded.stdout, 'data');
      const side = await loadSide(`pid:${threaded.pid}`);
      expect(side).toMatchObject({
        kind: 'unfiltered',
        notes: ['1 thread has other filters than the main thread, whose filters are compared'],
      });
    } finally {
      threaded.kill();
      await once(threaded, 'exit');
    }
    // A process that has ended and not been waited for has no filters any more: it is no side.
    const script =
      'import os,time\np=os.fork()\nif p==0: os._exit(0)\nprint(p,flush=True)\ntime.sleep(60)';
    const parent = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
      const zombie = Number(printed.toString());
      execFileSync('sleep', ['0.2']);
      const error = await refusal(`pid:${zombie}`);
      expect([error.exitCode, error.code]).toEqual([3, 'process-not-found']);
    } finally {
      parent.kill();
      await once(parent, 'exit');
    }
  });
});

test.each([
  ['runc', 'runc'],
  ['/usr/bin/runc', 'runc'],
  ['io.containerd.runc.v2', 'runc'],
  ['docker-runc', 'runc'],
  ['/opt/bin/crun', 'crun'],
  ['runsc', null],
  ['kata-runtime', null],
  ['crun-vm', null],
  [null, null],
])('the runtime that %s is', (name, runtime) => {
  expect(runtimeOf(name)).toBe(runtime);
});
