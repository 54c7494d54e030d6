/** Images of the distribution's own packages, made on the spot and without a network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  | 'base'
  | 'busybox';

const MAKE_ROOTFS = path.join(__dirname, '../../fixtures/images/make-rootfs');

export async function succeed(command: string, args: string[]): Promise<void> {
  const { code, stderr } = await runCommand(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}: ${stderr}`);
}

/** The reference to run it by. */
export const imageRef = (name: ImageName) => `sysieve-test-${name}:latest`;

/** Its root filesystem, made at `root`. */
export const makeRootfs = (name: ImageName, root: string) => succeed(MAKE_ROOTFS, [name, root]);

export async function importImages(engine: TestEngine, names: ImageName[]): Promise<void> {
  for (const name of names) {
    const work = mkdtempSync(path.join(tmpdir(), 'sysieve-image-'));
    try {
      const root = path.join(work, 'root');
      const tar = path.join(work, 'image.tar');
      await makeRootfs(name, root);
      await succeed('tar', ['-C', root, '-cf', tar, '.']);
      await engine.cli('import', tar, imageRef(name));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}

/** Where `changedImage` keeps what the reference stood for. */
const keptRef = (name: ImageName) => `sysieve-test-${name}:kept`;

/** From here on, to restoreImage(), the image makes a link before it starts its program. */
export async function changedImage(engine: TestEngine, name: ImageName): Promise<void> {
  const work = mkdtempSync(path.join(tmpdir(), 'sysieve-image-'));
  try {
    const script = path.join(work, 'changed');
    writeFileSync(script, '#!/bin/sh\nln -sf /tmp /tmp/link\nexec "$@"\n', { mode: 0o755 });
    await engine.cli('tag', imageRef(name), keptRef(name));
    const id = await engine.cli('create', ...engine.createArgs, imageRef(name), '/bin/sh');
    await engine.cli('cp', script, `${id}:/bin/changed`);
    const change = 'ENTRYPOINT ["/bin/changed"]';
    await engine.cli('commit', '--change', change, id, imageRef(name));
    await engine.cli('rm', id);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export async function restoreImage(engine: TestEngine, name: ImageName): Promise<void> {
  await engine.cli('tag', keptRef(name), imageRef(name));
}
