/**
 * A root file system with node, npm and busybox in it, and nothing else: no compiler, no headers, no
 * other sysieve. What runs there has no network. With SYSIEVE_SOAK=1 it is a fresh Debian instead.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const PLACE = join(ROOT, 'build', 'package-roots');

/** For what makes a root: a fresh Debian is fetched once. */
export const MAKING_MS = 300_000;

/** What scripts/fetch-nodes has put there. */
export const NODES = ['20', '22', '24'] as const;
export type NodeVersion = (typeof NODES)[number];

/** What scripts/pack has made. */
export function tarball(): string {
  const out = join(ROOT, 'out');
  const [name] = readdirSync(out).filter((file) => /^sysieve-.*\.tgz$/.test(file));
  if (name === undefined) throw new Error('there is no package: run scripts/pack');
  return join(out, name);
}

export interface PackageRoot {
  directory: string;
  /** A command line of sh in /app; where `status` is not 0, stderr says why. */
  run(line: string): { status: number | null; stdout: string; stderr: string };
  remove(): void;
}

const LIBSECCOMP = '/usr/lib/x86_64-linux-gnu/libseccomp.so.2';
const APPLETS = ['sh', 'ls', 'cat', 'env', 'rm', 'mv', 'mkdir', 'true'];

/** Needs scripts/fetch-nodes and scripts/pack. `name` tells the roots of test files apart, which may run at the same time. */
export function makePackageRoot(name: string, version: NodeVersion): PackageRoot {
  const directory = join(PLACE, `${name}-${version}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  if (process.env.SYSIEVE_SOAK === '1') debian(directory);
  else fromThisSystem(directory);
  for (const place of ['opt', 'app', 'tmp', 'proc', 'sys', 'dev', 'root']) {
    mkdirSync(join(directory, place), { recursive: true });
  }
  const node = join(ROOT, 'build', 'nodes', version, 'node');
  mkdirSync(join(directory, 'opt/bin'), { recursive: true });
  linkSync(node, join(directory, 'opt/bin/node'));
  mkdirSync(join(directory, 'opt/npm'));
  symlinkSync('/opt/npm/bin/npm-cli.js', join(directory, 'opt/bin/npm'));
  symlinkSync('/opt/npm/bin/npx-cli.js', join(directory, 'opt/bin/npx'));
  copyFileSync(tarball(), join(directory, 'app/sysieve.tgz'));
  for (const profile of ['nginx.json', 'redis.json']) {
    copyFileSync(join(ROOT, 'profiles', profile), join(directory, 'app', profile));
  }
  return {
    directory,
    run: (line) => run(directory, line),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function which(program: string): string {
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

function fromThisSystem(directory: string): void {
  const node = join(ROOT, 'build', 'nodes', '20', 'node');
  const linked = execFileSync('ldd', [node], { encoding: 'utf8' });
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path as string);
  for (const path of [...libraries, LIBSECCOMP]) {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    copyFileSync(path, join(directory, path));
  }
  mkdirSync(join(directory, 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(directory, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(directory, 'bin', applet));
  mkdirSync(join(directory, 'usr'), { recursive: true });
  symlinkSync('/bin', join(directory, 'usr/bin'));
}

function debian(directory: string): void {
  const kept = join(PLACE, 'debian.tar');
  if (!existsSync(kept)) {
    const made = join(PLACE, `debian-${process.pid}.tar`);
    execFileSync('mmdebstrap', ['--variant=minbase', 'bookworm', made], { stdio: 'pipe' });
    renameSync(made, kept);
  }
  execFileSync('tar', ['-C', directory, '--exclude=./dev/*', '-xf', kept]);
}

// npm has thousands of files: seen there, not copied.
const NPM = dirname(dirname(realpathSync(which('npm'))));
const MOUNTS =
  'for place in proc sys dev; do mount --rbind /$place $0/$place; done; mount --bind $2 $0/opt/npm';

function run(directory: string, line: string) {
  const inside = `cd /app && ${line}`;
  const environment = 'HOME=/root PATH=/app/node_modules/.bin:/opt/bin:/usr/bin:/bin';
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
      '--net',
      '--mount',
      'sh',
      '-c',
      `${MOUNTS} && exec chroot $0 /usr/bin/env -i ${environment} /bin/sh -c "$1"`,
      directory,
      inside,
      NPM,
    ],
    { encoding: 'utf8', timeout: 180_000 },
  );
  return { status, stdout, stderr };
}
