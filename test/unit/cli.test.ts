/** The built command: exit statuses, streams, what is on disk afterwards. Needs dist/. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvidence, parseProfile } from '../../src/profile';
import { type Run, serializeRecording } from '../../src/recording';
import { makeRecording, makeRun } from '../support/recordings';

const MAIN = join(__dirname, '../../dist/cli/main.js');

let directory: string;
const at = (name: string) => join(directory, name);
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sysieve-cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function sysieve(args: string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const result = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    cwd: directory,
    input: options.input ?? '',
    env: { ...process.env, ...options.env },
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

function record(name: string, ...runs: Run[]): string {
  writeFileSync(at(name), serializeRecording(makeRecording(...runs)));
  return name;
}

const web = makeRun(['read', 'write', 'clone', { call: 'clone3', denied: { '38': 2 } }, 'mount']);
const incomplete = makeRun(['read'], { missed: { startsSeen: 0 } });
const minimiseTo = (output: string, ...more: string[]) => [
  'minimise',
  ...more,
  '-o',
  output,
  '--runtime',
  'none',
];

test('a recording becomes a profile with its evidence', () => {
  const { status, out, err } = sysieve(minimiseTo('web.json', record('rec.json', web)));
  expect(status).toBe(0);
  expect(out).toBe('');
  expect(err).toContain('left out: mount (risk tier 2)');
  expect(readdirSync(directory).sort()).toEqual(['rec.json', 'web.evidence.json', 'web.json']);
  const profile = parseProfile(readFileSync(at('web.json'), 'utf8'), 'web.json');
  expect(profile.syscalls[0]?.names).toEqual(expect.arrayContaining(['read', 'write', 'clone']));
  expect(profile.syscalls[1]).toMatchObject({ action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
  expect(profile.syscalls[1]?.names).toContain('clone3');
  const evidence = parseEvidence(readFileSync(at('web.evidence.json'), 'utf8'), 'e');
  expect(evidence.calls.map((call) => call.name)).toEqual(
    [...profile.syscalls.flatMap((rule) => rule.names)].sort(),
  );
});

test('again gives the same bytes, and keeps what people wrote', () => {
  const args = minimiseTo('web.json', record('rec.json', web));
  sysieve(args);
  const first = readFileSync(at('web.json'), 'utf8');
  const evidence = JSON.parse(readFileSync(at('web.evidence.json'), 'utf8'));
  evidence.justifications = { mount: 'mounts its cache' };
  writeFileSync(at('web.evidence.json'), JSON.stringify(evidence));
  expect(sysieve(args).err).not.toContain('left out');
  expect(readFileSync(at('web.json'), 'utf8')).not.toBe(first);
  const rewritten = readFileSync(at('web.evidence.json'), 'utf8');
  expect(parseEvidence(rewritten, 'e').justifications).toEqual({ mount: 'mounts its cache' });
  sysieve(args);
  expect(readFileSync(at('web.evidence.json'), 'utf8')).toBe(rewritten);
});

test('evidence that cannot be read is not written over', () => {
  writeFileSync(at('web.evidence.json'), '{"version": 1, "justi');
  const { status, err } = sysieve(minimiseTo('web.json', record('rec.json', web)));
  expect(status).toBe(3);
  expect(err).toContain('web.evidence.json:1:22: the evidence ends too early');
  expect(readFileSync(at('web.evidence.json'), 'utf8')).toBe('{"version": 1, "justi');
  expect(existsSync(at('web.json'))).toBe(false);
});

test('standard input to standard output, by the other spelling', () => {
  const input = serializeRecording(makeRecording(web));
  const { status, out, err } = sysieve(['minimize', '-', '-o', '-', '--runtime', 'none'], {
    input,
  });
  expect(status).toBe(0);
  expect(parseProfile(out, '-').architectures).toEqual(['SCMP_ARCH_X86_64']);
  expect(err).toContain('no evidence file');
  expect(readdirSync(directory)).toEqual([]);
});

test('--json summarises on standard output', () => {
  const { status, out } = sysieve([...minimiseTo('web.json', record('rec.json', web)), '--json']);
  expect(status).toBe(0);
  const summary = JSON.parse(out);
  expect(summary).toMatchObject({ profile: 'web.json', evidence: 'web.evidence.json' });
  expect(summary.allowed).toContain('clone');
  expect(summary.warnings.join()).toContain('mount');
  expect(summary.passes.map((pass: { pass: string }) => pass.pass)).toContain('risk');
});

test('--explain says pass by pass why', () => {
  const { err } = sysieve([...minimiseTo('web.json', record('rec.json', web)), '--explain']);
  expect(err).toMatch(/^denied: /m);
  expect(err).toMatch(/^ {2}- x86_64 clone3: only ever denied, with errno 38$/m);
  expect(err).toMatch(/^ {2}\+ x86_64 clone3: ENOSYS makes callers use clone/m);
});

test('baselines: a directory of them, and none', () => {
  const calls = [{ abi: 'x86_64', name: 'capset' }];
  const condition = {
    start: 'create',
    tty: false,
    user: false,
    noNewPrivileges: false,
    starts: 50,
    calls,
  };
  mkdirSync(at('baselines'));
  writeFileSync(
    at('baselines/runc-1.json'),
    JSON.stringify({ version: 1, runtime: 'runc', runtimeVersion: '1', conditions: [condition] }),
  );
  const base = ['minimise', record('rec.json', web), '-o', 'web.json', '--baselines'];
  expect(sysieve([...base, 'baselines']).status).toBe(0);
  expect(readFileSync(at('web.json'), 'utf8')).toContain('"capset"');
  const unknown = sysieve([...base, 'baselines', '--runtime', 'crun']);
  expect([unknown.status, unknown.err]).toEqual([
    2,
    expect.stringContaining('Give one of runc@1.'),
  ]);
  mkdirSync(at('empty'));
  const missing = sysieve([...base, 'empty']);
  expect([missing.status, missing.err]).toEqual([4, expect.stringContaining('--runtime none')]);
  expect(sysieve([...base, 'nowhere']).status).toBe(3);
});

test('--default and --deny-errno', () => {
  const args = minimiseTo('web.json', record('rec.json', web));
  expect(sysieve([...args, '--deny-errno', 'EACCES']).status).toBe(0);
  expect(readFileSync(at('web.json'), 'utf8')).toContain('"defaultErrnoRet": 13');
  expect(sysieve([...args, '--default', 'kill']).status).toBe(0);
  expect(readFileSync(at('web.json'), 'utf8')).toContain(
    '"defaultAction": "SCMP_ACT_KILL_PROCESS"',
  );
});

test.each([
  [['minimice'], /^sysieve: unknown command 'minimice'.*\n {2}remedy: See 'sysieve --help'\.$/],
  [['minimise'], /^sysieve: required option .*\n {2}remedy: See 'sysieve minimise --help'\.$/],
  [
    ['minimize', '-o', 'x', '--fast'],
    /^sysieve: unknown option '--fast'\n.*'sysieve minimise --help'\.$/,
  ],
  [
    ['schema', 'a'],
    /^sysieve: .* is invalid for argument 'name': allowed .*, config\n.* schema --/,
  ],
  [['doctor', 'a'], /^sysieve: too many arguments for 'doctor': expected 0 .* 1\n.* doctor --help/],
  [['record', '--duration', '5.', '--', 'ls'], /argument '5\.' is invalid: expected a time .*\n/],
])('a usage error names the help of its command: %j', (args, says) => {
  const { status, err } = sysieve(args);
  expect(status).toBe(2);
  expect(err.trimEnd()).toMatch(says);
});

describe('exit statuses', () => {
  test.each<[string, number, (rec: string) => string[]]>([
    ['help', 0, () => ['--help']],
    ['help of a command', 0, () => ['minimise', '--help']],
    ['version', 0, () => ['--version']],
    ['no command', 2, () => []],
    ['an unknown command', 2, () => ['minimice']],
    ['an unknown option', 2, (rec) => [...minimiseTo('p.json', rec), '--fast']],
    ['no recording', 2, () => ['minimise', '-o', 'p.json']],
    ['no output', 2, (rec) => ['minimise', rec]],
    ['an unknown default', 2, (rec) => [...minimiseTo('p.json', rec), '--default', 'allow']],
    ['an unknown errno', 2, (rec) => [...minimiseTo('p.json', rec), '--deny-errno', 'EWHAT']],
    [
      'an errno without errno',
      2,
      (rec) => [...minimiseTo('p.json', rec), '--default', 'log', '--deny-errno', '1'],
    ],
    [
      'all and more runtimes',
      2,
      (rec) => ['minimise', rec, '-o', 'p.json', '--runtime', 'all,runc'],
    ],
    ['an allowed call that is none', 2, (rec) => [...minimiseTo('p.json', rec), '--allow', 'reed']],
    ['the recording as output', 2, (rec) => minimiseTo(rec, rec)],
    ['standard input twice', 2, () => minimiseTo('p.json', '-', '-')],
    ['an unknown schema', 2, () => ['schema', 'policy']],
    ['a missing recording', 3, () => minimiseTo('p.json', 'none.json')],
    ['a directory', 3, () => minimiseTo('p.json', '.')],
    ['a missing directory for the output', 3, (rec) => minimiseTo('no/p.json', rec)],
  ])('%s: %#', (_what, status, args) => {
    const rec = record('rec.json', web);
    const before = readFileSync(at(rec), 'utf8');
    const result = sysieve(args(rec));
    expect([result.status, result.err]).toEqual([status, expect.any(String)]);
    if (status !== 0) {
      expect(result.err).not.toBe('');
      expect(result.out).toBe('');
    }
    expect(readdirSync(directory)).toEqual(['rec.json']);
    expect(readFileSync(at(rec), 'utf8')).toBe(before);
  });

  test('an incomplete recording: 5, nothing written, unless allowed', () => {
    const args = minimiseTo('p.json', record('rec.json', incomplete));
    const refused = sysieve(args);
    expect(refused.status).toBe(5);
    expect(refused.err).toContain('no start of the target was seen');
    expect(refused.err).toContain('remedy: ');
    expect(readdirSync(directory)).toEqual(['rec.json']);
    const taken = sysieve([...args, '--allow-incomplete']);
    expect([taken.status, taken.err]).toEqual([0, expect.stringContaining('warning: incomplete')]);
  });

  test('a cut recording: 3 and its place', () => {
    const text = serializeRecording(makeRecording(web));
    writeFileSync(at('cut.json'), text.slice(0, 100));
    const { status, err } = sysieve(minimiseTo('p.json', 'cut.json'));
    expect(status).toBe(3);
    expect(err).toMatch(/^sysieve: cut\.json:\d+:\d+: the recording ends too early: expected .+\n/);
    expect(readdirSync(directory)).toEqual(['cut.json']);
  });

  test('200 MB of nonsense: 3', () => {
    writeFileSync(at('big.json'), '');
    truncateSync(at('big.json'), 200_000_000);
    const { status, err } = sysieve(minimiseTo('p.json', 'big.json'));
    expect([status, err]).toEqual([3, expect.stringContaining('big.json is 191 MiB large')]);
  });

  test('a write that fails halfway: 4, and the old profile is as it was', () => {
    const rec = record('rec.json', web);
    writeFileSync(at('p.json'), 'old');
    // One block of 512 bytes per file: the profile is larger.
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, MAIN, ...minimiseTo('p.json', rec)],
      { cwd: directory, encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([4, expect.stringContaining('cause: write: EFBIG')]);
    expect(readFileSync(at('p.json'), 'utf8')).toBe('old');
    expect(readdirSync(directory).sort()).toEqual(['p.json', 'rec.json']);
  });

  test('a symlink as output: 3, and neither file is written', () => {
    writeFileSync(at('secret'), 'keep');
    symlinkSync('secret', at('p.evidence.json'));
    const { status } = sysieve(minimiseTo('p.json', record('rec.json', web)));
    expect(status).toBe(3);
    expect(existsSync(at('p.json'))).toBe(false);
    expect(readFileSync(at('secret'), 'utf8')).toBe('keep');
  });
});

test('errors with --json: on standard output, the same status', () => {
  const missing = sysieve([...minimiseTo('p.json', 'none.json'), '--json']);
  expect(missing.status).toBe(3);
  expect(missing.err).toBe('');
  expect(JSON.parse(missing.out)).toEqual({
    error: {
      code: 'file-missing',
      message: 'none.json: there is no such file or directory',
      cause: 'open: ENOENT',
      remedy: 'Check the path.',
    },
  });
  const both = sysieve([...minimiseTo('-', 'none.json'), '--json']);
  expect([both.status, JSON.parse(both.out).error.code]).toEqual([2, 'stdout-twice']);
  const usage = sysieve(['minimise', '--json']);
  expect([usage.status, JSON.parse(usage.out).error.code]).toEqual([2, 'usage']);
});

test('untrusted names reach neither stream raw', () => {
  const evil = makeRun(['read', 'ptrace'], {
    executables: ['/tmp/\u001b[2J\u202e\nsysieve: all is well', '/x'],
    target: { kind: 'container', engine: 'docker', name: 'a\u009b1m\nb', id: null, image: null },
    missed: { callsLost: 1 },
  });
  const args = minimiseTo('p.json', record('rec\u001b[31m.json', evil));
  for (const more of [
    [],
    ['--allow-incomplete', '--explain'],
    ['--allow-incomplete', '--json'],
    ['--json'],
  ]) {
    const { out, err } = sysieve([...args, ...more]);
    for (const character of '\u001b\u009b\u202e') expect(out + err).not.toContain(character);
    expect(`\n${out}${err}`).not.toContain('\nsysieve: all is well');
  }
  expect(readFileSync(at('p.evidence.json'), 'utf8')).not.toContain('\u202e');
});

test('a defect is 70, told shortly', () => {
  const preload = at('break.js');
  writeFileSync(
    preload,
    `globalThis.TextDecoder = class { decode() { throw new TypeError('boom'); } };
    require('node:buffer').isUtf8 = () => { throw new TypeError('boom\\u001b'); };`,
  );
  const env = { NODE_OPTIONS: `--require ${preload}` };
  const { status, err } = sysieve(minimiseTo('p.json', record('rec.json', web)), { env });
  expect(status).toBe(70);
  expect(err).toContain('cause: TypeError: boom\\u001b');
  expect(err).not.toContain('    at ');
});

test('a reader that goes away is no error', () => {
  const { status, stderr } = spawnSync(
    'sh',
    [
      '-c',
      `{ "$0" "$1" schema recording; echo "status $?" >&2; } | head -c 1`,
      process.execPath,
      MAIN,
    ],
    { encoding: 'utf8' },
  );
  expect(status).toBe(0);
  expect(stderr).toBe('status 0\n');
});

test('standard output that cannot be written is an error', () => {
  const full = openSync('/dev/full', 'w');
  const result = spawnSync(process.execPath, [MAIN, 'schema', 'profile'], {
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  expect(result.status).toBe(4);
});

test.each(['recording', 'profile', 'evidence', 'baseline'])('schema %s is JSON', (name) => {
  const { status, out } = sysieve(['schema', name]);
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'object', additionalProperties: false });
});

test.each([
  ['help', [], 2],
  ['an error', ['lint', 'none.json'], 3],
  ['a result', ['merge', 'rec.json', '-o', 'merged.json'], 0],
])('%s on a standard error that nobody reads ends with its own status', (_, args, status) => {
  record('rec.json', web);
  const command = `(trap "" PIPE; "$@" 2>&1 >/dev/null; echo $? >status) | true`;
  // Once the reader is gone: a pipe with a reader takes what is written.
  const late = ['-c', 'sleep 0.2; exec "$@"', 'sh', process.execPath, MAIN, ...args];
  spawnSync('sh', ['-c', command, 'sh', 'sh', ...late], { cwd: directory });
  expect(readFileSync(at('status'), 'utf8').trim()).toBe(String(status));
  expect(existsSync(at('merged.json'))).toBe(status === 0);
});
