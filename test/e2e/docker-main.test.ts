import { mainJob } from '../support/engine-main';
import { startDocker } from '../support/engines';
import { privileged } from '../support/recorder';

privileged('docker', () => {
  mainJob('docker', startDocker);
});
