/** The main job on one engine: attach, record over a restart, minimise, enforce on a new container. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { edges } from './engine-edges';
import { deniedCalls, fallbacks, Recorder, sysieve } from './engine-sysieve';
import type { TestEngine } from './engines';
import { imageRef, importImages } from './image-build';
import { freePort, type Load, nginxLoad, nginxReady, redisLoad, redisReady } from './image-load';
import { eventually } from './recorder';

interface App {
  name: 'nginx' | 'redis';
  /** Arguments after the image; what the container needs of the host before it. */
  command(port: number): string[];
  options(port: number, dir: string): string[];
  ready(load: Load): Promise<void>;
  drive(load: Load): Promise<void>;
}

const APPS: App[] = [
  {
    name: 'nginx',
    command: () => ['/usr/sbin/nginx', '-c', '/etc/nginx/nginx.conf'],
    options: (port, dir) => {
      const conf = path.join(dir, `nginx-${port}`);
      mkdirSync(conf, { recursive: true });
      writeFileSync(path.join(conf, 'listen.conf'), `listen 127.0.0.1:${port};\n`);
      // nginx makes its directories for temporary files only where they do not exist yet. A restart
      // of the container keeps what lies in its layer, so that only the very first start of each
      // container would make these calls; on a tmpfs every start does.
      return ['-v', `${conf}:/conf:ro`, '--tmpfs', '/var/lib/nginx'];
    },
    ready: nginxReady,
    drive: nginxLoad,
  },
  {
    name: 'redis',
    command: (port) => ['/usr/bin/redis-server', '/etc/redis/redis.conf', '--port', String(port)],
    options: () => [],
    ready: redisReady,
    drive: redisLoad,
  },
];

const EPERM = 1;
/** clone3's flags lie in memory, so it is as if it were not there: callers use clone. */
const ENOSYS = 38;
const REFUSED = new Map([
  ['unshare', EPERM],
  ['mount', EPERM],
  ['ptrace', EPERM],
  ['bpf', EPERM],
  ['io_uring_setup', EPERM],
  ['socket-netlink', EPERM],
  ['socket-alg', EPERM],
  ['clone-newuser', EPERM],
  ['clone3-newuser', ENOSYS],
  ['mmap-wx', EPERM],
]);

function parseProbe(printed: string): Map<string, number> {
  return new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name, errno]) => [name ?? '', Number(errno)]),
  );
}

export function mainJob(label: string, start: (dir: string) => Promise<TestEngine>): void {
  let engine: TestEngine;
  let files: string;

  beforeAll(async () => {
    files = mkdtempSync(path.join(tmpdir(), 'sysieve-main-'));
    engine = await start(mkdtempSync(path.join(tmpdir(), 'sysieve-engine-')));
    await importImages(engine, ['busybox', 'nginx', 'redis']);
  });

  afterAll(async () => {
    Recorder.abandonAll();
    await engine?.stop();
    rmSync(files, { recursive: true, force: true });
  });

  async function create(app: App, container: string, ...security: string[]): Promise<Load> {
    const port = await freePort();
    const options = [...engine.createArgs, '--network=host', ...app.options(port, files)];
    const image = imageRef(app.name);
    const rest = [...options, ...security, image, ...app.command(port)];
    await engine.cli('create', '--name', container, ...rest);
    return { engine, container, port };
  }

  /** Starts, loads and stops a new container under the profile while denied calls are watched. */
  async function serveUnder(app: App, container: string, profile: string) {
    const load = await create(app, container, '--security-opt', `seccomp=${profile}`);
    const file = path.join(files, `${container}.json`);
    const recorder = await Recorder.start(engine, container, file, '--denied');
    await engine.cli('start', container);
    await app.ready(load);
    await app.drive(load);
    await engine.cli('stop', container);
    const recording = await recorder.stop();
    expect(recording.runs[0]?.completeness).toMatchObject({ complete: true, attachedLate: null });
    return { load, denied: deniedCalls(recording, profile) };
  }

  async function expectRefused(app: App, container: string): Promise<void> {
    const probe = parseProbe(await engine.cli('exec', container, '/bin/probe'));
    console.log(`${label}, ${app.name}: ${[...probe].map((p) => p.join('=')).join(' ')}`);
    expect([...probe]).toEqual([...REFUSED]);
  }

  test('while it is stopped, nothing of other containers is taken for its own', async () => {
    const options = [...engine.createArgs, '--network=none'];
    const image = imageRef('busybox');
    await engine.cli('create', '--name', 'paused', ...options, image, '/bin/sleep', '1000');
    await engine.cli('start', 'paused');
    const recorder = await Recorder.start(engine, 'paused', path.join(files, 'paused.json'));
    await engine.cli('stop', '-t', '0', 'paused');
    // The kernel gives the numbers of its namespaces to the next ones made.
    for (let i = 0; i < 3; i++) {
      const stranger = `stranger${i}`;
      await engine.cli('run', '-d', '--name', stranger, ...options, image, '/bin/sleep', '1001');
      await engine.cli('exec', stranger, '/bin/ls');
      // An init without a handler ignores the signal that `rm -f` begins with, for ten seconds.
      await engine.cli('kill', '-s', 'KILL', stranger);
      await engine.cli('rm', '-f', stranger);
    }
    await engine.cli('start', 'paused');
    // An engine calls it started before its program is executed.
    const pid = (await engine.cli('inspect', '-f', '{{.State.Pid}}', 'paused')).trim();
    await eventually('its program runs', () =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/sleep'),
    );
    const { runs } = await recorder.stop();
    expect(runs[0]?.executables).toEqual(['/bin/sleep']);
    expect(runs[0]?.completeness).toMatchObject({ complete: true, startsSeen: 1 });
  });

  describe('edges', () => {
    edges(
      () => engine,
      () => files,
    );
  });

  describe.each(APPS)('$name', (app) => {
    const served = `${app.name}-served`;
    const enforced = `${app.name}-enforced`;
    const at = (name: string) => path.join(files, `${app.name}-${name}.json`);
    let load: Load;

    test('a recording that saw no start makes no profile', async () => {
      load = await create(app, served);
      await engine.cli('start', served);
      await app.ready(load);
      const recorder = await Recorder.start(engine, served, at('late'));
      await app.drive(load);
      const recording = await recorder.stop();
      const run = recording.runs[0];
      expect(run?.target).toMatchObject({ kind: 'container', engine: engine.name, name: served });
      expect(run?.host.runtime?.name).toBe(engine.runtime);
      expect(run?.completeness).toMatchObject({ complete: false, startsSeen: 0 });
      expect(run?.completeness.attachedLate?.targetAgeMs).toBeGreaterThan(0);

      const refused = await sysieve(engine, 'minimise', at('late'), '-o', at('late-profile'));
      expect(refused.code).toBe(5);
      expect(existsSync(at('late-profile'))).toBe(false);
      const args = ['minimise', at('late'), '--allow-incomplete', '-o', at('late-profile')];
      expect(await sysieve(engine, ...args)).toMatchObject({ code: 0 });
      expect(existsSync(at('late-profile'))).toBe(true);
    });

    test('attached while it serves, recorded over a restart, minimised', async () => {
      const recorder = await Recorder.start(engine, served, at('recording'));
      await app.drive(load);
      await engine.cli('restart', served);
      await app.ready(load);
      await app.drive(load);
      // Its end as well: a profile that cannot stop cleanly is not one.
      await engine.cli('stop', served);
      const recording = await recorder.stop();
      expect(recording.runs[0]?.completeness).toMatchObject({ complete: true, startsSeen: 1 });
      await engine.cli('rm', served);
      const made = await sysieve(engine, 'minimise', at('recording'), '-o', at('profile'));
      expect([made.code, made.code === 0 ? '' : made.stderr]).toEqual([0, '']);
    });

    test('a new container serves the same load under the profile, and nothing is refused', async () => {
      const { load: under, denied } = await serveUnder(app, enforced, at('profile'));
      console.log(
        `${label}, ${app.name}: answered with ENOSYS ${[...fallbacks(at('profile'))].join(' ')}; ` +
          `of these seen: ${denied.fallback.join(' ') || 'none'}`,
      );
      expect(denied.watched).toBe(true);
      expect(denied.refused).toEqual([]);
      await engine.cli('start', enforced);
      await app.ready(under);
    });

    test('what it never used is refused in it', async () => {
      await expectRefused(app, enforced);
      await engine.cli('rm', '-f', enforced);

      // The same probe without a filter gets past the point where one would have stopped it.
      const open = [...engine.createArgs, '--network=host', '--security-opt', 'seccomp=unconfined'];
      const printed = await engine.cli('run', '--rm', ...open, imageRef(app.name), '/bin/probe');
      const unfiltered = parseProbe(printed);
      console.log(`${label}, no filter: ${[...unfiltered].map((p) => p.join('=')).join(' ')}`);
      expect([...unfiltered.keys()]).toEqual([...REFUSED.keys()]);
      for (const [name, errno] of unfiltered) expect([EPERM, ENOSYS, name]).not.toContain(errno);
      for (const name of ['clone-newuser', 'clone3-newuser', 'mmap-wx', 'socket-netlink']) {
        expect([name, unfiltered.get(name)]).toEqual([name, 0]);
      }
    });
  });
}
