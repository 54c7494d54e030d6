/**
 * Files that a container's creator names and root writes. Only below directories that the
 * administrator allows; and each directory on the way is opened from the one above it, so that no
 * symbolic link, not even one made meanwhile, leads out.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { isAbsolute, normalize, sep } from 'node:path';
import { SysieveError } from '../../errors';
import { decodeText, READ_LIMIT, writeFileAtomic } from '../../io';

function refused(path: string, cause: string): SysieveError {
  return new SysieveError('input', 'hook-path', `${path} is not a path that this hook may use`, {
    cause,
    remedy:
      'Give an absolute path below a directory that the hook was installed with: --output-dir.',
  });
}

/** The names below the first allowed directory that the path lies in. */
function below(path: string, allowed: readonly string[]): { root: string; names: string[] } {
  if (!isAbsolute(path)) throw refused(path, 'it is relative');
  if (path.length > 4096 || path.includes('\0')) throw refused(path, 'it is no path');
  if (path.split(sep).some((name) => name === '..' || name === '.')) {
    throw refused(path, 'it has . or .. in it');
  }
  const whole = normalize(path);
  for (const directory of allowed) {
    const root = normalize(`${directory}${sep}`);
    if (!whole.startsWith(root) || whole.length === root.length || whole.endsWith(sep)) continue;
    return { root, names: whole.slice(root.length).split(sep) };
  }
  throw refused(path, `it is not below ${allowed.join(' or ')}`);
}

async function openDirectory(path: string, shown: string, follow: boolean): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | (follow ? 0 : constants.O_NOFOLLOW);
  try {
    return await open(path, flags);
  } catch (error) {
    throw refused(shown, `${(error as NodeJS.ErrnoException).code} at ${path}`);
  }
}

/** Calls `body` with a path of the file that leads through descriptors alone. */
async function within<T>(
  path: string,
  allowed: readonly string[],
  body: (path: string) => Promise<T>,
): Promise<T> {
  const { root, names } = below(path, allowed);
  const name = names.pop() ?? '';
  // The administrator's own directory may lie behind a link.
  let directory = await openDirectory(root, path, true);
  try {
    for (const next of names) {
      const inner = await openDirectory(`/proc/self/fd/${directory.fd}/${next}`, path, false);
      await directory.close();
      directory = inner;
    }
    return await body(`/proc/self/fd/${directory.fd}/${name}`);
  } finally {
    await directory.close();
  }
}

/** Throws a SysieveError where the file cannot be written there later. */
export async function checkPlace(path: string, allowed: readonly string[]): Promise<void> {
  await within(path, allowed, async () => undefined);
}

export async function writePlace(path: string, allowed: readonly string[], text: string) {
  await within(path, allowed, (at) => writeFileAtomic(at, text));
}

export async function removePlace(path: string, allowed: readonly string[]): Promise<void> {
  await within(path, allowed, (at) => unlink(at).catch(() => undefined));
}

/** null: there is none. A link, a pipe or a device is refused, not opened. */
export async function readPlace(path: string, allowed: readonly string[]): Promise<string | null> {
  return within(path, allowed, async (at) => {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    let file: FileHandle;
    try {
      file = await open(at, flags);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return null;
      throw refused(path, `it cannot be opened: ${code}`);
    }
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > READ_LIMIT) throw refused(path, 'it is no ordinary file');
      const bytes = Buffer.alloc(stat.size);
      const { bytesRead } = await file.read(bytes, 0, stat.size, 0);
      return decodeText(bytes.subarray(0, bytesRead), path);
    } finally {
      await file.close();
    }
  });
}
