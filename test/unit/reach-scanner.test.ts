/** The scanner's process: what of a hostile file system it can be led to, and what is left to it. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isRefusal, readInRoot, scanFile, scannerPath } from '../../src/scan/scanner';

let root: string;
let outside: string;

beforeAll(() => {
  const base = mkdtempSync(join(tmpdir(), 'sysieve-scanner-'));
  root = join(base, 'root');
  outside = join(base, 'outside');
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'outside');
  writeFileSync(join(root, 'secret'), 'inside');
  copyFileSync('/bin/true', join(root, 'bin', 'true'));
});

afterAll(() => rmSync(join(root, '..'), { recursive: true, force: true }));

test.each([
  ['an absolute link', () => '/secret'],
  ['a link that goes up', () => `${'../'.repeat(40)}secret`],
  ['a link to a link', () => 'link-0'],
])('%s stays in the root', async (what, target) => {
  const name = `link-${['an absolute link', 'a link that goes up', 'a link to a link'].indexOf(what)}`;
  symlinkSync(target(), join(root, name));
  expect(String(await readInRoot(root, name))).toBe('inside');
  expect(String(await readInRoot(root, `/${name}`))).toBe('inside');
});

test('neither does a path, a linked directory or a file of /proc lead out of it', async () => {
  symlinkSync(outside, join(root, 'out'));
  symlinkSync('/proc/self/root', join(root, 'magic'));
  expect(await readInRoot(root, 'out/secret')).toBeNull();
  expect(await readInRoot(root, `magic${outside}/secret`)).toBeNull();
  expect(await readInRoot(root, `../outside/secret`)).toBeNull();
  expect(String(await readInRoot(root, '../secret'))).toBe('inside');
  // The real /proc: its links lead anywhere.
  expect(await readInRoot('/', `/proc/self/root${outside}/secret`)).toBeNull();
});

test.each([
  ['a directory', 'bin'],
  ['a named pipe that nobody writes to', 'fifo'],
  ['a device', 'device'],
  ['a link that leads to itself', 'loop'],
])('%s is refused, and not waited for', async (_, name) => {
  if (name === 'fifo') execFileSync('mkfifo', [join(root, name)]);
  if (name === 'device') execFileSync('mknod', [join(root, name), 'c', '1', '5']);
  if (name === 'loop') symlinkSync('loop', join(root, name));
  const answer = await identify(root, name);
  expect(isRefusal(answer) && answer.refused).toBe('unreadable');
});

test('a device is not opened to find that it is none: that alone may do something', async () => {
  // No driver has it: opened, it would be refused as such.
  execFileSync('mknod', [join(root, 'driverless'), 'c', '511', '255']);
  const answer = await identify(root, 'driverless');
  expect(answer).toEqual({ refused: 'unreadable', message: 'not a regular file' });
});

test('what is not there is told apart; a file of no kind is refused', async () => {
  const missing = await identify(root, 'nowhere');
  expect(isRefusal(missing) && missing.refused).toBe('missing');
  const text = await identify(root, 'secret');
  expect(isRefusal(text) && text).toEqual({ refused: 'unscannable', message: 'not an ELF file' });
});

test('a huge file is refused before it is read, an empty one after', async () => {
  writeFileSync(join(root, 'huge'), '');
  truncateSync(join(root, 'huge'), 2 ** 40);
  const huge = await scanFile(root, 'huge');
  expect(isRefusal(huge) && huge).toEqual({ refused: 'limit', message: 'the file is too large' });
  // As large as is taken: all of it is read, and nothing is in it.
  truncateSync(join(root, 'huge'), 2 ** 28);
  const large = await scanFile(root, 'huge');
  expect(isRefusal(large) && large.refused).toBe('unscannable');
  writeFileSync(join(root, 'empty'), '');
  const empty = await scanFile(root, 'empty');
  expect(isRefusal(empty) && empty.refused).toBe('unscannable');
});

test('a file that is cut off while it is read is read as far as it goes', async () => {
  const whole = readFileSync('/bin/true');
  const path = join(root, 'shrinking');
  for (let i = 0; i < 20; i++) {
    writeFileSync(path, whole);
    const answer = scanFile(root, 'shrinking');
    // At a moment of its own each time: before, while and after it is read.
    await new Promise((resolve) => setTimeout(resolve, i / 4));
    truncateSync(path, 100 + i * 1000);
    const said = await answer;
    if (isRefusal(said)) expect(said.refused).toBe('unscannable');
    else expect(said.scan.functions).toBeDefined();
  }
});

/** The scanner at work: on this very node, which takes it a while. */
async function atWork<T>(look: (pid: number) => T): Promise<T> {
  const answer = scanFile('/', process.execPath);
  try {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isConfined(name));
      if (pid !== undefined) {
        const seen = look(Number(pid));
        process.kill(Number(pid), 'SIGKILL');
        return seen;
      }
      if (Date.now() > deadline) throw new Error('no scanner was seen at work');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    // Killed, as it is when its time is up.
    expect(await answer).toEqual({
      refused: 'limit',
      message: 'it takes more than 10 s to go through',
    });
  }
}

/** How many filters are on a process; those of this one are on its children as well. */
function filtersOn(pid: string): number {
  return Number(
    /^Seccomp_filters:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  );
}

function isConfined(pid: string): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!status.includes(`\nPPid:\t${process.pid}\n`)) return false;
    return filtersOn(pid) === filtersOn('self') + 1;
  } catch {
    return false; // It has ended.
  }
}

test('while it looks at a file it has a filter, limits, and nothing of its parent', async () => {
  process.env.SYSIEVE_TEST_SECRET = 'secret';
  const { status, limits, links, environment } = await atWork((pid) => ({
    status: readFileSync(`/proc/${pid}/status`, 'utf8'),
    limits: readFileSync(`/proc/${pid}/limits`, 'utf8'),
    links: readdirSync(`/proc/${pid}/fd`)
      .filter((fd) => !['0', '1', '2'].includes(fd))
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    environment: readFileSync(`/proc/${pid}/environ`, 'latin1'),
  }));
  delete process.env.SYSIEVE_TEST_SECRET;
  expect(status).toMatch(/^Name:\tsysieve-reach$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  expect(limits).toMatch(/^Max data size +536870912 +536870912 /m);
  expect(limits).toMatch(/^Max cpu time +10 +10 /m);
  expect(limits).toMatch(/^Max core file size +0 +0 /m);
  expect(environment).toBe('');
  // The root and the file that it reads.
  expect(links.sort()).toEqual(['/', realpathSync(process.execPath)]);
});

test('a descriptor that a parent left open is closed', () => {
  const { status, stdout } = spawnSync(
    'sh',
    // An open one would be refused as a link that leads anywhere; this one is not there.
    [
      '-c',
      `exec 7<"$1"; exec "$2" read / /proc/self/fd/7`,
      'sh',
      join(outside, 'secret'),
      scannerPath(),
    ],
    { env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' },
  );
  expect(status).toBe(3);
  expect(JSON.parse(stdout).error).toBe('missing');
});

test('code that refers to too much is refused, not kept', async () => {
  // A call to the next instruction, five bytes long, four million times.
  const code = Buffer.alloc(5 * 4_000_000);
  for (let at = 0; at < code.length; at += 5) code[at] = 0xe8;
  const head = Buffer.alloc(64 + 56);
  head.write('7f454c46020101', 'hex');
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(0x401000n, 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  for (const [at, value] of [
    [72, head.length],
    [80, 0x401000],
    [96, code.length],
    [104, code.length],
  ] as const)
    head.writeBigUInt64LE(BigInt(value), at);
  writeFileSync(join(root, 'calls'), Buffer.concat([head, code]));
  const answer = await scanFile(root, 'calls');
  expect(answer).toEqual({
    refused: 'limit',
    message: 'it takes more than 512 MiB of memory',
  });
});
