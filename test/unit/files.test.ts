import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDestination, readTextFile, writeFileAtomic } from '../../src/io';

let directory: string;
const at = (name: string) => join(directory, name);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sysieve-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const refuses = (code: string, kind = 'input') => expect.objectContaining({ code, kind });

describe('reading', () => {
  test('a file, and a pipe', async () => {
    writeFileSync(at('a'), 'grüße');
    expect(await readTextFile(at('a'))).toBe('grüße');
    execFileSync('mkfifo', [at('fifo')]);
    const writer = spawn('sh', ['-c', `printf hello > '${at('fifo')}'`]);
    expect(await readTextFile(at('fifo'))).toBe('hello');
    writer.kill();
  });

  test('200 MB are refused before they are read', async () => {
    writeFileSync(at('big'), '');
    truncateSync(at('big'), 200_000_000);
    const before = process.memoryUsage.rss();
    await expect(readTextFile(at('big'))).rejects.toThrow(refuses('file-too-large'));
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 1024 * 1024);
    await expect(readTextFile(at('big'))).rejects.toThrow(/big is 191 MiB large/);
  });

  test('what has no size is read no further than the limit', async () => {
    await expect(readTextFile('/dev/zero', 1_000_000)).rejects.toThrow(refuses('file-too-large'));
  });

  test('nothing there, a directory, a path through a file, no text', async () => {
    writeFileSync(at('latin1'), Buffer.from([0x67, 0xfc, 0x6e]));
    await expect(readTextFile(at('none'))).rejects.toThrow(refuses('file-missing'));
    await expect(readTextFile(directory)).rejects.toThrow(refuses('file-is-directory'));
    await expect(readTextFile(at('latin1/x'))).rejects.toThrow(refuses('file-path'));
    await expect(readTextFile(at('latin1'))).rejects.toThrow(refuses('file-not-text'));
  });
});

describe('writing', () => {
  test('the whole file with mode 0644, nothing else, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      await writeFileAtomic(at('new'), 'one\n');
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(at('new'), 'utf8')).toBe('one\n');
    expect(statSync(at('new')).mode & 0o7777).toBe(0o644);
    expect(readdirSync(directory)).toEqual(['new']);
  });

  test('replaces a file at once: its reader keeps the old one', async () => {
    writeFileSync(at('p'), 'old');
    const inode = statSync(at('p')).ino;
    await writeFileAtomic(at('p'), 'new');
    expect(readFileSync(at('p'), 'utf8')).toBe('new');
    expect(statSync(at('p')).ino).not.toBe(inode);
    expect(readdirSync(directory)).toEqual(['p']);
  });

  test('a symlink is refused, and what it leads to is untouched', async () => {
    writeFileSync(at('secret'), 'keep');
    symlinkSync(at('secret'), at('link'));
    symlinkSync(at('nowhere'), at('dangling'));
    for (const name of ['link', 'dangling']) {
      await expect(writeFileAtomic(at(name), 'x')).rejects.toThrow(refuses('output-symlink'));
      await expect(checkDestination(at(name))).rejects.toThrow(refuses('output-symlink'));
    }
    expect(readFileSync(at('secret'), 'utf8')).toBe('keep');
    expect(readdirSync(directory).sort()).toEqual(['dangling', 'link', 'secret']);
  });

  test('a directory, a device, a missing directory', async () => {
    await expect(writeFileAtomic(directory, 'x')).rejects.toThrow(refuses('file-is-directory'));
    await expect(writeFileAtomic('/dev/null', 'x')).rejects.toThrow(refuses('output-special'));
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    await expect(writeFileAtomic(at('no/p'), 'x')).rejects.toThrow(refuses('file-missing'));
  });

  test('what can never become a file is told beforehand: no name, a directory by its spelling', async () => {
    await expect(checkDestination('')).rejects.toThrow(refuses('file-path'));
    await expect(checkDestination(at('no/'))).rejects.toThrow(refuses('file-path'));
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a failing rename leaves the old file and no other', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d/p'), 'old');
    // Simulated: the disk fails after the temporary file was written.
    const fs = jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises');
    const rename = jest
      .spyOn(fs, 'rename')
      .mockRejectedValueOnce(Object.assign(new Error('x'), { code: 'EIO', syscall: 'rename' }));
    try {
      await expect(writeFileAtomic(at('d/p'), 'new')).rejects.toThrow(
        refuses('file-write', 'system'),
      );
      expect(rename).toHaveBeenCalledTimes(1);
    } finally {
      rename.mockRestore();
    }
    expect(readFileSync(at('d/p'), 'utf8')).toBe('old');
    expect(readdirSync(at('d'))).toEqual(['p']);
  });
});
