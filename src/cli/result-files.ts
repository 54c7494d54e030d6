/** Where the files of a result go: one to a file or standard output, several into a directory. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic, writeFilesAtomic } from '../io';

interface ResultFile {
  /** A path below the directory that users name. */
  readonly name: string;
  readonly data: string | Uint8Array;
}

export interface PlacedFile {
  readonly path: string;
  readonly data: string | Uint8Array;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown';
    const kind = code === 'EEXIST' || code === 'ENOTDIR' ? 'input' : 'system';
    throw new SysieveError(
      kind,
      kind === 'input' ? 'file-path' : 'file-write',
      `${path} is no directory and cannot become one`,
      {
        cause: `mkdir: ${code}`,
        remedy: 'Give a directory that is there, or one that can be made.',
      },
    );
  }
}

/**
 * `output`: '-', a file, or for several files a directory: one that is there, or is written with a slash
 * at its end and made. `inputs`: what must not be overwritten. Writes nothing but directories.
 */
export async function placeFiles(
  files: readonly ResultFile[],
  output: string,
  inputs: readonly string[],
): Promise<PlacedFile[]> {
  const [only] = files;
  const one = files.length === 1 && only !== undefined;
  if (output === '-') {
    if (one) return [{ path: '-', data: only.data }];
    throw new SysieveError(
      'usage',
      'usage',
      `${files.length} files (${files.map(({ name }) => name).join(', ')}) do not go to standard output`,
      { remedy: 'Give a directory with -o.' },
    );
  }
  const directory = output.endsWith('/') || (await isDirectory(output));
  if (!one && !directory) {
    throw new SysieveError(
      'usage',
      'usage',
      `${files.length} files (${files.map(({ name }) => name).join(', ')}) do not go to one`,
      { remedy: `Give a directory with -o: one that is there, or ${output}/ to make it.` },
    );
  }
  const placed = files.map(({ name, data }) => ({
    path: directory ? join(output, name) : output,
    data,
  }));
  for (const { path } of placed) {
    if (inputs.some((input) => input !== '-' && resolve(input) === resolve(path))) {
      throw new SysieveError('usage', 'usage', `the result would overwrite ${path}`);
    }
  }
  if (directory) {
    for (const { path } of placed) await makeDirectory(dirname(path));
  }
  // All of them before the first is written.
  for (const { path } of placed) await checkDestination(path);
  return placed;
}

export async function writePlaced(placed: readonly PlacedFile[]): Promise<void> {
  const [only] = placed;
  if (placed.length === 1 && only !== undefined) await writeFileAtomic(only.path, only.data);
  else await writeFilesAtomic(placed);
}
