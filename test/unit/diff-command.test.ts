/** `sysieve diff`: statuses, thresholds, waivers, errors that are never "no change". */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Finding } from '../../src/review';
import { applyWaivers } from '../../src/review/waivers';

const MAIN = path.join(__dirname, '../../dist/cli/main.js');

let dir: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-diff-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
}

function write(name: string, ...syscalls: Rule[]): void {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    // With a high number, above which runc answers ENOSYS on both sides.
    syscalls: [{ names: ['read', 'cachestat'], action: 'SCMP_ACT_ALLOW' }, ...syscalls],
  };
  writeFileSync(path.join(dir, name), JSON.stringify(profile, null, 2));
}

function sysieve(...args: string[]) {
  const options = { cwd: dir, encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [MAIN, 'diff', ...args], options);
}

interface Shown {
  verdict: string;
  findings: {
    rule: string;
    call: string;
    fingerprint: string;
    waiver: object | null;
    line: number;
  }[];
  notes: string[];
  contexts: { label: string }[];
}

function shown(...args: string[]): Shown {
  const { stdout, stderr } = sysieve(...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Shown;
}

const ALLOW = 'SCMP_ACT_ALLOW';
const PTRACE: Rule = { names: ['ptrace'], action: ALLOW };
const RENAME: Rule = { names: ['rename'], action: ALLOW };

it.each([
  ['widen', PTRACE, 1],
  ['high', PTRACE, 1],
  ['medium', PTRACE, 1],
  ['any', PTRACE, 1],
  ['widen', RENAME, 1],
  ['high', RENAME, 0],
  ['medium', RENAME, 0],
  ['any', RENAME, 1],
  ['widen', { names: ['write'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }, 0],
  ['any', { names: ['write'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }, 1],
])('--fail-on %s of %j: status %i', (threshold, rule, status) => {
  write('old.json');
  write('new.json', rule);
  expect(sysieve('old.json', 'new.json').status).toBe(0);
  expect(sysieve('old.json', 'new.json', '--fail-on', threshold).status).toBe(status);
  expect(sysieve('old.json', 'old.json', '--fail-on', threshold).status).toBe(0);
});

it('narrows fails --fail-on any, and no other threshold', () => {
  write('old.json', RENAME);
  write('new.json');
  const status = (on: string) => sysieve('old.json', 'new.json', '--fail-on', on).status;
  expect(['widen', 'high', 'medium', 'any'].map(status)).toEqual([0, 0, 0, 1]);
  expect(shown('old.json', 'new.json').verdict).toBe('narrows');
});

describe('waivers', () => {
  const waive = (fingerprint: string, expires: string, file = 'sysieve.waivers.json') =>
    writeFileSync(
      path.join(dir, file),
      JSON.stringify({ version: 1, waivers: [{ fingerprint, reason: 'agreed', expires }] }),
    );

  beforeEach(() => {
    write('old.json');
    write('new.json', PTRACE);
  });
  const fingerprint = () => shown('old.json', 'new.json').findings[0]?.fingerprint ?? '';

  it('that hold lift the threshold, and show', () => {
    waive(fingerprint(), '2999-12-31');
    expect(sysieve('old.json', 'new.json', '--fail-on', 'any').status).toBe(0);
    expect(shown('old.json', 'new.json').findings[0]?.waiver).toEqual({
      reason: 'agreed',
      expires: '2999-12-31',
    });
    expect(sysieve('old.json', 'new.json').stdout).toContain('waived');
  });

  it('hold to the end of their last day, and not a day longer', () => {
    const day = (offset: number) =>
      new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    const known = fingerprint();
    waive(known, day(1));
    expect(sysieve('old.json', 'new.json', '--fail-on', 'any').status).toBe(0);
    const past = day(-1);
    waive(known, past);
    expect(sysieve('old.json', 'new.json', '--fail-on', 'any').status).toBe(1);
    expect(shown('old.json', 'new.json').notes.join()).toContain(`${known} expired on ${past}`);
    // The very day, which may be over before a command has run.
    const finding = { fingerprint: known, message: '' } as Finding;
    const list = {
      version: 1 as const,
      waivers: [{ fingerprint: known, reason: 'r', expires: past }],
    };
    expect(applyWaivers([finding], list, past).findings[0]?.waiver).not.toBeNull();
    expect(applyWaivers([finding], list, past).notes).toEqual([]);
  });

  it('of another finding lift nothing', () => {
    waive('0123456789abcdef', '2999-12-31');
    expect(sysieve('old.json', 'new.json', '--fail-on', 'any').status).toBe(1);
  });

  it('survive moved lines, and not another meaning', () => {
    waive(fingerprint(), '2999-12-31');
    write('new.json', { names: ['write', 'openat'], action: ALLOW }, PTRACE);
    const report = shown('old.json', 'new.json');
    const found = report.findings.find(({ call }) => call === 'ptrace');
    expect(found?.waiver).not.toBeNull();
    write('new.json', { ...PTRACE, action: 'SCMP_ACT_LOG' });
    expect(shown('old.json', 'new.json').findings[0]?.waiver).toBeNull();
  });

  it.each([
    ['{"version": 1}', /waivers/],
    ['{"version": 2, "waivers": []}', /newer/],
    [
      '{"version": 1, "waivers": [{"fingerprint": "x", "reason": "r", "expires": "2999-01-01"}]}',
      /16 hex digits/,
    ],
    [
      '{"version": 1, "waivers": [{"fingerprint": "0123456789abcdef", "reason": "r", "expires": "2999-02-30"}]}',
      /YYYY-MM-DD/,
    ],
  ])('%s is refused, and is no pass', (text, says) => {
    writeFileSync(path.join(dir, 'sysieve.waivers.json'), text);
    const { status, stderr, stdout } = sysieve('old.json', 'new.json');
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^sysieve: sysieve\.waivers\.json:1:\d+: /);
    expect(stderr).toMatch(says);
  });

  it('named and missing: an error', () => {
    expect(sysieve('old.json', 'new.json', '--waivers', 'none.json').status).toBe(3);
  });
});

describe('what cannot be compared is an error, and prints no verdict', () => {
  it.each([
    ['a missing side', ['missing.json', 'old.json'], 3],
    ['an unknown revision', ['nowhere:old.json', 'old.json'], 3],
    ['no process', ['old.json', 'pid:4194304'], 3],
    ['an unknown default', ['old.json', 'default:docker@1.0'], 3],
    ['standard input twice', ['-', '-'], 2],
    ['one side', ['old.json'], 2],
    ['an unknown format', ['old.json', 'old.json', '--format', 'xml'], 2],
    ['two formats', ['old.json', 'old.json', '--format', 'html', '--json'], 2],
    ['a wrong capability', ['old.json', 'old.json', '--caps', 'sys-admin'], 2],
    ['a wrong kernel', ['old.json', 'old.json', '--kernel', 'new'], 2],
    ['a wrong threshold', ['old.json', 'old.json', '--fail-on', 'low'], 2],
  ])('%s', (_, args, status) => {
    write('old.json');
    const made = sysieve(...args);
    expect([made.status, made.stdout]).toEqual([
      status,
      args.includes('--json') ? made.stdout : '',
    ]);
    expect(made.stderr + made.stdout).not.toMatch(/identical|equivalent/);
  });

  it('rules that are undecided: the entries are named by their places in the file', () => {
    write('old.json');
    const text = JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        { names: ['read'], action: ALLOW },
        { names: ['socket'], action: ALLOW, args: [{ index: 0, value: 1, op: 'SCMP_CMP_NE' }] },
        {
          names: ['socket'],
          action: 'SCMP_ACT_LOG',
          args: [{ index: 0, value: 2, op: 'SCMP_CMP_NE' }],
        },
      ],
    });
    writeFileSync(path.join(dir, 'new.json'), text);
    const { status, stderr, stdout } = sysieve('old.json', 'new.json');
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toContain('new.json: syscalls[1] and syscalls[2]');
  });
});

it('contexts can be chosen', () => {
  const gated = (caps: string[]) =>
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] }],
      syscalls: [
        { names: ['read', 'cachestat'], action: ALLOW },
        { names: ['mount'], action: ALLOW, includes: caps.length === 0 ? {} : { caps } },
      ],
    });
  writeFileSync(path.join(dir, 'old.json'), gated(['CAP_SYS_ADMIN']));
  writeFileSync(path.join(dir, 'new.json'), gated([]));
  expect(
    shown('old.json', 'new.json')
      .contexts.map(({ label }) => label)
      .sort(),
  ).toEqual(['with CAP_SYS_ADMIN', 'without CAP_SYS_ADMIN']);
  expect(shown('old.json', 'new.json').verdict).toBe('widens');
  const verdict = (...caps: string[]) => shown('old.json', 'new.json', '--caps', ...caps).verdict;
  expect(verdict('default,sys_admin')).toBe('equivalent');
  expect(verdict('default')).toBe('widens');
  expect(verdict('none')).toBe('widens');
});
