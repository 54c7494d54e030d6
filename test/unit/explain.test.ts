import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Explanation, explainCall, explanationLines, type Subject } from '../../src/explain';
import { nearNames } from '../../src/explain/near';
import { type Evidence, parseGatedProfile, parseProfile } from '../../src/profile';
import { ABIS, names } from '../../src/tables';

const OPTIONS = { machine: 'x86_64', capabilities: null } as const;

const evidence: Evidence = {
  version: 3,
  calls: [
    {
      abi: 'x86_64',
      name: 'socket',
      action: 'SCMP_ACT_ALLOW',
      errnoRet: null,
      why: ['observed'],
      executables: ['/usr/bin/app'],
      phases: ['startup', 'steady'],
      alternatives: ['AF_UNIX', 'AF_UNIX', 'AF_INET'].map((covers) => ({
        args: [{ index: 0, mask: '0xffffffff', value: '0x1' }],
        covers,
        why: ['observed', 'generalised'],
        executables: ['/usr/bin/app'],
        phases: ['steady'],
      })),
      note: 'a note',
    },
  ],
  excluded: [{ abi: 'x86_64', name: 'socket', values: ['0x26'], reason: 'beyond docker' }],
  justifications: { socket: 'it serves' },
};

function profile(document: object, beside: Evidence | null = null): Subject {
  return {
    kind: 'profile',
    label: 'app.json',
    profile: { format: 'oci', value: parseProfile(JSON.stringify(document), 'app.json') },
    engine: null,
    evidence: beside,
  };
}

function gated(document: object): Subject {
  const value = parseGatedProfile(JSON.stringify(document), 'app.json');
  return {
    ...profile({ defaultAction: 'SCMP_ACT_ALLOW' }),
    profile: { format: 'gated', value },
  } as Subject;
}

const eq = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
const allow = (name: string, ...args: object[]) => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args,
});
const base = { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'] };

function text(explanation: Explanation, width = 80): string {
  return explanationLines(explanation, width)
    .map((line) => line.text)
    .join('\n');
}

/** The lines of a section, joined: where they are broken is another test's. */
function section(explanation: Explanation, heading: string): string {
  const [, found = ''] = `\n\n${text(explanation, 1000)}\n\n`.split(`\n\n${heading}\n`);
  return (found.split('\n\n')[0] ?? '').replace(/^ +/gm, '').trim();
}

const told = (call: string, subject: Subject, heading = `In ${subject.label}`) =>
  section(explainCall(call, subject, OPTIONS), heading);

test('a rule on arguments is told by the values that pass', () => {
  const subject = profile({
    ...base,
    syscalls: [allow('socket', eq(0, 1)), allow('socket', eq(0, 2)), allow('socket', eq(0, 10))],
  });
  expect(told('socket', subject)).toBe(
    'x86_64: passes with domain AF_UNIX, AF_INET or AF_INET6; anything else is refused with EPERM\n' +
      'i386 and x32: kills the thread, as every call not of an ABI listed',
  );
});

test('what the runtimes answer differently is told for each', () => {
  // runc answers ENOSYS above the largest number named; 435 is clone3.
  const subject = profile({ ...base, syscalls: [allow('read'), allow('statx')] });
  expect(told('clone3', subject).split('\n').slice(0, 2)).toEqual([
    'x86_64, under runc: is refused with ENOSYS',
    'x86_64, under crun: is refused with EPERM',
  ]);
  expect(told('read', subject)).toMatch(/^x86_64: passes with any arguments\n/);
  expect(told('mkdir', subject)).toMatch(/^x86_64: is refused with EPERM\n/);
});

test('every answer is told, and the longest to tell is anything else', () => {
  const log = { ...allow('ioctl', eq(1, 0x5401)), action: 'SCMP_ACT_LOG' };
  const trap = { ...allow('ioctl', eq(1, 0x5412)), action: 'SCMP_ACT_TRAP' };
  const subject = profile({ ...base, syscalls: [allow('ioctl', eq(1, 0x541b)), log, trap] });
  expect(told('ioctl', subject).split('\n').slice(0, -1)).toEqual([
    'x86_64: passes with',
    '- request FIONREAD',
    'passes, and is logged with',
    '- request TCGETS',
    'is refused with the signal SIGSYS for',
    '- request TIOCSTI',
    'anything else is refused with EPERM',
  ]);
});

test('a profile that one runtime refuses is told for the other', () => {
  const subject = profile({
    ...base,
    syscalls: [{ ...allow('read'), errnoRet: 1 }],
  });
  const found = told('read', subject);
  expect(found).toMatch(/^x86_64: passes with any arguments\n/);
  expect(found).toMatch(/\ncrun does not take the profile: .*syscalls\[0\]/);
});

test('rules that cannot be decided are an error', () => {
  const subject = profile({
    ...base,
    syscalls: [
      allow('socket', eq(0, 1), eq(1, 1)),
      { ...allow('socket', eq(0, 1)), action: 'SCMP_ACT_ERRNO', errnoRet: 22 },
    ],
  });
  expect(() => explainCall('socket', subject, OPTIONS)).toThrow(/cannot be decided/);
});

test('the evidence says who, when and why; what is left out, too', () => {
  const subject = profile({ ...base, syscalls: [allow('socket', eq(0, 1))] }, evidence);
  expect(told('socket', subject, 'Why it is there').split('\n')).toEqual([
    'x86_64: the application was seen to make it: /usr/bin/app (startup, steady)',
    '- AF_UNIX, observed, generalised: /usr/bin/app (steady)',
    '- AF_INET, observed, generalised: /usr/bin/app (steady)',
    '- a note',
    'x86_64: it with 0x26 was recorded, and left out: beyond docker',
    'justified: it serves',
  ]);
  expect(told('socket', subject, 'If it is denied')).toBe(
    '/usr/bin/app was seen to make it, and gets an error instead',
  );
  expect(told('mkdir', subject, 'Why it is there')).toBe('the evidence does not name it');
});

test('what denying it breaks: fallbacks, the kernel’s own, and other ways that pass', () => {
  const subject = profile({ ...base, syscalls: [allow('openat2'), allow('openat')] });
  const found = told('openat2', subject, 'If it is denied').split('\n');
  expect(found[0]).toMatch(/goes on with openat when told ENOSYS; another errno may break it/);
  expect(found.slice(2)).toEqual([
    '- open: does not pass here',
    '- openat: may pass here',
    '- creat: does not pass here',
  ]);
  const forked = profile({ ...base, syscalls: [allow('clone', eq(0, 17))] });
  expect(told('fork', forked, 'If it is denied')).toContain(
    '- clone with flags without CLONE_NEWNS, CLONE_NEWCGROUP',
  );
  expect(told('rt_sigreturn', subject, 'If it is denied')).toContain('signal handler');
  expect(explainCall('acct', null, OPTIONS).denying).toEqual({
    ...{ essential: null, fallback: null, instead: [] },
  });
});

test('an exploit is closed only when nothing that it needs passes', () => {
  const reachable = (subject: Subject, id: string) =>
    explainCall('socket', subject, OPTIONS).cves.find((cve) => cve.id === id)?.reachable;
  const unix = profile({ ...base, syscalls: [allow('socket', eq(0, 1))] });
  // Any socket will do for the one, AF_ALG alone for the other.
  expect(reachable(unix, 'CVE-2015-8543')).toBe(true);
  expect(reachable(unix, 'CVE-2019-8912')).toBe(false);
  const alg = profile({ ...base, syscalls: [allow('socket', eq(0, 38))] });
  expect(reachable(alg, 'CVE-2019-8912')).toBe(true);
  const clone3 = profile({ ...base, syscalls: [allow('clone3')] });
  const unshare = explainCall('unshare', clone3, OPTIONS).cves;
  expect(unshare.find(({ id }) => id === 'CVE-2014-4014')?.reachable).toBe(true);
  expect(unshare.find(({ id }) => id === 'CVE-2013-1858')?.reachable).toBe(false);
  expect(explainCall('unshare', null, OPTIONS).cves[0]?.reachable).toBeNull();
});

test('gates are told by the capability that opens or closes', () => {
  const gate = (caps: string[]) => ({ includes: { caps }, excludes: {} });
  const subject = gated({
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] }],
    syscalls: [
      { ...allow('mount'), ...gate(['CAP_SYS_ADMIN']) },
      { ...allow('chroot'), ...gate(['CAP_SYS_CHROOT']) },
    ],
  });
  expect(told('mount', subject).split('\n').slice(-2)).toEqual([
    'with CAP_SYS_ADMIN:',
    'x86_64: passes with any arguments',
  ]);
  expect(told('chroot', subject).split('\n').slice(-2)).toEqual([
    'without CAP_SYS_CHROOT, which containers have:',
    'x86_64: is refused with EPERM',
  ]);
});

test('the default profiles of the engines, for what their containers may do', () => {
  const socket = section(explainCall('socket', null, OPTIONS), 'In the default profiles');
  expect(socket).toMatch(
    /docker \d+\.[\d.]+\n.*is refused with EPERM for domain AF_ALG or AF_VSOCK/,
  );
  // Podman's containers lack CAP_AUDIT_WRITE.
  expect(socket).toMatch(
    /podman .*\n.*is refused with EINVAL for domain AF_NETLINK and protocol 9/,
  );
  const clone3 = explainCall('clone3', null, OPTIONS).defaults;
  const docker = clone3.find(({ releases }) => releases.some((one) => one.includes('20.10.24')));
  expect(docker?.rules[0]?.cases).toEqual([{ answer: 'errno ENOSYS', passes: 'no', values: null }]);
  expect(docker?.capabilities.map(({ capability, held }) => [capability, held])).toEqual([
    ['CAP_SYS_ADMIN', false],
  ]);
});

test('without a filter everything passes; another machine has other ABIs', () => {
  const subject: Subject = { kind: 'unfiltered', label: 'pid:1' };
  expect(told('bpf', subject)).toBe('x86_64, i386 and x32: passes with any arguments');
  const arm = explainCall('open', null, { ...OPTIONS, machine: 'aarch64' });
  expect(arm.defaults.flatMap(({ rules }) => rules.flatMap(({ abis }) => abis))).not.toContain(
    'aarch64',
  );
  const there = profile({
    ...base,
    architectures: ['SCMP_ARCH_AARCH64'],
    syscalls: [allow('read')],
  });
  const found = explainCall('open', there, { ...OPTIONS, machine: 'aarch64' });
  expect(section(found, 'In app.json')).toMatch(/^arm: kills the thread/);
});

test('every call can be explained, within 80 columns', () => {
  const every = [...new Set(ABIS.flatMap((abi) => names(abi)))].filter((_, at) => at % 17 === 0);
  for (const name of [...every, 'clone', 'ioctl', 'keyctl', 'personality']) {
    const lines = text(explainCall(name, null, OPTIONS)).split('\n');
    expect(lines.filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([]);
  }
});

test('a name that is none is an input error with those that are near', () => {
  expect(() => explainCall('sokcet', null, OPTIONS)).toThrow(
    expect.objectContaining({
      kind: 'input',
      code: 'call-unknown',
      remedy: 'Did you mean socket?',
    }),
  );
  expect(nearNames('open_at')).toContain('openat');
  expect(nearNames('SOCKET')).toEqual(['socket', 'socketcall', 'socketpair']);
  expect(nearNames('zzzzzzzz')).toEqual([]);
  expect(nearNames('')).toEqual([]);
  expect(() => explainCall('constructor', null, OPTIONS)).toThrow(/no system call/);
});

const MAIN = join(__dirname, '../../dist/cli/main.js');

test('the command prints it, as text and as JSON, and fails on other input', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-explain-'));
  try {
    const file = join(directory, 'app.json');
    writeFileSync(file, JSON.stringify({ ...base, syscalls: [allow('socket', eq(0, 16))] }));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [MAIN, 'explain', ...args], { encoding: 'utf8' });
    const plain = run('socket', file);
    expect(plain.status).toBe(0);
    expect(plain.stdout).toContain('x86_64: passes with domain AF_NETLINK');
    const json = JSON.parse(run('socket', file, '--json').stdout) as Explanation;
    expect(json.profile?.rules[0]).toEqual({
      abis: ['x86_64'],
      runtimes: ['runc', 'crun'],
      unlisted: false,
      cases: [
        { answer: 'allow', passes: 'yes', values: ['domain AF_NETLINK'] },
        { answer: 'errno EPERM', passes: 'no', values: ['domain other than AF_NETLINK'] },
      ],
    });
    const wrong = run('sokcet', '--json');
    expect(wrong.status).toBe(3);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'call-unknown' } });
    expect(run('socket', join(directory, 'none.json')).status).toBe(3);
    expect(run('socket', '--arch', 'vax').status).toBe(2);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
