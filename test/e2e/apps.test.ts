/**
 * The applications of sysieve.config.json, in containers: profiled by one command, checked, changed,
 * and served under the committed profiles. SYSIEVE_SOAK=1 checks all of them, in every engine;
 * SYSIEVE_PROFILES=write makes the committed profiles anew, of what was recorded on all these engines.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sysieve } from '../support/engine-sysieve';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { changedImage, type ImageName, importImages, restoreImage } from '../support/image-build';
import { privileged, ROOT } from '../support/recorder';

interface Config {
  apps: Record<string, { image: string; engine?: string; profile?: string; run: object }>;
}

const CONFIG = path.join(ROOT, 'sysieve.config.json');
const COMMITTED = path.join(ROOT, 'profiles');
const NAMES = Object.keys((JSON.parse(readFileSync(CONFIG, 'utf8')) as Config).apps);
const SOAK = process.env.SYSIEVE_SOAK === '1';
const CHECKED = SOAK ? NAMES : ['multi', 'memcached'];
const WRITE = process.env.SYSIEVE_PROFILES === 'write';

jest.setTimeout(600_000);

let files: string;

beforeAll(() => {
  files = mkdtempSync(path.join(tmpdir(), 'sysieve-apps-'));
});

afterAll(() => rmSync(files, { recursive: true, force: true }));

/** The committed configuration for one engine of the tests, with profiles in `profiles`. */
function configFor(engine: TestEngine, profiles: string): string {
  // Paths are relative to the file, and this one lies elsewhere.
  const text = readFileSync(CONFIG, 'utf8').replaceAll('"fixtures/', `"${ROOT}/fixtures/`);
  const config = JSON.parse(text) as Config;
  for (const [name, app] of Object.entries(config.apps)) {
    app.engine = engine.name;
    app.profile = path.join(profiles, `${name}.json`);
    const parent = engine.createArgs.indexOf('--cgroup-parent');
    if (parent >= 0) app.run = { ...app.run, cgroupParent: engine.createArgs[parent + 1] };
  }
  const file = path.join(files, `${engine.name}.config.json`);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

interface Profiled {
  apps: { name: string; status: string; denied: unknown[] }[];
}

/** An engine with the images; what `body` adds uses it. */
function onEngine(
  start: (dir: string) => Promise<TestEngine>,
  body: (engine: () => TestEngine) => void,
): void {
  let engine: TestEngine;

  beforeAll(async () => {
    engine = await start(mkdtempSync(path.join(tmpdir(), 'sysieve-engine-')));
    await importImages(engine, NAMES as ImageName[]);
  });

  afterAll(async () => {
    await engine?.stop();
  });

  body(() => engine);
}

/** Every app by one command, its profile and its recording in the directory `name`. */
async function profileAll(engine: TestEngine, name: string): Promise<void> {
  const made = path.join(files, name);
  const args = ['--config', configFor(engine, made), '--keep-recordings', made, '--json'];
  const { code, stdout, stderr } = await sysieve(engine, 'profile', ...args);
  expect([stderr, code]).toEqual([stderr, 0]);
  const { apps } = JSON.parse(stdout) as Profiled;
  expect(apps.map(({ name, status, denied }) => [name, status, denied])).toEqual(
    NAMES.map((name) => [name, 'new', []]),
  );
}

function committedServe(engine: () => TestEngine): void {
  // While they are made anew they are not yet what they will be.
  const each = WRITE ? test.skip.each(NAMES) : test.each(NAMES);
  each('%s: nothing is denied under the committed profile', async (name) => {
    const args = ['verify', '--app', name, '--config', configFor(engine(), COMMITTED), '--json'];
    const { code, stdout, stderr } = await sysieve(engine(), ...args);
    expect([stderr, code]).toEqual([stderr, 0]);
    const { denied } = JSON.parse(stdout) as { denied: { fallback: boolean }[] };
    expect(denied.filter(({ fallback }) => !fallback)).toEqual([]);
  });
}

privileged('docker', () => {
  onEngine(startDocker, (engine) => {
    const config = () => configFor(engine(), path.join(files, 'docker'));

    test('one command makes a profile of each, under which nothing is denied', async () => {
      await profileAll(engine(), 'docker');
    });

    test.each(CHECKED)('%s: the check passes, twice in a row', async (name) => {
      for (let i = 0; i < 2; i++) {
        const { code, stdout, stderr } = await sysieve(
          engine(),
          'check',
          name,
          '--config',
          config(),
        );
        expect([stdout + stderr, code]).toEqual([stdout + stderr, 0]);
      }
    });

    test.each(CHECKED)('%s: the check fails where its image does something new', async (name) => {
      await changedImage(engine(), name as ImageName);
      try {
        const args = ['check', name, '--config', config(), '--format', 'json'];
        const { code, stdout, stderr } = await sysieve(engine(), ...args);
        expect([stderr, code]).toEqual([stderr, 1]);
        const { apps } = JSON.parse(stdout) as {
          apps: { findings: { call: string; message: string }[] }[];
        };
        const link = apps[0]?.findings.find(({ call }) => call === 'symlink');
        expect(link?.message).toContain('/bin/changed');
      } finally {
        await restoreImage(engine(), name as ImageName);
      }
    });

    // What was made a moment ago was tried there; the committed ones serve elsewhere.
    if (SOAK) committedServe(engine);
  });
});

privileged('podman with crun', () => {
  onEngine(
    (dir) => startPodman(dir, 'crun'),
    (engine) => {
      committedServe(engine);

      (WRITE ? test : test.skip)('the committed profiles are made anew', async () => {
        await profileAll(engine(), 'podman');
        for (const name of NAMES) {
          const recordings = ['docker', 'podman'].map((made) =>
            path.join(files, made, `${name}.recording.json`),
          );
          const profile = path.join(COMMITTED, `${name}.json`);
          const { code, stderr } = await sysieve(
            engine(),
            'minimise',
            ...recordings,
            // As profile does by default; what it found lies beside the recordings.
            ...['--reach', 'report'],
            '-o',
            profile,
          );
          expect([stderr, code]).toEqual([stderr, 0]);
        }
      });
    },
  );
});
