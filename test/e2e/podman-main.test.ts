import { mainJob } from '../support/engine-main';
import { startPodman } from '../support/engines';
import { privileged } from '../support/recorder';

privileged('podman', () => {
  describe.each(['runc', 'crun'] as const)('with %s', (runtime) => {
    mainJob(`podman-${runtime}`, (dir) => startPodman(dir, runtime));
  });
});
