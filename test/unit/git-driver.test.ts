/** git diff, log and show with sysieve behind them, in a real repository. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readDocument } from '../../src/json';
import { gatedDefault, parseEitherProfile, profileLines } from '../../src/profile';
import { type SampleRepository, sampleRepository } from '../support/sample-repository';

const MAIN = path.join(__dirname, '../../dist/cli/main.js');
const COMMAND = `'${process.execPath}' '${MAIN}'`;

let dir: string;
let sample: SampleRepository;

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-driver-'));
  sample = sampleRepository(path.join(dir, 'repository'));
  write('.git/info/attributes', '*.json diff=sysieve\n*.yaml diff=sysieve\n-* diff=sysieve\n');
  sample.git('config', 'diff.sysieve.command', `${COMMAND} git-diff-driver`);
  sample.git('config', 'diff.sysieve.textconv', `${COMMAND} git-textconv`);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function write(name: string, text: string): void {
  const file = path.join(sample.dir, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Whatever git says, its status with it. */
function git(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const options = { cwd: sample.dir, env: sample.env, encoding: 'utf8' } as const;
  return spawnSync('git', args, options);
}

function shown(...args: string[]): string {
  const { status, stdout, stderr } = git('diff', ...args);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

const profile = (names: string[], more = '') =>
  `{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
  {"names": ${JSON.stringify(names)}, "action": "SCMP_ACT_ALLOW"}${more}
]}\n`;

describe('git diff with the driver', () => {
  test('says what a change means, as sysieve diff does', () => {
    const text = shown('HEAD~2', 'HEAD~1', '--', 'app.json');
    expect(text).toMatch(
      /^sysieve diff a\/app\.json \([0-9a-f]{7}\) b\/app\.json \([0-9a-f]{7}\)\n/,
    );
    expect(text).toMatch(/^narrows: /m);
    expect(text).toMatch(/^- low +pselect6 is answered/m);
    expect(text).toContain('a/app.json:56:9');
    // But for the evidence, which git does not hand over, it is what sysieve diff says.
    expect(text).toMatch(/a\/app\.json is compared without its evidence/);
    sample.git('rm', '-q', '--cached', 'app.evidence.json');
    rmSync(path.join(sample.dir, 'app.evidence.json'));
    for (const [side, rev] of [
      ['a', 'HEAD~2'],
      ['b', 'HEAD~1'],
    ] as const) {
      write(`${side}/app.json`, sample.git('cat-file', 'blob', `${rev}:app.json`));
    }
    const bare = shown('HEAD~2', 'HEAD~1', '--', 'app.json');
    const own = execFileSync(process.execPath, [MAIN, 'diff', 'a/app.json', 'b/app.json'], {
      cwd: sample.dir,
      env: sample.env,
      encoding: 'utf8',
    });
    expect(bare).toBe(`${bare.split('\n')[0]}\n${own}\n`);
    const wide = shown('HEAD~1', 'HEAD', '--', 'app.json');
    expect(wide).toMatch(/^widens: /m);
    expect(wide).toMatch(/^\+ high +ptrace may pass/m);
    expect(wide).toMatch(/^\+ medium +socket with domain AF_NETLINK/m);
  });

  test('of the work tree, with the evidence beside it', () => {
    const text = readFileSync(path.join(sample.dir, 'app.json'), 'utf8');
    write('app.json', text.replace('"rename"', '"rmdir"'));
    const changed = shown();
    expect(changed).toContain('b/app.json (work tree)');
    expect(changed).toMatch(/^mixed: /m);
    write('app.evidence.json', '{"version": 2');
    const broken = shown('--', 'app.json');
    expect(broken).toMatch(/NOT COMPARED: app\.json: app\.evidence\.json:1:14/);
  });

  test('a file named as standard input is the file', () => {
    write('-', profile(['read']));
    sample.git('add', '-A');
    write('-', profile(['read', 'ptrace']));
    expect(shown('--', '-')).toMatch(/^\+ high +ptrace may pass/m);
    expect(shown('--no-ext-diff', '--', '-')).toMatch(/^\+.*ptrace/m);
  });

  test('the name of an added profile cannot act on a terminal', () => {
    write('\u001b[2J.json', profile(['read']));
    sample.git('add', '-A');
    const text = shown('--cached');
    expect(text).not.toContain('\u001b[2J');
    expect(text).toContain('b/\\u001b[2J.json is a new profile');
  });

  test('an added and a deleted profile, in numbers', () => {
    write('new.json', profile(['read', 'write', 'nothing_of_the_sort']));
    write(
      'bounded.json',
      profile(
        ['read'],
        `,{"names": ["socket"], "action": "SCMP_ACT_LOG",
      "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}`,
      ),
    );
    sample.git('add', '-A');
    const text = shown('--cached');
    expect(text).toMatch(/^sysieve diff \/dev\/null b\/new\.json \([0-9a-f]{7}\)$/m);
    expect(text).toMatch(/^b\/new\.json is a new profile:\n {2}x86_64: 2 of \d+ calls may pass$/m);
    expect(text).toMatch(
      /^b\/bounded\.json is .*:\n {2}x86_64: 2 of \d+ calls may pass, 1 of them with certain/m,
    );
    sample.git('commit', '-qm', 'more');
    sample.git('rm', '-q', 'new.json');
    expect(shown('HEAD')).toMatch(
      /b\/new\.json|a\/new\.json is a deleted profile; it was:\n {2}x86_64: 2 of/,
    );
    expect(shown('HEAD')).toContain('a/new.json is a deleted profile');
    // Docker's own: every ABI of the machines that there are tables for.
    write('docker.json', JSON.stringify(dockerDefault()));
    sample.git('add', '-A');
    const gated = shown('--cached', '--', 'docker.json');
    for (const abi of ['x86_64', 'i386', 'x32', 'aarch64', 'arm']) {
      expect(gated).toMatch(new RegExp(`^  ${abi}: \\d{3} of \\d{3} calls may pass`, 'm'));
    }
  });

  test('what is no profile is told in place, and git goes on', () => {
    write('a.json', '{"no": "profile"}\n');
    write('z.json', profile(['read']));
    sample.git('add', '-A');
    sample.git('commit', '-qm', 'more');
    write('a.json', '{"no": "profile at all"}\n');
    write('z.json', profile(['read', 'write']));
    const text = shown();
    expect(text).toMatch(/^NOT COMPARED: a\.json: a\/a\.json:1:1: not a profile/m);
    expect(text).toContain('  The files differ; git diff --no-ext-diff shows their lines.');
    expect(text).not.toMatch(/identical|equivalent|no change/i);
    // The one after it.
    expect(text).toMatch(/^widens: 1 call/m);
    // git's own diff of it, by textconv: nothing lost.
    const lines = shown('--no-ext-diff', '--', 'a.json');
    expect(lines).toContain('-{"no": "profile"}');
    expect(lines).toContain('+{"no": "profile at all"}');
  });

  test('a profile that cannot be decided is no "no change" either', () => {
    const foreign = (name: string) =>
      profile([name]).replace('X86_64"', 'X86_64", "SCMP_ARCH_S390X"');
    write('s.json', foreign('read'));
    sample.git('add', '-A');
    expect(shown('--cached')).toMatch(
      /x86_64: 1 of \d+ calls may pass\n {2}SCMP_ARCH_S390X: there is no table of its calls\n/,
    );
    sample.git('commit', '-qm', 'more');
    write('s.json', foreign('write'));
    expect(shown()).toMatch(
      /^NOT COMPARED: s\.json: .*there is no table of the calls of SCMP_ARCH/m,
    );
  });

  test('renamed, unmerged, of another mode, a symbolic link, of an odd name', () => {
    sample.git('mv', 'app.json', 'web.json');
    const text = readFileSync(path.join(sample.dir, 'web.json'), 'utf8');
    write('web.json', text.replace('"ptrace"', '"getppid"'));
    sample.git('add', '-A');
    const renamed = shown('--cached', '-M', '--', 'app.json', 'web.json');
    expect(renamed).toMatch(/^sysieve diff a\/app\.json \(.{7}\) b\/web\.json \(.{7}\)$/m);
    expect(renamed).toMatch(/^narrows: /m);
    sample.git('reset', '-q', '--hard');

    sample.git('update-index', '--chmod=+x', 'app.json');
    expect(shown('--cached')).toMatch(/, mode 100644 to 100755\nidentical/);
    sample.git('reset', '-q', '--hard');

    const odd = ['-v.json', 'ü \u001b[31m.json', '"quoted" $(touch x).json'];
    for (const name of odd) write(name, profile(['read']));
    symlinkSync('app.json', path.join(sample.dir, 'link.json'));
    sample.git('add', '-A');
    sample.git('commit', '-qm', 'odd');
    for (const name of odd) write(name, profile(['read', 'close']));
    const strange = shown();
    expect(strange.match(/^widens: 1 call/gm)).toHaveLength(odd.length);
    expect(strange).not.toContain('\u001b');
    expect(strange).toContain('\\u001b[31m');
    expect(existsSync(path.join(sample.dir, 'x'))).toBe(false);
    rmSync(path.join(sample.dir, 'link.json'));
    symlinkSync('web.json', path.join(sample.dir, 'link.json'));
    expect(shown('--', 'link.json')).toMatch(/NOT COMPARED: .*link\.json is a symbolic link/);
    sample.git('reset', '-q', '--hard');

    sample.git('checkout', '-q', '-b', 'other', 'HEAD~1');
    write('app.json', profile(['read']));
    sample.git('commit', '-qam', 'other');
    expect(git('merge', 'main').status).toBe(0);
    write('app.json', profile(['write']));
    sample.git('commit', '-qam', 'ours');
    sample.git('checkout', '-q', 'main');
    write('app.json', profile(['close']));
    sample.git('commit', '-qam', 'theirs');
    expect(git('merge', 'other').status).toBe(1);
    expect(shown('--cached', '--', 'app.json')).toContain('app.json is unmerged: nothing to comp');
    // The combined diff is made of textconv's lines, and of the markers as they are.
    expect(shown('--', 'app.json')).toMatch(/^\+\+<{7} HEAD$/m);
  });

  test('a SeccompProfile whose base is elsewhere', () => {
    const spo = (name: string) => `apiVersion: security-profiles-operator.x-k8s.io/v1
kind: SeccompProfile
metadata: {name: app}
spec:
  baseProfileName: base
  defaultAction: SCMP_ACT_ERRNO
  architectures: [SCMP_ARCH_X86_64]
  syscalls:
    - action: SCMP_ACT_ALLOW
      names: [read, ${name}]
`;
    write('app.yaml', spo('write'));
    sample.git('add', '-A');
    sample.git('commit', '-qm', 'more');
    write('app.yaml', spo('close'));
    expect(shown()).toMatch(/NOT COMPARED: app\.yaml: .*"base"/);
    sample.git('config', 'diff.sysieve.command', `${COMMAND} git-diff-driver --without-base`);
    const text = shown();
    expect(text).toMatch(/^mixed: /m);
    expect(text).toMatch(/without its base\s+profile/);
    const lines = shown('--no-ext-diff', '-U99');
    expect(lines).toContain('-write: allow');
    expect(lines).toContain('+close: allow');
    expect(lines).toContain(' # the profile without its base profile "base"');
  });

  test('called otherwise than by git it says so', () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'git-diff-driver', 'a', 'b'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('1, 7 or 9 arguments');
    const help = execFileSync(process.execPath, [MAIN, 'git-diff-driver', '--help'], {
      encoding: 'utf8',
    });
    expect(help).toContain("git config diff.sysieve.command 'sysieve git-diff-driver'");
    expect(help).toContain("git config diff.sysieve.textconv 'sysieve git-textconv'");
    expect(help).toContain('diff=sysieve');
  });
});

function dockerDefault(): object {
  const { profile: value } = gatedDefault('docker', '29.4.3');
  return JSON.parse(
    JSON.stringify(value, (key, item: unknown) => {
      if (typeof item === 'bigint') return Number(item);
      return key === 'minKernel' && Array.isArray(item) ? item.join('.') : item;
    }),
  ) as object;
}

describe('git log and show with textconv', () => {
  test('show one line for each call and rule that changed', () => {
    const text = sample.git('log', '-p', '-1', '--format=%s', '--', 'app.json');
    const changed = text.split('\n').filter((line) => /^[-+][^-+]/.test(line));
    expect(changed.sort()).toEqual(
      [
        '+architecture: SCMP_ARCH_X86',
        '+epoll_pwait3: allow',
        '+getpid: allow',
        '+ptrace: allow',
        '+rename: allow',
        '+socket: allow if domain AF_NETLINK (low 32 bits)',
        '+unlink: log',
        '-epoll_pwait2: errno ENOSYS',
        '-unlink: allow',
      ].sort(),
    );
    const show = sample.git('show', '--format=', 'HEAD~1', '--', 'app.json');
    expect(show.split('\n').filter((line) => /^[-+][^-+]/.test(line))).toEqual([
      '-pselect6: allow',
      '-sched_yield: allow',
      '-socket: allow if domain AF_INET6 (low 32 bits)',
    ]);
  });
});

describe('the lines of a profile', () => {
  const lines = (text: string) =>
    profileLines(parseEitherProfile(readDocument('profile', text, 'x')));
  const body = (syscalls: object[], more: object = {}) =>
    lines(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls, ...more }));
  const allow = (names: string[], args: object[] = []) => ({
    names,
    action: 'SCMP_ACT_ALLOW',
    args,
  });
  const refuse = (names: string[]) => ({ names, action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
  const is = (index: number, value: number, op = 'SCMP_CMP_EQ') => ({ index, value, op });

  test('are the same for another layout of the same rules', () => {
    expect(body([allow(['write', 'read']), refuse(['clone3'])])).toEqual([
      'default: errno',
      '',
      'clone3: errno ENOSYS',
      'read: allow',
      'write: allow',
    ]);
    expect(body([refuse(['clone3']), allow(['read']), allow(['write'])])).toEqual(
      body([allow(['write', 'read']), refuse(['clone3'])]),
    );
    expect(body([allow(['socket'], [is(0, 1), is(1, 2)])])).toEqual(
      body([allow(['socket'], [is(1, 2), is(0, 1)])]),
    );
  });

  test('are others for everything that may mean something else', () => {
    const base = [allow(['socket'], [is(0, 1)])];
    const all = [
      body(base),
      body(base, { defaultErrnoRet: 1 }),
      body(base, { defaultAction: 'SCMP_ACT_KILL' }),
      body(base, { defaultAction: 'SCMP_ACT_KILL_PROCESS' }),
      body(base, { architectures: ['SCMP_ARCH_X86'] }),
      body(base, { flags: [] }),
      body(base, { flags: ['SECCOMP_FILTER_FLAG_LOG'] }),
      body(base, { listenerPath: '/x' }),
      body(base, { listenerMetadata: '/x' }),
      body([...base, ...base]),
      body([allow(['socket'], [is(0, 1, 'SCMP_CMP_NE')])]),
      body([allow(['socket'], [is(0, 1, 'SCMP_CMP_LT')])]),
      body([allow(['socket'], [is(0, 1, 'SCMP_CMP_LE')])]),
      body([allow(['socket'], [is(0, 1, 'SCMP_CMP_GE')])]),
      body([allow(['socket'], [is(0, 1, 'SCMP_CMP_GT')])]),
      body([allow(['socket'], [is(0, 0xffffffff, 'SCMP_CMP_MASKED_EQ')])]),
      body([allow(['socket'], [{ ...is(0, 0xffffffff, 'SCMP_CMP_MASKED_EQ'), valueTwo: 1 }])]),
      body([allow(['socket'], [{ ...is(0, 2, 'SCMP_CMP_MASKED_EQ'), valueTwo: 1 }])]),
      body([allow(['socket'], [is(0, 0, 'SCMP_CMP_LT')])]),
      body([allow(['socket'], [is(0, 1), is(1, 1)])]),
      // Each condition by itself under runc, and not both at once.
      body([allow(['socket'], [is(0, 1), is(0, 2)])]),
      body([allow(['socket'], [is(0, 1)]), allow(['socket'], [is(0, 2)])]),
      body([allow(['getpid']), refuse(['getpid'])]),
      // The first of two answers may win.
      body([refuse(['getpid']), allow(['getpid'])]),
      body([{ ...allow(['getpid']), includes: { caps: ['CAP_BPF'] } }]),
      body([{ ...allow(['getpid']), excludes: { caps: ['CAP_BPF'] } }]),
      body([{ ...allow(['getpid']), includes: { arches: ['amd64'] } }]),
      body([{ ...allow(['getpid']), includes: { minKernel: '4.8' } }]),
      body([{ ...refuse(['getpid']), errno: 'EPERM' }]),
      body([allow(['getpid'])], { defaultErrno: 'EPERM' }),
      body([allow(['getpid'])], {
        archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      }),
    ].map((made) => made.join('\n'));
    expect(new Set(all).size).toBe(all.length);
  });

  test('say gates in words', () => {
    expect(
      body([
        {
          ...allow(['bpf']),
          includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'], arches: ['x86', 'amd64'] },
          excludes: { caps: ['CAP_PERFMON', 'CAP_CHOWN'], minKernel: '4.8' },
        },
      ]).at(-1),
    ).toBe(
      'bpf: allow, only with CAP_BPF and CAP_SYS_ADMIN and on amd64 or x86, ' +
        'not with CAP_CHOWN or CAP_PERFMON or from Linux 4.8',
    );
  });
});
