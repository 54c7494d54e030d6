import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findContainer } from '../../src/engines';
import { engineContract } from '../support/engine-contract';
import { startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

privileged('podman', () => {
  describe.each(['runc', 'crun'] as const)('with %s', (runtime) => {
    let podman: TestEngine;
    const socketEnv = () => ({ ...podman.env, CONTAINER_HOST: `unix://${podman.socket}` });

    beforeAll(async () => {
      podman = await startPodman(mkdtempSync(path.join(tmpdir(), 'sysieve-engines-')), runtime);
      await importImages(podman, ['busybox']);
    });

    afterAll(async () => {
      await podman?.stop();
    });

    describe('by its socket', () => {
      engineContract(() => podman, { env: socketEnv, endpoint: 'socket' });
    });

    describe('by its command', () => {
      engineContract(() => podman, { env: () => podman.env, endpoint: 'cli' });
    });

    // Podman offers it with crun only.
    if (runtime !== 'crun') return;
    test('--cgroups=disabled: no cgroup of its own, so none of a stranger either', async () => {
      const rest = ['--network=none', '--name', 'bare', imageRef('busybox'), '/bin/sleep', '1000'];
      await podman.cli('run', '-d', '--cgroups=disabled', ...rest);
      const info = await findContainer('bare', { engine: 'podman', socket: podman.socket });
      expect(info.cgroups).toEqual([]);
      expect(info.running).toBe(true);
      expect(info.mountNamespace).not.toBeNull();
      await podman.cli('rm', '-f', '-t', '0', 'bare');
    });
  });
});
