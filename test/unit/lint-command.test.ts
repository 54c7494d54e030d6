/** `sysieve lint` as users run it. Needs dist/. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(__dirname, '../../dist/cli/main.js');
const PROFILES = join(__dirname, '../../profiles');

let directory: string;
beforeEach(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  directory = mkdtempSync(join(tmpdir(), 'sysieve-lint-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function lint(args: readonly string[], input = '') {
  const result = spawnSync(process.execPath, [MAIN, 'lint', ...args], {
    encoding: 'utf8',
    cwd: directory,
    input,
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

function write(name: string, content: string): string {
  writeFileSync(join(directory, name), content);
  return name;
}

const profile = (...names: string[]) =>
  JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
  });

interface Found {
  rule: string;
  severity: string;
  file: string;
  line: number;
  column: number;
  fingerprint: string;
  waiver: unknown;
}

const findings = (out: string) => (JSON.parse(out) as { findings: Found[] }).findings;

test('findings with their places, as JSON, and no failure unless asked for one', () => {
  const text = profile('close', 'ptrace');
  write('app.json', text);
  const { status, out, err } = lint(['app.json', '--json']);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(findings(out)).toMatchObject([
    {
      rule: 'risky-call',
      severity: 'high',
      file: 'app.json',
      line: 1,
      column: text.indexOf('"ptrace') + 1,
    },
  ]);
  expect(lint(['app.json', '--format', 'json']).out).toBe(out);
});

test.each([
  ['high', 'ptrace', 1],
  ['high', 'mount', 0],
  ['medium', 'mount', 1],
  ['medium', 'kcmp', 0],
  ['any', 'kcmp', 1],
  // A note: said, and no reason to fail.
  ['any', 'chown32', 0],
])('--fail-on %s with %s ends with status %i', (severity, name, expected) => {
  const args = ['-', '--fail-on', severity, '--json'];
  const { status, out } = lint(args, profile(name));
  expect(status).toBe(expected);
  expect(findings(out)).toHaveLength(1);
});

test('a waiver takes a finding out of --fail-on until its last day', () => {
  write('app.json', profile('ptrace'));
  const [found] = findings(lint(['app.json', '--json']).out);
  const waivers = (expires: string) =>
    JSON.stringify({
      version: 1,
      waivers: [{ fingerprint: found?.fingerprint, reason: 'a debugger', expires }],
    });
  write('valid.json', waivers('9999-12-31'));
  write('expired.json', waivers('2020-01-01'));
  const args = ['app.json', '--fail-on', 'any', '--json', '--waivers'];
  const valid = lint([...args, 'valid.json']);
  expect(valid.status).toBe(0);
  expect(findings(valid.out)).toMatchObject([
    { waiver: { reason: 'a debugger', expires: '9999-12-31' } },
  ]);
  const expired = lint([...args, 'expired.json']);
  expect(expired.status).toBe(1);
  expect(expired.out).toContain('expired on 2020-01-01');
});

test('several files: one document where there can be one alone', () => {
  write('a.json', profile('ptrace'));
  write('b.json', profile('mount'));
  const { out } = lint(['b.json', 'a.json', '--json']);
  expect(findings(out).map(({ file, severity }) => [file, severity])).toEqual([
    ['a.json', 'high'],
    ['b.json', 'medium'],
  ]);
  const terminal = lint(['a.json', 'b.json']).out;
  expect(terminal).toContain('a.json:1:');
  expect(terminal).toContain('b.json:1:');
  const sarif = JSON.parse(lint(['a.json', 'b.json', '--format', 'sarif']).out);
  expect(sarif.runs).toHaveLength(1);
  expect(sarif.runs[0].results).toHaveLength(2);
});

test("the evidence beside a profile is read: the committed profiles' calls are all accounted for", () => {
  for (const name of ['nginx', 'redis']) {
    write(`${name}.json`, readFileSync(join(PROFILES, `${name}.json`), 'utf8'));
    write(`${name}.evidence.json`, readFileSync(join(PROFILES, `${name}.evidence.json`), 'utf8'));
  }
  const { status, out } = lint(['nginx.json', 'redis.json', '--fail-on', 'any', '--json']);
  const unseen = findings(out).filter(({ rule }) => rule === 'reachable-unseen');
  expect({ status, findings: findings(out) }).toEqual({ status: 0, findings: unseen });
  expect(new Set(unseen.map(({ severity }) => severity))).toEqual(new Set(['note']));
  write('app.json', profile('ptrace'));
  write('app.evidence.json', '{"version": 2, "calls": [], "justifications": {}}');
  expect(findings(lint(['app.json', '--json']).out).map(({ rule }) => rule)).toEqual([
    'risky-call',
    'justification-missing',
  ]);
});

test('the gates of a profile in Docker’s format are none for containerd', () => {
  const gated = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
    ],
  });
  const high = ['-', '--fail-on', 'high'];
  expect(lint([...high, '--target', 'docker'], gated).status).toBe(0);
  const { status, out } = lint([...high, '--target', 'containerd'], gated);
  expect(status).toBe(1);
  expect(out).toContain('containerd reads no gate');
});

test.each([
  [['missing.json'], 3],
  [['-'], 3],
  [['pid:1x'], 3],
  [['-', '--target', 'lxc'], 2],
  [['-', '--json', '--format', 'html'], 2],
  [['-', '-'], 2],
  [[], 2],
])('%j ends with status %i', (args, expected) => {
  expect(lint(args, 'no profile').status).toBe(expected);
});

test('a SeccompProfile with a base is read without it when asked, and that is said', () => {
  const text = `apiVersion: security-profiles-operator.x-k8s.io/v1beta1
kind: SeccompProfile
spec:
  baseProfileName: runc-v1.2
  defaultAction: SCMP_ACT_ERRNO
  architectures: [SCMP_ARCH_X86_64]
  syscalls: [{action: SCMP_ACT_ALLOW, names: [ptrace]}]
`;
  const refused = lint(['-'], text);
  expect(refused).toMatchObject({ status: 3, err: expect.stringContaining('--without-base') });
  const { status, out } = lint(['-', '--without-base', '--json'], text);
  expect(status).toBe(0);
  expect(findings(out).map(({ rule }) => rule)).toContain('risky-call');
  expect(JSON.parse(out)).toMatchObject({
    notes: [expect.stringContaining('without its base profile "runc-v1.2"')],
  });
});

test('a reader that goes away before the end hides no failed check', () => {
  write('app.json', profile('ptrace'));
  const command = `set -o pipefail; "$0" "$1" lint --fail-on high app.json | exec 0<&-`;
  const { status } = spawnSync('bash', ['-c', command, process.execPath, MAIN], { cwd: directory });
  expect(status).toBe(1);
});
