/** The image of deploy/Containerfile, built without a network on a base of this machine's files. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { TestEngine } from './engines';
import { makeRootfs, succeed } from './image-build';
import { tarball } from './package-root';
import { ROOT } from './recorder';

export const IMAGE = 'localhost/sysieve:test';
const BASE = 'localhost/sysieve-test-base:latest';

/** The package that users install, which is all that deploy/Containerfile takes. */
async function packInto(folder: string): Promise<void> {
  await succeed(path.join(ROOT, 'scripts/pack'), []);
  mkdirSync(folder, { recursive: true });
  copyFileSync(tarball(), path.join(folder, path.basename(tarball())));
}

/** Builds the image with podman. `work` is a folder of the test's. */
export async function buildImage(podman: TestEngine, work: string): Promise<void> {
  const context = path.join(work, 'context');
  const root = path.join(work, 'base');
  const tar = path.join(work, 'base.tar');
  await Promise.all([packInto(context), makeRootfs('base', root)]);
  await succeed('tar', ['-C', root, '-cf', tar, '.']);
  await podman.cli('import', tar, BASE);
  rmSync(root, { recursive: true });
  rmSync(tar);
  const file = path.join(ROOT, 'deploy/Containerfile');
  await podman.cli(
    ...[
      'build',
      '--network=none',
      '--isolation=oci',
      '--pull=never',
      '--build-arg',
      `BASE=${BASE}`,
    ],
    ...['-f', file, '-t', IMAGE, context],
  );
}
