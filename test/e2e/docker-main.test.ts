import { mainJob } from '../support/engine-main';
import { startDocker } from '../support/engines';
import { privileged } from '../support/recorder';

jest.setTimeout(90_000);

privileged('docker', () => {
  mainJob('docker', startDocker);
});
