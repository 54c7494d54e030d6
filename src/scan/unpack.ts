/**
 * What a loader could use of a container's files, out of the archive that an engine makes of them. The
 * archive is the container's: nothing in it leads out of the directory, and links are made last, when
 * nothing is written any more.
 */
import { createWriteStream, mkdirSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { SysieveError } from '../errors';

const MOST_BYTES = 8 * 1024 * 1024 * 1024;
const MOST_ENTRIES = 2_000_000;

/** null: a name that no file of a root directory has. */
function place(name: string): string | null {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..') || name.includes('\0')) return null;
  return parts.join('/');
}

function isWanted(path: string, { type, mode = 0 }: Header): boolean {
  if (type !== 'file') return false;
  return (mode & 0o111) !== 0 || /\.so(?:\.|$)/.test(path) || path === 'etc/ld.so.cache';
}

/** What its directories are called by: those of an owner that was killed can be told by it. */
export const UNPACKED = 'sysieve-reach-';

interface Unpacking {
  /** In the directory's name. */
  readonly owner: string;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of programs and libraries. */
  readonly most?: number | undefined;
}

/** Calls `use` with a directory that is gone afterwards. */
export async function withUnpacked<T>(
  archive: (take: (stream: NodeJS.ReadableStream) => Promise<void>) => Promise<void>,
  use: (root: string) => Promise<T>,
  unpacking: Unpacking,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), `${UNPACKED}${unpacking.owner}-`));
  try {
    await archive((stream) => unpack(stream, root, unpacking));
    return await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function unpack(
  archive: NodeJS.ReadableStream,
  root: string,
  { signal, most = MOST_BYTES }: Unpacking,
): Promise<void> {
  const links: { path: string; to: string; hard: boolean }[] = [];
  const made = new Set<string>();
  let bytes = 0;
  let entries = 0;
  const reader = extract();
  const handled = (async () => {
    for await (const entry of reader) {
      const { header } = entry as unknown as { header: Header };
      const path = place(header.name);
      entries++;
      if (entries > MOST_ENTRIES) throw tooLarge(most);
      if (path !== null && (header.type === 'symlink' || header.type === 'link')) {
        const to = header.linkname ?? '';
        if (to !== '') links.push({ path, to, hard: header.type === 'link' });
      } else if (path !== null && isWanted(path, header) && !made.has(path)) {
        bytes += header.size ?? 0;
        if (bytes > most) throw tooLarge(most);
        made.add(path);
        mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o700 });
        await pipeline(entry, createWriteStream(join(root, path), { flags: 'wx', mode: 0o600 }));
        continue;
      }
      entry.resume();
    }
  })();
  await Promise.all([pipeline(archive, reader, signal === undefined ? {} : { signal }), handled]);
  for (const { path, to, hard } of links) {
    const target = hard ? place(to) : to;
    if (target === null || made.has(path)) continue;
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true, mode: 0o700 });
    try {
      // A hard link names its target from the root.
      symlinkSync(hard ? `/${target}` : target, at);
    } catch {
      // A directory that files lie in, or a second entry of the name: what was first stays.
    }
  }
}

function tooLarge(most: number): SysieveError {
  return new SysieveError(
    'input',
    'image-too-large',
    'the container has more files than are unpacked',
    {
      cause: `the limits are ${MOST_ENTRIES} entries and ${most} bytes of programs and libraries`,
      remedy: 'Give a running container, or --root with the directory of its files.',
    },
  );
}
