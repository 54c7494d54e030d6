/** `sysieve profile` against Docker: from an app's entry in the config to its proved profile. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvidence, parseProfile } from '../../src/profile';
import { parseReach } from '../../src/reach';
import { parseRecording } from '../../src/recording';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { moments } from '../support/random';
import { privileged } from '../support/recorder';
import { ownContainers, type Repository, repository } from '../support/staging';

jest.setTimeout(process.env.SYSIEVE_SOAK === '1' ? 3_600_000 : 180_000);

const PORT = 18_473;
const URL = `http://127.0.0.1:${PORT}/`;
const image = imageRef('busybox');

/** A shell that becomes the server, on the host's loopback. */
const web = {
  image,
  command: [
    'sh',
    '-c',
    `mkdir /www; echo hello > /www/index.html; exec httpd -f -p 127.0.0.1:${PORT} -h /www`,
  ],
  run: { network: 'host' },
  ready: { http: URL, timeout: '20s' },
  workload: [
    {
      command: [
        process.execPath,
        '-e',
        `fetch('${URL}').then((r) => r.text()).then((t) => process.exit(t === 'hello\\n' ? 0 : 1))`,
      ],
    },
    {
      command: [
        'sh',
        '-c',
        'test -n "$SYSIEVE_CONTAINER" && test "$SYSIEVE_APP" = web && "$SYSIEVE_ENGINE" top "$SYSIEVE_CONTAINER"',
      ],
    },
  ],
  // As process 1 it ignores signals.
  stop: { timeout: '200ms' },
};

const tiny = {
  image,
  command: ['sh', '-c', 'mkdir /made; echo done'],
  run: { network: 'none' },
  stable: { maxRuns: 1 },
};

const soak = process.env.SYSIEVE_SOAK === '1';
const start = {
  docker: startDocker,
  podman: (dir: string) => startPodman(dir, 'crun'),
};
const engines = soak ? (['docker', 'podman'] as const) : (['docker'] as const);

privileged.each(engines)('sysieve profile with %s', (name) => {
  let engine: TestEngine;
  let repo: Repository;

  beforeAll(async () => {
    engine = await start[name](mkdtempSync(join(tmpdir(), 'sysieve-profile-')));
    await importImages(engine, ['busybox']);
  });
  afterAll(async () => {
    await engine?.stop();
  });
  beforeEach(() => {
    repo = repository(engine);
  });
  afterEach(async () => {
    repo.remove();
    expect(await ownContainers(engine)).toEqual([]);
  });

  it('makes a profile under which a new container serves its load, and leaves it as it is', async () => {
    repo.configure({ web });
    const first = await repo.sysieve(['profile', '--keep-recordings', 'kept']);
    expect(first).toMatchObject({ status: 0 });
    expect(first.stdout).toMatch(
      /^web {2}new {2}\d runs, nothing new in the last {2}profiles\/web\.json$/m,
    );
    const text = repo.read('profiles/web.json') ?? '';
    const permitted = parseProfile(text, 'web.json').syscalls.flatMap(({ names }) => names);
    expect(permitted).toEqual(expect.arrayContaining(['mkdir', 'listen', 'execve', 'accept']));
    const evidence = parseEvidence(repo.read('profiles/web.evidence.json') ?? '', 'web');
    expect(evidence.calls.find(({ name }) => name === 'mkdir')?.phases).toEqual(['startup']);
    // Without being asked: busybox can do what no server does.
    expect(evidence.unseen?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['mount', 'rename']),
    );
    expect(first.stdout).toMatch(/^ {2}\d+ calls reachable but not exercised, \d+ of them likely/m);
    const reach = parseReach(repo.read('kept/web.recording.reach.json') ?? '', 'kept');
    expect(reach.executables.map(({ path }) => path)).toContain('/bin/sh');
    const { runs } = parseRecording(repo.read('kept/web.recording.json') ?? '', 'kept');
    expect(runs.length).toBeGreaterThanOrEqual(2);
    for (const run of runs) {
      expect(run.completeness.complete).toBe(true);
      expect(run.marks.map(({ phase }) => phase)).toEqual(['startup', 'steady', 'shutdown']);
      expect(run.calls.find(({ name }) => name === 'mkdir')?.phases).toEqual(['startup']);
      expect(run.calls.find(({ name }) => name === 'accept')?.phases).toContain('steady');
    }

    // What a server does depends on the moment a little; this one always does the same.
    repo.configure({ tiny });
    expect(await repo.sysieve(['profile'])).toMatchObject({ status: 0 });
    const once = repo.read('profiles/tiny.json');
    const again = await repo.sysieve(['profile', '--json']);
    expect(again).toMatchObject({ status: 0 });
    expect(JSON.parse(again.stdout)).toMatchObject({
      version: 1,
      apps: [
        {
          name: 'tiny',
          status: 'unchanged',
          runs: 1,
          denied: [],
          verdict: 'identical',
          error: null,
        },
      ],
    });
    expect(repo.read('profiles/tiny.json')).toBe(once);
    // Nobody looks, and the profile is the same.
    repo.configure({ tiny: { ...tiny, minimise: { reach: 'none' } } });
    const silent = await repo.sysieve(['profile']);
    expect([silent.status, silent.stdout + silent.stderr]).toEqual([
      0,
      expect.not.stringContaining('can call'),
    ]);
    expect(repo.read('profiles/tiny.json')).toBe(once);
    expect(repo.read('profiles/tiny.evidence.json')).not.toContain('"unseen"');

    repo.configure({
      web: { ...web, command: [...web.command.slice(0, 2), `chmod 700 /bin; ${web.command[2]}`] },
    });
    const changed = await repo.sysieve(['profile']);
    expect(changed).toMatchObject({ status: 0 });
    expect(changed.stdout).toMatch(/widens/);
    expect(changed.stdout).toMatch(/chmod/);
  });

  it('leaves the other apps alone when one fails, and names why each did', async () => {
    const never = {
      ...tiny,
      command: ['sh', '-c', 'echo looking for a database; sleep 100'],
      ready: { log: 'connected', timeout: '1s' },
      stop: { timeout: '1s' },
    };
    const dies = {
      ...tiny,
      command: ['sh', '-c', 'echo no config >&2; exit 3'],
      ready: { tcp: 1 },
    };
    const step = { ...web, workload: { command: ['sh', '-c', 'echo 404; exit 7'] } };
    repo.configure({ never, tiny, dies, step });
    const { status, stdout } = await repo.sysieve(['profile', '--json']);
    expect(status).toBe(1);
    const { apps } = JSON.parse(stdout);
    expect(apps).toMatchObject([
      {
        name: 'never',
        status: 'failed',
        error: { code: 'app-not-ready', cause: expect.stringContaining('looking for a database') },
      },
      { name: 'tiny', status: 'new', error: null },
      {
        name: 'dies',
        status: 'failed',
        error: { code: 'app-ended', cause: expect.stringContaining('no config') },
      },
      {
        name: 'step',
        status: 'failed',
        error: { code: 'workload-failed', cause: expect.stringContaining('404') },
      },
    ]);
    expect(repo.list('profiles')).toEqual(['tiny.evidence.json', 'tiny.json']);
  });

  it('writes no profile under which the app does something that was not recorded', async () => {
    // It does the new thing from its second start on: that is the one under the profile.
    const state = join(repo.dir, 'starts');
    const script =
      'echo x >> /state/n; test $(wc -l < /state/n) -lt 2 || chmod 700 /state; echo ran';
    repo.configure({
      grows: {
        ...tiny,
        command: ['sh', '-c', script],
        run: { network: 'none', volumes: [{ source: './starts', target: '/state' }] },
      },
    });
    mkdirSync(state);
    const { status, stdout } = await repo.sysieve(['profile', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout).apps).toMatchObject([
      {
        status: 'failed',
        runs: 1,
        denied: [{ name: 'chmod', count: 1, errnos: { 1: 1 } }],
        error: { code: 'profile-denies', cause: expect.stringContaining('chmod') },
      },
    ]);
    expect(repo.list('profiles')).toEqual([]);
  });

  it('takes the settings of a container, steps inside it, and daemons of the host', async () => {
    // Nothing that calls otherwise when the machine is slow: one run has to show it all.
    const server = ['sh', '-c', 'mkdir /up; exec busybox sleep 1000'];
    await engine.cli(
      'create',
      '--name',
      'base',
      ...engine.createArgs,
      '--network=none',
      image,
      ...server,
    );
    repo.configure({
      copy: {
        container: 'base',
        under: 'allow-all',
        ready: { command: ['busybox', 'test', '-d', '/up'], in: 'container' },
        workload: { command: ['busybox', 'chmod', '700', '/up'], in: 'container', repeat: 2 },
        stop: { timeout: '200ms' },
        stable: { maxRuns: 1 },
      },
      daemon: {
        command: ['sh', '-c', `sleep 4711 & echo left`],
        ready: { log: 'left' },
        workload: { command: ['sh', '-c', 'until pgrep -f "^sleep 4711"; do :; done'] },
        stable: { maxRuns: 1 },
      },
    });
    const { status, stdout, stderr } = await repo.sysieve(['profile']);
    await engine.cli('rm', 'base');
    expect(status === 0 ? '' : stderr).toBe('');
    expect(stdout).toMatch(/^copy +new +1 run \(maxRuns\)/m);
    expect(stderr).toMatch(/copy\] note: recorded under a filter that allows all/);
    expect(stderr).toMatch(/copy\] note: steps run in the container/);
    const evidence = parseEvidence(repo.read('profiles/copy.evidence.json') ?? '', 'copy');
    expect(evidence.calls.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['mkdir', 'chmod']),
    );
    expect(spawnSync('pgrep', ['-f', '^sleep 4711']).status).toBe(1);
  });

  it('stops and removes its containers on SIGTERM, and writes nothing', async () => {
    repo.configure({ web });
    const ended = await repo.sysieve(['profile'], {
      after: { line: /run 1: ready/, signal: 'SIGTERM' },
    });
    expect(ended).toMatchObject({ status: 143, signal: null });
    expect(repo.list('profiles')).toEqual([]);
  });

  it('leaves nothing broken when it is killed at any moment', async () => {
    const kills = soak ? 100 : 10;
    const { next } = moments('sysieve profile killed');
    repo.configure({ tiny });
    const began = Date.now();
    expect(await repo.sysieve(['profile'])).toMatchObject({ status: 0 });
    const whole = Date.now() - began;
    const text = repo.read('profiles/tiny.json');
    for (let kill = 1; kill <= kills; kill++) {
      const ms = 50 + Math.floor(next(whole));
      await repo.sysieve(['profile'], { after: { ms, signal: 'SIGKILL' } });
      expect(repo.read('profiles/tiny.json')).toBe(text);
      expect(() => parseEvidence(repo.read('profiles/tiny.evidence.json') ?? '', '')).not.toThrow();
      if (kill % 5 !== 0) continue;
      expect(await repo.sysieve(['profile'])).toMatchObject({ status: 0 });
      expect(await ownContainers(engine)).toEqual([]);
      expect(repo.list('profiles')).toEqual(['tiny.evidence.json', 'tiny.json']);
    }
  });
});
