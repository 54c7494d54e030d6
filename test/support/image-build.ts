/** Images of the distribution's own packages, made on the spot and without a network. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand, type TestEngine } from './engines';

export type ImageName =
  | 'nginx'
  | 'redis'
  | 'postgres'
  | 'node'
  | 'python'
  | 'memcached'
  | 'multi'
  | 'busybox';

const MAKE_ROOTFS = path.join(__dirname, '../../fixtures/images/make-rootfs');

async function succeed(command: string, args: string[]): Promise<void> {
  const { code, stderr } = await runCommand(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}: ${stderr}`);
}

/** The reference to run it by. */
export const imageRef = (name: ImageName) => `sysieve-test-${name}:latest`;

export async function importImages(engine: TestEngine, names: ImageName[]): Promise<void> {
  for (const name of names) {
    const work = mkdtempSync(path.join(tmpdir(), 'sysieve-image-'));
    try {
      const root = path.join(work, 'root');
      const tar = path.join(work, 'image.tar');
      await succeed(MAKE_ROOTFS, [name, root]);
      await succeed('tar', ['-C', root, '-cf', tar, '.']);
      await engine.cli('import', tar, imageRef(name));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}
