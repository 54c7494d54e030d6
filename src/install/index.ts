/**
 * How this sysieve came here, and where its native files lie: a clone has built them, a package
 * carries them for the platforms that it was made for.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type NativeFile = 'sysieve.node' | 'sysieve-launch' | 'sysieve-reach' | 'ffi-napi.js';

/** The same from src/ (tests) and from dist/. */
const ROOT = join(__dirname, '..', '..');
const BUILT = join(ROOT, 'build', 'Release');
const CARRIED = join(ROOT, 'prebuilds');

/** What prebuilds/ in a package holds; scripts/pack-native makes it. */
export const CARRIED_PLATFORM = 'linux-x64-glibc';

/** The C library that node runs with: what was linked against one does not load under another. */
function libc(): 'glibc' | 'musl' {
  try {
    return /\/(?:ld-musl-|libc\.musl-)/.test(readFileSync('/proc/self/maps', 'latin1'))
      ? 'musl'
      : 'glibc';
  } catch {
    return 'glibc';
  }
}

export function platform(): string {
  const { platform: system, arch } = process;
  return system === 'linux' ? `linux-${arch}-${libc()}` : `${system}-${arch}`;
}

/** What a clone has built lies elsewhere, and no file of git's is called so. */
export function isPackage(): boolean {
  return existsSync(CARRIED);
}

/** Where it is, or would be: what was built here, else what the package carries for this platform. */
export function nativeFile(name: NativeFile): string {
  const built = join(BUILT, name);
  return existsSync(built) || !isPackage() ? built : join(CARRIED, platform(), name);
}

/**
 * The remedy where a native file is missing or does not load. `cause` is what the loader said, if
 * it got so far.
 */
export function nativeRemedy(clone: string, cause = ''): string {
  if (!isPackage()) return clone;
  const here = platform();
  if (here !== CARRIED_PLATFORM) {
    return (
      `This package has native parts for ${CARRIED_PLATFORM}, and this is ${here}. ` +
      'Comparing, linting, explaining and exporting profiles work here; for the rest use an ' +
      'x86_64 Linux with glibc 2.28 or newer (not Alpine).'
    );
  }
  return cause.includes('version `GLIBC_')
    ? 'Use a distribution with glibc 2.28 or newer: Debian 10, RHEL 8, Ubuntu 18.10 or later.'
    : 'The package is damaged or only half unpacked: install it again.';
}
