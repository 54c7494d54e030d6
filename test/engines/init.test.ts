/** `sysieve init --container` against real engines. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { appOfContainer } from '../../src/staging/init-container';
import { startDocker, startPodman, type TestEngine, until } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';

const IMAGE = imageRef('busybox');

describe.each(['docker', 'podman'] as const)('%s', (name) => {
  let engine: TestEngine;
  const outer = { ...process.env };
  beforeAll(async () => {
    const dir = mkdtempSync(path.join(tmpdir(), `sysieve-init-${name}-`));
    engine = await (name === 'docker' ? startDocker(dir) : startPodman(dir, 'runc'));
    await importImages(engine, ['busybox']);
    process.env[name === 'docker' ? 'DOCKER_HOST' : 'CONTAINER_HOST'] = `unix://${engine.socket}`;
    mkdirSync(path.join(dir, 'conf'));
  });
  afterAll(async () => {
    process.env = outer;
    await engine?.stop();
  });

  test('what it has beyond its image, and what it listens on', async () => {
    await engine.cli(
      'run',
      '-d',
      ...engine.createArgs,
      '--name',
      'web_1',
      '--network=none',
      '-v',
      `${engine.dir}/conf:/conf:ro`,
      '-e',
      'MODE=x',
      '-e',
      'API_TOKEN=hunter2',
      '--cap-add',
      'SYS_PTRACE',
      '--read-only',
      '--tmpfs',
      '/scratch',
      '--user',
      '7:8',
      '-w',
      '/scratch',
      IMAGE,
      '/bin/sh',
      '-c',
      'nc -l -p 4711 & exec sleep 1000',
    );
    let found = await appOfContainer('web_1', { engine: name, directory: engine.dir });
    await until('the port', 20_000, async () => {
      found = await appOfContainer('web_1', { engine: name, directory: engine.dir });
      return found.notes.some((note) => note.includes('4711'));
    });
    expect(found.name).toBe('web_1');
    expect(found.app).toMatchObject({
      engine: name,
      run: {
        network: 'none',
        volumes: [{ source: './conf', target: '/conf', readOnly: true }],
        env: { MODE: 'x' },
        user: '7:8',
        workdir: '/scratch',
        capAdd: ['SYS_PTRACE'],
        readOnly: true,
      },
    });
    expect(found.app.image).toContain(IMAGE.replace(/:latest$/, ''));
    expect(found.app.command ?? found.app.run?.entrypoint).toEqual(
      expect.arrayContaining(['-c', 'nc -l -p 4711 & exec sleep 1000']),
    );
    expect(JSON.stringify(found)).not.toContain('hunter2');
    expect(found.notes.join('\n')).toContain('API_TOKEN');
  });
});
