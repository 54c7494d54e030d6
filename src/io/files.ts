/** Files as users name them: bounded reads, atomic writes, no symlink followed at a destination. */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, type FileHandle, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SysieveError } from '../errors';

/** Far above a real recording or profile; what is larger is refused before it is read. */
export const READ_LIMIT = 64 * 1024 * 1024;
const CHUNK = 64 * 1024;
const FILE_MODE = 0o644;
/** Of a name in that of its temporary file: what is beside it must fit within 255 as well. */
const NAME_BYTES = 200;

export function sourceName(path: string): string {
  return path === '-' ? 'standard input' : path;
}

function errnoOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | null)?.code ?? 'unknown';
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}

export function tooLarge(path: string, limit: number, size: number | null): SysieveError {
  const is = size === null ? `is larger than ${mebibytes(limit)}` : `is ${mebibytes(size)} large`;
  return new SysieveError(
    'input',
    'file-too-large',
    `${sourceName(path)} ${is}, more than the ${mebibytes(limit)} that sysieve reads`,
    { remedy: 'Recordings and profiles are far smaller: is this the right file?' },
  );
}

/** By what the system answers. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'Check its permissions, or run as a user who may do that.',
  EPERM: 'Check its permissions, or run as a user who may do that.',
  EROFS: 'Give a path on a file system that can be written to.',
  ENOSPC: 'Make room there, or give a path on another file system.',
  EDQUOT: 'Make room there, or give a path on another file system.',
};

function cannot(action: 'read' | 'write', path: string, thrown: unknown): SysieveError {
  const code = errnoOf(thrown);
  const cause = `${(thrown as NodeJS.ErrnoException | null)?.syscall ?? action}: ${code}`;
  switch (code) {
    case 'ENOENT': {
      const missing = `${path}: there is no such file or directory`;
      const remedy = action === 'read' ? 'Check the path.' : 'Make its directory first.';
      return new SysieveError('input', 'file-missing', missing, { cause, remedy });
    }
    case 'EISDIR':
      return new SysieveError('input', 'file-is-directory', `${path} is a directory`, {
        cause,
        remedy: 'Give the path of a file.',
      });
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new SysieveError('input', 'file-path', `${path}: not a usable path`, {
        cause,
        remedy: 'Give another path.',
      });
    default:
      return new SysieveError('system', `file-${action}`, `cannot ${action} ${path}`, {
        cause,
        remedy: REMEDIES[code] ?? 'Give another path.',
      });
  }
}

async function readBounded(file: FileHandle, path: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return Buffer.concat(chunks, total);
    total += bytesRead;
    // A pipe, or a file that grew: its size was not known beforehand.
    if (total > limit) throw tooLarge(path, limit, null);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

async function readStdin(limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > limit) throw tooLarge('-', limit, null);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, total);
}

async function readFileBounded(path: string, limit: number): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY);
    const stat = await file.stat();
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR', syscall: 'read' });
    if (stat.size > limit) throw tooLarge(path, limit, stat.size);
    return await readBounded(file, path, limit);
  } catch (thrown) {
    throw thrown instanceof SysieveError ? thrown : cannot('read', path, thrown);
  } finally {
    await file?.close();
  }
}

/** Bytes of the character that begins with this one; 0: none does. */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Where the first character begins that is no UTF-8; columns in UTF-16 units, as everywhere. */
function firstInvalid(bytes: Buffer): { line: number; column: number; byte: number } {
  let line = 1;
  let start = 0;
  // A line feed is never part of a longer character.
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) break;
    line += 1;
    start = end + 1;
  }
  let at = start;
  for (;;) {
    const length = characterLength(bytes[at] ?? 0);
    if (length === 0 || !isUtf8(bytes.subarray(at, at + length))) break;
    at += length;
  }
  const column = bytes.toString('utf8', start, at).length + 1;
  return { line, column, byte: bytes[at] ?? 0 };
}

/** Bytes as text; `name` says in the error whose they are. */
export function decodeText(bytes: Buffer, name: string): string {
  try {
    // A byte order mark stays: other readers of the file refuse it, so it is the parser's to refuse.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const { line, column, byte } = firstInvalid(bytes);
    throw new SysieveError(
      'input',
      'file-not-text',
      `${name}:${line}:${column}: not UTF-8 text: byte 0x${byte.toString(16).padStart(2, '0')}`,
      { remedy: 'Is this the right file?' },
    );
  }
}

/** The text of a file, '-' for standard input. Throws a SysieveError for all that can go wrong. */
export async function readTextFile(path: string, limitBytes = READ_LIMIT): Promise<string> {
  const bytes =
    path === '-' ? await readStdin(limitBytes) : await readFileBounded(path, limitBytes);
  return decodeText(bytes, sourceName(path));
}

async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw cannot('write', path, thrown);
  }
}

/**
 * Throws if a file must not or cannot be written to `path`: a symlink, a directory, a device, no name
 * of a file, or one in a directory that is missing or not writable.
 */
export async function checkDestination(path: string): Promise<void> {
  if (path === '-') return;
  if (path === '') {
    throw new SysieveError('input', 'file-path', 'an empty name is none to write to', {
      remedy: 'Give the path of a file: is a variable of the shell empty?',
    });
  }
  try {
    await access(dirname(path), constants.W_OK);
  } catch (thrown) {
    throw cannot('write', path, thrown);
  }
  const stat = await lstatOrNull(path);
  // Nothing is there, and what is made by this name could only be a directory.
  if (stat === null && path.endsWith('/')) throw cannot('write', path, { code: 'ENOTDIR' });
  if (stat === null || stat.isFile()) return;
  if (stat.isDirectory()) throw cannot('write', path, { code: 'EISDIR' });
  const remedy = "Give another path, or '-' for standard output.";
  if (stat.isSymbolicLink()) {
    throw new SysieveError(
      'input',
      'output-symlink',
      `${path} is a symbolic link; sysieve writes through none`,
      { remedy },
    );
  }
  throw new SysieveError('input', 'output-special', `${path} is not a regular file`, { remedy });
}

async function writeStdout(data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/** Makes a rename survive a crash; not every file system lets a directory be synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY).catch(() => null);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/** Of an interrupted write, told from a living one by the process that is in its name. */
function temporaryFor(path: string): string {
  const unique = `${process.pid}-${randomBytes(8).toString('hex')}`;
  return join(dirname(path), `.${basename(path).slice(0, NAME_BYTES)}.${unique}.tmp`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return errnoOf(thrown) !== 'ESRCH';
  }
}

/** Removes what writes of this file left that were killed; best effort, no error. */
async function removeAbandoned(path: string): Promise<void> {
  const directory = dirname(path);
  const start = `.${basename(path).slice(0, NAME_BYTES)}.`;
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(start)) continue;
    const pid = /^(\d{1,10})-[0-9a-f]{16}\.tmp$/.exec(name.slice(start.length))?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await unlink(join(directory, name)).catch(() => undefined);
  }
}

/** A whole file under another name, on the disk. */
async function writeTemporary(path: string, data: string | Uint8Array): Promise<string> {
  const temporary = temporaryFor(path);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, flags, FILE_MODE);
    // The mode at open is cut by the umask; profiles are read by daemons of other users.
    await file.chmod(FILE_MODE);
    await file.writeFile(data, 'utf8');
    await file.sync();
    await file.close();
    return temporary;
  } catch (thrown) {
    if (file !== undefined) {
      await file.close().catch(() => undefined);
      await unlink(temporary).catch(() => undefined);
    }
    throw cannot('write', path, thrown);
  }
}

/**
 * Writes whole files or none: temporary ones beside them, synced, then renamed over them one right
 * after the other. Nobody reads half of one, and a symlink put in its place meanwhile is replaced, not
 * followed. A death between two renames leaves the first file new and the others old.
 */
export async function writeFilesAtomic(
  files: readonly { path: string; data: string | Uint8Array }[],
): Promise<void> {
  const made: { path: string; temporary: string }[] = [];
  try {
    for (const { path } of files) {
      await checkDestination(path);
      await removeAbandoned(path);
    }
    for (const { path, data } of files) {
      made.push({ path, temporary: await writeTemporary(path, data) });
    }
    for (const { path, temporary } of made) {
      await rename(temporary, path).catch((thrown: unknown) => {
        throw cannot('write', path, thrown);
      });
    }
  } catch (thrown) {
    for (const { temporary } of made) await unlink(temporary).catch(() => undefined);
    throw thrown;
  }
  for (const directory of new Set(files.map(({ path }) => dirname(path)))) {
    await syncDirectory(directory);
  }
}

/** The same of one file; '-' is standard output. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  if (path === '-') return writeStdout(data);
  await writeFilesAtomic([{ path, data }]);
}
