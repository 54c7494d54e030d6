/** The image of deploy/Containerfile, built without a network on a base of this machine's files. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestEngine } from './engines';
import { makeRootfs, succeed } from './image-build';
import { ROOT } from './recorder';

export const IMAGE = 'localhost/sysieve:test';
const BASE = 'localhost/sysieve-test-base:latest';

interface Manifest {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
}

/** The folders of the packages that the command needs at run time. */
function productionPackages(): string[] {
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const folders = listed.trim().split('\n').slice(1);
  // One that lies in another comes with it.
  return folders
    .map((dir) => path.relative(ROOT, dir))
    .filter((dir) => !/\/node_modules\//.test(dir));
}

/** The files of the libraries that a program or library of this machine is linked with. */
function librariesOf(file: string): string[] {
  const listed = execFileSync('ldd', [file], { encoding: 'utf8' });
  return [...listed.matchAll(/=> (\/\S+)/g)].map(([, library]) => library ?? '');
}

/** What was built here as a package that installs offline; answers what it needs of the image besides. */
async function packBuilt(folder: string): Promise<string[]> {
  const staged = path.join(folder, 'package');
  for (const part of ['dist', 'profiles', 'package.json', ...productionPackages()]) {
    cpSync(path.join(ROOT, part), path.join(staged, part), { recursive: true });
  }
  for (const built of ['sysieve.node', 'sysieve-launch']) {
    const place = path.join('build/Release', built);
    cpSync(path.join(ROOT, place), path.join(staged, place));
  }
  const at = path.join(staged, 'package.json');
  const manifest = JSON.parse(readFileSync(at, 'utf8')) as Manifest;
  const { dependencies, optionalDependencies } = manifest;
  const bundleDependencies = Object.keys({ ...dependencies, ...optionalDependencies });
  writeFileSync(
    at,
    JSON.stringify({ ...manifest, bundleDependencies, scripts: {}, files: ['**'] }),
  );
  await succeed('tar', ['-C', folder, '-czf', path.join(folder, 'sysieve-0.0.0.tgz'), 'package']);
  rmSync(staged, { recursive: true });
  return librariesOf(path.join(ROOT, 'build/Release/sysieve.node'));
}

/**
 * Puts the package that users install into `folder`: what scripts/pack makes, where that is there.
 * Answers which libraries of this machine it needs besides those of a base image.
 */
async function packInto(folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const pack = path.join(ROOT, 'scripts/pack');
  if (!existsSync(pack)) return packBuilt(folder);
  await succeed(pack, []);
  const [made] = execFileSync('sh', ['-c', 'ls -t out/sysieve-*.tgz | head -n 1'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).split('\n');
  cpSync(path.join(ROOT, made ?? ''), path.join(folder, path.basename(made ?? '')));
  return [];
}

/** Builds the image with podman. `work` is a folder of the test's. */
export async function buildImage(podman: TestEngine, work: string): Promise<void> {
  const context = path.join(work, 'context');
  const root = path.join(work, 'base');
  const tar = path.join(work, 'base.tar');
  const [libraries] = await Promise.all([packInto(context), makeRootfs('base', root)]);
  for (const library of libraries) cpSync(library, path.join(root, library), { dereference: true });
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
