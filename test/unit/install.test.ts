/** Where the native files are looked for, and what is said where they are not. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformFileSync } from '@swc/core';

let place: string;

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'sysieve-install-')));
  const { code } = transformFileSync(join(__dirname, '../../src/install/index.ts'), {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  put('dist/install/index.js', code);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function put(path: string, text = ''): void {
  mkdirSync(join(place, path, '..'), { recursive: true });
  writeFileSync(join(place, path), text);
}

/** Asks in a process of its own, which takes itself for one of `arch` and, if told so, for musl's. */
function ask(expression: string, { arch = 'x64', maps = '' } = {}): string {
  const module = JSON.stringify(join(place, 'dist/install/index.js'));
  const script = `
    Object.defineProperty(process, 'arch', { value: '${arch}' });
    const fs = require('node:fs');
    const read = fs.readFileSync;
    fs.readFileSync = (path, ...rest) =>
      path === '/proc/self/maps' ? '${maps}' : read(path, ...rest);
    const install = require(${module});
    process.stdout.write(String(${expression}));`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
}

const ADDON = "install.nativeFile('sysieve.node')";

it('a clone: what it has built, or has to build', () => {
  expect(ask(ADDON)).toBe(join(place, 'build/Release/sysieve.node'));
  expect(ask("install.nativeRemedy('build it')")).toBe('build it');
});

it('a package: what it carries for the platform', () => {
  put('prebuilds/linux-x64-glibc/sysieve.node');
  expect(ask(ADDON)).toBe(join(place, 'prebuilds/linux-x64-glibc/sysieve.node'));
});

it('what was built there goes before what is carried', () => {
  put('prebuilds/linux-x64-glibc/sysieve.node');
  put('build/Release/sysieve.node');
  expect(ask(ADDON)).toBe(join(place, 'build/Release/sysieve.node'));
});

it.each([
  ['linux-arm64-glibc', { arch: 'arm64' }],
  ['linux-x64-musl', { maps: '7f0 r-xp 08:01 1 /lib/ld-musl-x86_64.so.1' }],
])('a package on %s says for what it was made, and what works', (platform, machine) => {
  put('prebuilds/linux-x64-glibc/sysieve.node');
  const remedy = ask("install.nativeRemedy('build it')", machine);
  expect(remedy).toContain(`has native parts for linux-x64-glibc, and this is ${platform}`);
  expect(remedy).toContain('Comparing, linting, explaining and exporting profiles work here');
});

it('a package on a system that is too old, or damaged', () => {
  put('prebuilds/linux-x64-glibc/sysieve.node');
  const cause = "libc.so.6: version `GLIBC_2.28' not found (required by sysieve.node)";
  expect(ask(`install.nativeRemedy('', ${JSON.stringify(cause)})`)).toContain(
    'glibc 2.28 or newer',
  );
  expect(ask("install.nativeRemedy('', 'ENOENT')")).toContain('install it again');
});
