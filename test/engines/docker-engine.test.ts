import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findContainer, probeEngines, watchContainer } from '../../src/engines';
import { cgroupsNamed, mountsBelow, processesOf } from '../support/engine-cleanup';
import { engineContract } from '../support/engine-contract';
import { startDocker, startPodman, type TestEngine, until } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

privileged('engines of this machine', () => {
  let docker: TestEngine;
  let podman: TestEngine;
  const temporary = () => mkdtempSync(path.join(tmpdir(), 'sysieve-engines-'));

  beforeAll(async () => {
    docker = await startDocker(temporary());
    await importImages(docker, ['busybox']);
    podman = await startPodman(temporary(), 'runc');
    await importImages(podman, ['busybox']);
  });

  afterAll(async () => {
    await docker?.stop();
    await podman?.stop();
  });

  describe('docker by its socket', () => {
    engineContract(() => docker, { env: () => docker.env, endpoint: 'socket' });
  });

  describe('docker and podman side by side', () => {
    const saved = { ...process.env };
    const create = (engine: TestEngine, name: string) =>
      engine.cli('create', ...engine.createArgs, '--name', name, imageRef('busybox'), '/bin/true');

    beforeEach(() => {
      process.env = {
        ...podman.env,
        DOCKER_HOST: docker.env.DOCKER_HOST,
        CONTAINER_HOST: `unix://${podman.socket}`,
      };
    });

    afterEach(() => {
      process.env = saved;
    });

    test('auto finds it in whichever engine has it, and refuses to choose between two', async () => {
      await create(docker, 'only-docker');
      await create(podman, 'only-podman');
      await create(docker, 'twice');
      await create(podman, 'twice');
      const find = (name: string) => findContainer(name, { engine: 'auto' });
      expect((await find('only-docker')).engine).toBe('docker');
      expect((await find('only-podman')).engine).toBe('podman');
      await expect(find('twice')).rejects.toMatchObject({
        code: 'container-ambiguous',
        exitCode: 3,
        message: 'a container "twice" exists in docker and in podman',
        remedy: 'Say which: --engine docker or --engine podman.',
      });
      expect((await findContainer('twice', { engine: 'podman' })).engine).toBe('podman');
      await expect(find('nobody')).rejects.toMatchObject({
        code: 'container-not-found',
        reason: `asked docker at ${docker.socket} and podman at ${podman.socket}`,
      });
    });

    test('a socket says itself which engine listens on it', async () => {
      const find = (socket: string) => findContainer('twice', { engine: 'auto', socket });
      expect((await find(podman.socket)).engine).toBe('podman');
      expect((await find(docker.socket)).engine).toBe('docker');
      // Podman standing in for Docker is one engine with one container, not two.
      process.env.DOCKER_HOST = process.env.CONTAINER_HOST;
      expect((await findContainer('twice', { engine: 'auto' })).engine).toBe('podman');
    });

    test('both answer a probe', async () => {
      expect(await probeEngines()).toEqual([
        { engine: 'docker', ok: true, detail: docker.socket },
        { engine: 'podman', ok: true, detail: podman.socket },
        expect.objectContaining({ engine: 'cri' }),
      ]);
    });
  });

  test('an engine that ends while its container is watched is told; nothing stays behind', async () => {
    const dir = temporary();
    const short = await startPodman(dir, 'runc');
    await importImages(short, ['busybox']);
    await short.cli(
      'create',
      ...short.createArgs,
      '--name',
      'left',
      imageRef('busybox'),
      '/bin/true',
    );
    const info = await findContainer('left', { engine: 'podman', socket: short.socket });
    const abort = new AbortController();
    const events: string[] = [];
    const done = watchContainer(info, (e) => events.push(e.type), abort.signal);
    await short.endService();
    await until('the loss to be told', 5_000, () => events.includes('engine-lost'));
    // Told once, however often it is asked again.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    abort.abort();
    await done;
    expect(events).toEqual(['engine-lost']);
    await short.stop();
    expect(mountsBelow(dir)).toEqual([]);
    expect(processesOf(dir)).toEqual([]);
    expect(cgroupsNamed(`sysieve-${path.basename(dir)}`)).toEqual([]);
  });
});
