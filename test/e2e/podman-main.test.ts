import { mainJob } from '../support/engine-main';
import { startPodman } from '../support/engines';

jest.setTimeout(90_000);

describe.each(['runc', 'crun'] as const)('podman with %s', (runtime) => {
  mainJob(`podman-${runtime}`, (dir) => startPodman(dir, runtime));
});
