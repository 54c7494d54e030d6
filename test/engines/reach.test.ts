/** `sysieve reach` in the files of containers: of one that runs and of its image it says the same. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseReach } from '../../src/reach';
import { serializeRecording } from '../../src/recording';
import { sysieveIn } from '../support/engine-sysieve';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';
import { makeRecording, makeRun } from '../support/recordings';

const IMAGE = imageRef('nginx');

privileged('reach', () => {
  describe.each(['docker', 'podman', 'podman without a service'] as const)('%s', (name) => {
    let engine: TestEngine;
    let base: string;
    let recording: string;
    beforeAll(async () => {
      base = mkdtempSync(path.join(tmpdir(), 'sysieve-reach-test-'));
      const dir = path.join(base, 'engine');
      engine = await (name === 'docker' ? startDocker(dir) : startPodman(dir, 'runc'));
      await importImages(engine, ['nginx']);
      recording = path.join(base, 'web.json');
      const run = { ...makeRun(['read', 'write']), executables: ['/usr/sbin/nginx', '/bin/sh'] };
      writeFileSync(recording, serializeRecording(makeRecording(run)));
    });
    afterAll(async () => {
      await engine?.stop();
      rmSync(base, { recursive: true, force: true });
    });

    const env = (): NodeJS.ProcessEnv => ({
      ...engine.env,
      ...(name === 'podman' ? { CONTAINER_HOST: `unix://${engine.socket}` } : {}),
      SYSIEVE_CACHE: path.join(base, 'cache'),
    });

    async function scanned(...where: string[]) {
      const output = path.join(base, `${where[0]?.slice(2)}.reach.json`);
      const { code, stderr } = await sysieveIn(env(), 'reach', recording, ...where, '-o', output);
      if (code !== 0) throw new Error(`exit ${code}: ${stderr}`);
      return parseReach(readFileSync(output, 'utf8'), output);
    }

    test('an image says what a container of it says, and nothing is left of the look', async () => {
      const made = ['run', '-d', ...engine.createArgs, '--name', 'web', '--network=none'];
      await engine.cli(...made, '--entrypoint', '/bin/sleep', IMAGE, '1000');
      const live = await scanned('--container', 'web');
      const before = await engine.cli('ps', '-aq');
      const image = await scanned('--image', IMAGE);
      expect(image).toEqual(live);
      expect(await engine.cli('ps', '-aq')).toEqual(before);

      const [nginx] = live.executables.filter((one) => one.path === '/usr/sbin/nginx');
      expect(nginx?.uncovered).toEqual([]);
      expect(nginx?.modules.map((one) => path.basename(one.path))).toEqual(
        expect.arrayContaining(['nginx', 'libc.so.6']),
      );
      // What nginx's own code has and no short run makes.
      const names = nginx?.calls.filter(({ cost }) => cost <= 2).map((one) => one.name);
      for (const call of ['rename', 'unlink', 'sendfile', 'kill', 'wait4']) {
        expect(names).toContain(call);
      }
      await engine.cli('rm', '-f', 'web');
    });

    test('an image that is not there, and a container that does not run, are told', async () => {
      const none = await sysieveIn(env(), 'reach', recording, '--image', 'none:1');
      expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('none:1')]);
      const made = ['create', ...engine.createArgs, '--name', 'idle', '--network=none'];
      await engine.cli(...made, IMAGE, '/bin/true');
      const idle = await sysieveIn(env(), 'reach', recording, '--container', 'idle');
      expect([idle.code, idle.stderr]).toEqual([3, expect.stringContaining('is not running')]);
      await engine.cli('rm', '-f', 'idle');
    });
  });
});
