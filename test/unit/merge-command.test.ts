/** `sysieve merge` as users run it. Needs dist/. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvidence, parseProfile } from '../../src/profile';
import { serializeRecording } from '../../src/recording';
import { makeRecording, makeRun } from '../support/recordings';

const MAIN = join(__dirname, '../../dist/cli/main.js');

let directory: string;
const at = (name: string) => join(directory, name);
beforeEach(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  directory = mkdtempSync(join(tmpdir(), 'sysieve-merge-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function merge(...args: string[]) {
  const result = spawnSync(process.execPath, [MAIN, 'merge', ...args], {
    encoding: 'utf8',
    cwd: directory,
    input: '',
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

function write(name: string, content: string): string {
  writeFileSync(at(name), content);
  return name;
}

const profile = (name: string, extra = '') =>
  `{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["${name}"], "action": "SCMP_ACT_ALLOW"}${extra}]}`;
const DENIAL = ', {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}';
const evidence = (name: string, why: string) =>
  JSON.stringify({
    version: 2,
    calls: [
      {
        abi: 'x86_64',
        name,
        action: 'SCMP_ACT_ALLOW',
        errnoRet: null,
        why: ['observed'],
        executables: ['/a'],
        phases: ['steady'],
      },
    ],
    justifications: { mount: why },
  });

test('recordings: the union, the same in any order', () => {
  const one = makeRun(['read'], { id: 'aaaaaaaa' });
  const two = makeRun(['write'], { id: 'bbbbbbbb' });
  const a = write('a.json', serializeRecording(makeRecording(one)));
  const b = write('b.json', serializeRecording(makeRecording(two, one)));
  expect(merge(a, b, '-o', 'ab.json')).toMatchObject({ status: 0, out: '' });
  expect(merge(b, a, a, '-o', 'ba.json').status).toBe(0);
  const whole = serializeRecording(makeRecording(one, two));
  expect(readFileSync(at('ab.json'), 'utf8')).toBe(whole);
  expect(readFileSync(at('ba.json'), 'utf8')).toBe(whole);
  const { out } = merge(a, b, '-o', 'ab.json', '--json');
  expect(JSON.parse(out)).toEqual({
    kind: 'recording',
    output: 'ab.json',
    runs: ['aaaaaaaa', 'bbbbbbbb'],
  });
});

test('one id with two contents: exit 3, both files named, nothing written', () => {
  const a = write('a.json', serializeRecording(makeRecording(makeRun(['read']))));
  const b = write('b.json', serializeRecording(makeRecording(makeRun(['write']))));
  const { status, err } = merge(a, b, '-o', 'ab.json');
  expect(status).toBe(3);
  expect(err).toContain('there twice with different content: in a.json and in b.json');
  expect(existsSync(at('ab.json'))).toBe(false);
});

test('profiles: the union with its evidence; denials are reported', () => {
  write('a.evidence.json', evidence('read', 'mounts its cache'));
  write('b.evidence.json', evidence('write', 'mounts a volume'));
  const a = write('a.json', profile('read', DENIAL));
  const b = write('b.json', profile('write'));
  const { status, err, out } = merge(a, b, '-o', 'ab.json', '--json');
  expect(status).toBe(0);
  expect(err).toContain('kept: clone3 SCMP_ACT_ERRNO 38, said by a.json');
  expect(err).toContain('union proved: ab.json, evidence ab.evidence.json');
  expect(JSON.parse(out)).toMatchObject({
    kind: 'profile',
    evidence: 'ab.evidence.json',
    without: [],
  });
  expect(parseProfile(readFileSync(at('ab.json'), 'utf8'), 'ab').syscalls[0]?.names).toEqual([
    'read',
    'write',
  ]);
  const both = parseEvidence(readFileSync(at('ab.evidence.json'), 'utf8'), 'e');
  expect(both.calls.map(({ name }) => name)).toEqual(['read', 'write']);
  expect(both.justifications).toEqual({ mount: 'mounts a volume\n---\nmounts its cache' });
  merge(b, a, '-o', 'ba.json');
  expect(readFileSync(at('ba.json'), 'utf8')).toBe(readFileSync(at('ab.json'), 'utf8'));
  expect(readFileSync(at('ba.evidence.json'), 'utf8')).toBe(
    readFileSync(at('ab.evidence.json'), 'utf8'),
  );
});

test('what cannot be said is refused with the call and the reason, nothing written', () => {
  const a = write('a.json', profile('read'));
  const b = write('b.json', profile('write').replace('X86_64"', 'X86_64", "SCMP_ARCH_X86"'));
  const { status, err } = merge(a, b, '-o', 'ab.json');
  expect(status).toBe(3);
  expect(err).toContain('i386 read: the union answers errno 1, the merged profile would allow');
  expect(err).toContain('i386 is listed by b.json alone');
  expect(readdirSync(directory).sort()).toEqual(['a.json', 'b.json']);
});

test.each([
  [
    'a mixture',
    (): string[] => [
      write('a.json', profile('read')),
      write('r.json', serializeRecording(makeRecording(makeRun(['read'])))),
    ],
    3,
    'r.json is a recording and a.json a profile',
  ],
  ['the output as an input', () => [write('o.json', profile('read'))], 2, 'would overwrite o.json'],
  ['standard input twice', () => ['-', '-'], 2, 'can be read only once'],
  ['nothing', () => [], 2, 'missing required argument'],
  ['no JSON', () => [write('a.json', 'nonsense')], 3, 'a.json:1:1: not JSON'],
])('%s is refused', (_what, files, wanted, says) => {
  const { status, err } = merge(...files(), '-o', 'o.json');
  expect(err).toContain(says);
  expect(status).toBe(wanted);
});

test.each([
  ['', 'the file is empty'],
  ['[]', 'expected object, found a list'],
  ['{"version": 1, "runs": [],}', 'expected a key in quotes, found }'],
])('%j beside a profile is told as what it is, not as a recording', (text, says) => {
  const other = write('other.json', text);
  const { status, err } = merge(other, write('p.json', profile('read')), '-o', 'o.json');
  expect([status, err]).toEqual([3, expect.stringContaining(`other.json:1:`)]);
  expect(err).toContain(says);
  expect(err).not.toContain('is a recording');
});
