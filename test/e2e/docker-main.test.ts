import { mainJob } from '../support/engine-main';
import { startDocker } from '../support/engines';

jest.setTimeout(90_000);

mainJob('docker', startDocker);
