/** Where a loader finds the libraries that a file asks for, in a file system that is not ours. */
import { readInRoot } from './scanner';

/** glibc's /etc/ld.so.cache (sysdeps/generic/dl-cache.h): name → path. */
export function parseLoaderCache(bytes: Buffer): Map<string, string> {
  const libraries = new Map<string, string>();
  const magic = Buffer.from('glibc-ld.so.cache1.1');
  const begin = bytes.indexOf(magic);
  if (begin < 0 || begin % 8 !== 0 || bytes.length < begin + 48) return libraries;
  const table = bytes.subarray(begin);
  const count = Math.min(table.readUInt32LE(20), Math.floor((table.length - 48) / 24));
  const text = (offset: number): string => {
    const end = table.indexOf(0, offset);
    return end < 0 || end - offset > 4096 ? '' : table.toString('latin1', offset, end);
  };
  for (let i = 0; i < count; i++) {
    const at = 48 + i * 24;
    // FLAG_ELF_LIBC6 | FLAG_X8664_LIB64; what is for some processors only has a word of its own.
    if (table.readInt32LE(at) !== 0x0303 || table.readBigUInt64LE(at + 16) !== 0n) continue;
    const name = text(table.readUInt32LE(at + 4));
    const path = text(table.readUInt32LE(at + 8));
    if (name !== '' && path !== '' && !libraries.has(name)) libraries.set(name, path);
  }
  return libraries;
}

const USUAL = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/local/lib',
  '/usr/lib',
];

/** Paths to be tried in turn for a name that `origin` (a path) asks for. */
export class Libraries {
  private cache: Map<string, string> | null = null;

  constructor(private readonly root: string) {}

  async candidates(name: string, origin: string, runPath: string): Promise<string[]> {
    if (name.includes('/')) return [name];
    this.cache ??= parseLoaderCache(
      (await readInRoot(this.root, '/etc/ld.so.cache')) ?? Buffer.alloc(0),
    );
    const directory = origin.replace(/\/[^/]*$/, '');
    const own = runPath
      .split(':')
      .filter((path) => path !== '')
      .map((path) => path.replaceAll(/\$\{?ORIGIN\}?/g, directory));
    const known = this.cache.get(name);
    return [
      ...own.map((path) => `${path}/${name}`),
      ...(known === undefined ? [] : [known]),
      ...USUAL.map((path) => `${path}/${name}`),
    ];
  }
}
