/** Malformed files through the built command: exit 3, and where and what. Needs dist/. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { escapeUnsafe } from '../../src/errors/text';
import { serializeRecording } from '../../src/recording';
import { makeRecording, makeRun } from '../support/recordings';

const MAIN = join(__dirname, '../../dist/cli/main.js');
const FIXTURES = join(__dirname, '../../fixtures/malformed');
const KINDS = ['profile', 'recording', 'evidence', 'baseline'] as const;
type Kind = (typeof KINDS)[number];

let directory: string;
let recording: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  directory = mkdtempSync(join(tmpdir(), 'sysieve-malformed-'));
  recording = join(directory, 'good.json');
  writeFileSync(recording, serializeRecording(makeRecording(makeRun(['read']))));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The command that reads a file of this kind, and the path that its messages name. */
function commandFor(kind: Kind, file: string, name: string): { args: string[]; path: string } {
  const work = join(directory, name);
  const output = join(work, 'app.json');
  const minimise = (input: string) => ['minimise', input, '-o', output, '--args', 'none'];
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  switch (kind) {
    case 'profile':
      return { args: ['run', '--profile', file, '--', 'true'], path: file };
    case 'recording':
      return { args: [...minimise(file), '--runtime', 'none'], path: file };
    case 'evidence': {
      const path = join(work, 'app.evidence.json');
      copyFileSync(file, path);
      return { args: [...minimise(recording), '--runtime', 'none'], path };
    }
    case 'baseline': {
      const baselines = join(work, 'baselines');
      const path = join(baselines, 'runc.json');
      mkdirSync(baselines);
      copyFileSync(file, path);
      return { args: [...minimise(recording), '--baselines', baselines], path };
    }
  }
}

function sysieve(args: string[]): Promise<{ status: number | null; err: string; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    let out = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, err, out }));
  });
}

const expected = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as Record<
  string,
  string
>;

test('every malformed file is in the list', () => {
  const files = readdirSync(FIXTURES).filter((name) => /^[a-z].*-.*\.json$/.test(name));
  expect(files.sort()).toEqual(Object.keys(expected).sort());
  expect(files.length).toBeGreaterThanOrEqual(60);
});

/** What main.ts does with a command line, for many of them in one process. */
const DRIVER = `
const { buildProgram } = require(process.argv[1] + '/program.js');
const { reportError } = require(process.argv[1] + '/output.js');
const write = process.stdout.write.bind(process.stdout);
const results = [];
let said = { err: '', out: '' };
for (const [name, stream] of [['err', process.stderr], ['out', process.stdout]]) {
  stream.write = (text, done) => {
    said[name] += text;
    if (typeof done === 'function') done();
    return true;
  };
}
(async () => {
  for (const args of JSON.parse(require('node:fs').readFileSync(0, 'utf8'))) {
    said = { err: '', out: '' };
    let status = 0;
    try {
      await (await buildProgram(args)).parseAsync(args, { from: 'user' });
    } catch (thrown) {
      status = await reportError(thrown, false);
    }
    results.push({ status, ...said });
  }
  write(JSON.stringify(results));
})();
`;

interface Ended {
  status: number | null;
  err: string;
  out: string;
}

async function inOneProcess(commands: string[][]): Promise<Ended[]> {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', DRIVER, dirname(MAIN)], {
    input: JSON.stringify(commands),
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

async function refuseEach(
  names: string[],
  run: (commands: string[][]) => Promise<Ended[]>,
): Promise<void> {
  const commands = names.map((name) => {
    const kind = KINDS.find((one) => name.startsWith(`${one}-`)) as Kind;
    return commandFor(kind, join(FIXTURES, name), name);
  });
  const ended = await run(commands.map(({ args }) => args));
  const seen = ended.map(({ status, out, err }) => ({ status, out, says: err.split('\n')[0] }));
  const wanted = commands.map(({ path }, index) => ({
    status: 3,
    out: '',
    says: escapeUnsafe(`sysieve: ${path}:${expected[names[index] as string]}`),
  }));
  expect(seen).toEqual(wanted);
}

test('each is refused with exit 3, its place and what was expected', async () => {
  await refuseEach(Object.keys(expected), inOneProcess);
});

test('so it is by the command as users start it', async () => {
  const every = process.env.SYSIEVE_SOAK === '1' ? 1 : 10;
  const some = Object.keys(expected).filter((_name, index) => index % every === 0);
  await refuseEach(some, async (commands) => {
    const ended: Ended[] = [];
    for (const args of commands) ended.push(await sysieve(args));
    return ended;
  });
}, 900_000);

test('each expectation names line, column and what was expected', () => {
  for (const [name, says] of Object.entries(expected)) {
    expect(`${name}: ${says}`).toMatch(
      /: [1-9]\d*:[1-9]\d*: .*(expected|empty|newer|not UTF-8|no such key|belongs to|not a key|pattern|Invalid ISO|nested|listed twice|there twice|attempts|sum up|none with index|tracked arguments|counts say|has number|not a name|not "write")/,
    );
  }
});

const MEBIBYTE = 1024 * 1024;
const LARGEST = 64 * MEBIBYTE;

/** What comes to most memory or time in the largest file that is read, or a smaller one of its kind. */
const LARGE: [what: string, make: () => string, says: RegExp][] = [
  [
    '100,000 levels',
    () => '['.repeat(100_000),
    /:1:65: nested too deeply, expected at most 64 levels$/,
  ],
  [
    '100,000 levels of objects',
    () => '{"a":'.repeat(100_000),
    /:1:321: nested too deeply, expected at most 64 levels$/,
  ],
  ['spaces', () => ' '.repeat(8 * MEBIBYTE), /:1:1: the file is empty$/],
  [
    'escapes',
    () => `"${'\\n'.repeat(4 * MEBIBYTE)}"`,
    /:1:1: not a profile: the document: expected object/,
  ],
  ['a number of millions of digits', () => '7'.repeat(8 * MEBIBYTE), /:1:1: not a profile: /],
  [
    'millions of objects',
    () => `[${'{},'.repeat(LARGEST / 3 - 1)}`,
    /:1:29999999: more than 10000000 values in one file$/,
  ],
  [
    'millions of wrong names',
    () =>
      `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"action":"SCMP_ACT_ALLOW","names":[${'1,'.repeat(2 * MEBIBYTE)}1]}]}`,
    /:1:83: not a profile: syscalls\[0\]\.names\[0\]: expected string, found 1$/,
  ],
  [
    'too many keys',
    () => `{${Array.from({ length: 200_000 }, (_, index) => `"k${index}":0`).join()}}`,
    /:1:1088892: more than 100000 different keys$/,
  ],
];

test.each(LARGE)(
  '%s: refused within a bounded memory',
  (_what, make, says) => {
    const file = join(directory, 'large.json');
    writeFileSync(file, make());
    // 16 times the largest file.
    const heap = `--max-old-space-size=${(16 * LARGEST) / MEBIBYTE}`;
    const { status, stderr } = spawnSync(
      process.execPath,
      [heap, MAIN, 'run', '--profile', file, '--', 'true'],
      { encoding: 'utf8' },
    );
    expect(stderr.split('\n')[0]).toMatch(says);
    expect(status).toBe(3);
    rmSync(file);
  },
  120_000,
);

test.each([
  ['profile', ['run', '--profile']],
  ['recording', ['minimise', '-o', '-']],
])('100 MB of nonsense for a %s: refused unread', (_kind, args) => {
  const file = join(directory, 'nonsense.json');
  writeFileSync(file, 'nonsense');
  truncateSync(file, 100_000_000);
  // Less than the file: it cannot have been read.
  const [command = '', ...options] = args;
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--max-old-space-size=64',
      MAIN,
      command,
      ...options,
      file,
      ...(command === 'run' ? ['true'] : []),
    ],
    { encoding: 'utf8' },
  );
  expect(stderr).toContain('is 96 MiB large, more than the 64 MiB that sysieve reads');
  expect(status).toBe(3);
});

test('100 MB through a pipe: refused once it is too much', () => {
  const { status, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `head -c 100000000 /dev/zero | "$0" "$1" minimise - -o -`, process.execPath, MAIN],
    { encoding: 'utf8' },
  );
  expect(stderr).toContain('standard input is larger than 64 MiB');
  expect(status).toBe(3);
});
