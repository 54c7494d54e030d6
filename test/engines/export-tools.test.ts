/**
 * What is exported, in the hands of the tool that it is for: bwrap and a C program install the same
 * filter as `sysieve run`; firejail's filters, read back from its process, mean what the profile means;
 * systemd's own reader lists the calls that the profile permits. Needs root and those tools.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dumpFilters } from '../../src/capture/filter';
import { compile, pseudoCode } from '../../src/libseccomp';
import { differences, equal, mayPass, policyOfProfile, policyOfPrograms } from '../../src/policy';
import { type Profile, parseProfile, serializeProfile } from '../../src/profile';
import { auditArch, errnoNumber } from '../../src/tables';
import { until } from '../support/engines';
import { exported, meaning } from '../support/tool-profiles';

const root = process.geteuid?.() === 0;
const has = (tool: string): boolean => spawnSync('which', [tool], { stdio: 'ignore' }).status === 0;
/** Skipped, with what is missing in its name. */
const withTool = (tool: string, name: string, test: () => Promise<void>): void => {
  if (root && has(tool)) it(name, test);
  else it.skip(`${name} (needs root and ${tool})`, test);
};

const compiler = (profile: Profile) => {
  const { program, stub, skipped } = compile(profile);
  return { program, stub, skipped, pseudoCode: pseudoCode(profile), flags: profile.flags ?? [] };
};

/** Calls that the probe makes: number and arguments. */
const ASKED: readonly (readonly number[])[] = [
  [110], // getppid: permitted
  [79, 0, 0], // getcwd: by default
  [435, 0, 0], // clone3: a rule's errno
  [16, 99, 0x5401], // ioctl: permitted, fails for want of a descriptor
  [16, 99, 0x5412],
  [41, 1, 99, 0], // socket: permitted, fails for want of such a type
  [41, 2, 99, 0],
  [16, 99, 0x100005401], // the upper half counts, too
  [600], // beyond what the profile names
];

const PROBE = `#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    long a[4] = {0};
    char* at = argv[i];
    for (int n = 0; n < 4 && *at; n++) { a[n] = strtol(at, &at, 0); if (*at) at++; }
    errno = 0;
    if (syscall(a[0], a[1], a[2], a[3]) >= 0) errno = 0;
    printf("%s %d\\n", argv[i], errno);
  }
  fflush(stdout);
  if (argc == 1) pause();
  _exit(0);
}
`;

const rule = (names: string[], more: Partial<Profile['syscalls'][number]> = {}) => ({
  names,
  action: 'SCMP_ACT_ALLOW' as const,
  args: [],
  ...more,
});
const equals = (index: number, value: bigint) => [
  { index, op: 'SCMP_CMP_EQ' as const, value, valueTwo: 0n },
];

const NEEDED = [
  ...['execve', 'execveat', 'prctl', 'brk', 'arch_prctl', 'write', 'exit', 'exit_group', 'pause'],
  ...['mmap', 'munmap', 'mprotect', 'fstat', 'newfstatat', 'set_tid_address', 'set_robust_list'],
  ...['rseq', 'prlimit64', 'readlink', 'readlinkat', 'getrandom', 'uname', 'getppid', 'open'],
  ...['openat', 'read', 'close', 'pread64', 'access', 'rt_sigreturn', 'restart_syscall', 'futex'],
  ...['seccomp', 'rt_sigaction'],
];
const WHOLE: Profile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: [
    rule(NEEDED),
    rule(['ioctl'], { args: equals(1, 0x5401n) }),
    rule(['socket'], { args: equals(0, 1n) }),
    rule(['clone3', 'statx'], { action: 'SCMP_ACT_ERRNO', errnoRet: 38 }),
  ],
};
/** Without what the formats have no words for. */
const PLAIN: Profile = {
  ...WHOLE,
  syscalls: WHOLE.syscalls.filter(({ args }) => args.length === 0),
};

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'sysieve-tools-'));
  chmodSync(work, 0o755);
  writeFileSync(join(work, 'probe.c'), PROBE);
  execFileSync('gcc', ['-O1', '-static', join(work, 'probe.c'), '-o', join(work, 'probe')]);
  writeFileSync(join(work, 'app.json'), serializeProfile(WHOLE));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const asked = ASKED.map((call) => call.join(':'));

/** What the probe prints when it is started so. */
function answers(command: readonly string[]): string[] {
  const [name = '', ...args] = [...command, join(work, 'probe'), ...asked];
  const { status, stdout, stderr } = spawnSync(name, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name}: ${status} ${stdout} ${stderr}`);
  return stdout.trim().split('\n');
}

function byRun(): string[] {
  return answers([
    process.execPath,
    'dist/cli/main.js',
    'run',
    '--profile',
    join(work, 'app.json'),
    '--',
  ]);
}

/** Of the probe that waits under `command`: its whole stack of filters, oldest first. */
async function filtersUnder(command: readonly string[]): Promise<Buffer[]> {
  const probe = join(work, 'probe');
  const [name = '', ...args] = [...command, probe];
  const child = spawn(name, args, { stdio: 'ignore' });
  try {
    let pid = 0;
    await until('the probe', 20_000, () => {
      pid =
        readdirSync('/proc')
          .filter((entry) => /^\d+$/.test(entry))
          .map(Number)
          .find((one) => commandOf(one) === probe && isFiltered(one)) ?? 0;
      return pid !== 0;
    });
    const filters = dumpFilters(pid);
    process.kill(pid, 'SIGKILL');
    return filters;
  } finally {
    const ended =
      child.exitCode !== null ? null : new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
}

function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `${join(work, 'probe')}\0`
      ? join(work, 'probe')
      : null;
  } catch {
    return null;
  }
}

function isFiltered(pid: number): boolean {
  return /^Seccomp:\s+2$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

describe('bwrap --seccomp', () => {
  const script = (bpf: string): string[] => [
    ...['sh', '-c', 'file=$1; shift; exec bwrap --ro-bind / / --seccomp 9 -- "$@" 9<"$file"', 'sh'],
    bpf,
  ];

  withTool('bwrap', 'answers each call as sysieve run does', async () => {
    const { data } = await exported('bpf', WHOLE, { compiler });
    const bpf = join(work, 'app.bpf');
    writeFileSync(bpf, data);
    const wanted = byRun();
    expect(wanted).toHaveLength(ASKED.length);
    // Not only refusals, and not only passes.
    expect(new Set(wanted.map((line) => line.split(' ')[1])).size).toBeGreaterThan(3);
    expect(answers(script(bpf))).toEqual(wanted);
    const installed = policyOfPrograms(await filtersUnder(script(bpf)));
    const meant = policyOfProfile(WHOLE, { runtime: 'runc', machine: 'x86_64' });
    expect(equal(installed, meant)).toBe(true);
  });
});

describe('a C program with the header', () => {
  withTool('gcc', 'answers each call as sysieve run does', async () => {
    const { text } = await exported('c', WHOLE, { compiler });
    writeFileSync(join(work, 'app.h'), text);
    writeFileSync(
      join(work, 'load.c'),
      `#include <sys/prctl.h>
#include <linux/seccomp.h>
#include <unistd.h>
#include "app.h"
int main(int argc, char** argv) {
  if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 9;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &sysieve_app) != 0) return 8;
  execv(argv[1], argv + 1);
  return 7;
}
`,
    );
    const loader = join(work, 'load');
    execFileSync('gcc', ['-Wall', '-Werror', '-O1', join(work, 'load.c'), '-o', loader]);
    expect(answers([loader])).toEqual(byRun());
  });
});

describe('firejail', () => {
  withTool('firejail', 'installs filters that mean what the profile means', async () => {
    const { text } = await exported('firejail', PLAIN);
    const file = join(work, 'app.profile');
    writeFileSync(file, text);
    const installed = policyOfPrograms(
      await filtersUnder(['firejail', '--quiet', `--profile=${file}`]),
    );
    const found = differences(meaning(PLAIN), installed);
    // Calls in ABIs that the profile does not list are killed by runc, and get an errno here.
    const elsewhere = found.filter(
      ({ abi, before, after }) => abi !== 'x86_64' && !mayPass(before) && !mayPass(after),
    );
    // -1 and its like, which no program makes, are in no ABI.
    const rest = found
      .filter((one) => !elsewhere.includes(one))
      .filter(
        ({ first, before, after }) => first < 0x80000000 || mayPass(before) || mayPass(after),
      );
    expect(rest).toEqual([]);
    expect(elsewhere.some(({ arch }) => arch === auditArch('i386'))).toBe(true);
  });
});

describe('systemd', () => {
  withTool(
    '/lib/systemd/systemd',
    'its reader lists the calls that the profile permits',
    async () => {
      const home = join(work, 'home');
      const units = join(home, 'systemd', 'user');
      const profiles: Record<string, Profile> = {
        allow: PLAIN,
        deny: {
          architectures: PLAIN.architectures,
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [
            rule(['clone3'], { action: 'SCMP_ACT_ERRNO', errnoRet: 38 }),
            rule(['ptrace', 'mount'], { action: 'SCMP_ACT_KILL_PROCESS' }),
          ],
        },
      };
      for (const [name, profile] of Object.entries(profiles)) {
        const { text } = await exported('systemd', profile);
        mkdirSync(join(units, `${name}.service.d`), { recursive: true });
        writeFileSync(
          join(units, `${name}.service`),
          '[Service]\nExecStart=/bin/true\nSystemCallFilter=~read\n',
        );
        writeFileSync(join(units, `${name}.service.d`, 'seccomp.conf'), text);
      }
      const run = join(work, 'run');
      mkdirSync(run);
      execFileSync('chown', ['-R', 'nobody', run]);
      for (const [name, profile] of Object.entries(profiles)) {
        const { stdout, status } = spawnSync(
          'setpriv',
          [
            ...['--reuid=nobody', '--regid=nogroup', '--clear-groups', 'env', `HOME=${home}`],
            ...[`XDG_CONFIG_HOME=${home}`, `XDG_RUNTIME_DIR=${run}`],
            ...['/lib/systemd/systemd', '--user', '--test', `--unit=${name}.service`],
          ],
          { encoding: 'utf8', maxBuffer: 1 << 26 },
        );
        expect(status).toBe(0);
        const dump = stdout.slice(stdout.indexOf(`-> Unit ${name}.service`));
        const setting = (key: string): string =>
          new RegExp(`^\\s*${key}: (.*)$`, 'm').exec(dump)?.[1]?.trim() ?? '';
        expect(setting('SystemCallArchitectures')).toBe('x86-64');
        expect(equal(meaning(dumped(setting)), meaning(profile))).toBe(true);
      }
    },
  );
});

describe('a log of strace', () => {
  withTool('strace', 'makes a profile under which the command runs as before', async () => {
    const [log, recording, profile] = ['log', 'log.json', 'log-profile.json'].map((name) =>
      join(work, name),
    ) as [string, string, string];
    const command = ['sh', '-c', 'ls / | wc -l; id -u'];
    const printed = execFileSync('strace', ['-f', '-n', '-e', 'raw=all', '-o', log, ...command], {
      encoding: 'utf8',
    });
    const sysieve = (...args: string[]) =>
      spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
    const minimise = () =>
      sysieve('minimise', recording, '-o', profile, '--runtime', 'sysieve').status;
    expect(sysieve('import', '--from', 'strace', log, '-o', recording).status).toBe(0);
    expect(minimise()).toBe(5);
    const made = sysieve('import', '--from', 'strace', log, '-o', recording, '--unfiltered');
    expect(made.status).toBe(0);
    expect(minimise()).toBe(0);
    const { stdout, status } = sysieve('run', '--profile', profile, '--', ...command);
    expect({ stdout, status }).toEqual({ stdout: printed, status: 0 });
    const read = parseProfile(readFileSync(profile, 'utf8'), profile);
    expect(read.syscalls.some(({ names, args }) => names.includes('mmap') && args.length > 0)).toBe(
      true,
    );
  });
});

/** As exec_context_dump writes it: `~` in front of what is denied, an errno behind a colon. */
function dumped(setting: (key: string) => string): Profile {
  const filter = setting('SystemCallFilter');
  const denies = filter.startsWith('~');
  const words = filter
    .replace(/^~/, '')
    .split(' ')
    .filter((word) => word !== '');
  const byDefault = setting('SystemCallErrorNumber');
  const errno = byDefault === 'kill' ? null : errnoNumber(byDefault);
  const answer = (word: string | undefined) => {
    if (word === undefined) return rule([]);
    if (word === 'kill') return rule([], { action: 'SCMP_ACT_KILL_PROCESS' });
    return rule([], { action: 'SCMP_ACT_ERRNO', errnoRet: errnoNumber(word) ?? Number(word) });
  };
  return {
    defaultAction: denies
      ? 'SCMP_ACT_ALLOW'
      : errno === null
        ? 'SCMP_ACT_KILL_PROCESS'
        : 'SCMP_ACT_ERRNO',
    ...(denies || errno === null ? {} : { defaultErrnoRet: errno }),
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: words.map((word) => {
      const [name = '', after] = word.split(':');
      return { ...answer(after), names: [name] };
    }),
  };
}

describe('the command', () => {
  const sysieve = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });

  it('writes a program that is the one of a committed profile', () => {
    const out = join(work, 'nginx.bpf');
    expect(sysieve('export', 'profiles/nginx.json', '--to', 'bpf', '-o', out).status).toBe(0);
    const nginx = parseProfile(readFileSync('profiles/nginx.json', 'utf8'), 'nginx.json');
    const meant = policyOfProfile(nginx, { runtime: 'runc', machine: 'x86_64' });
    expect(equal(policyOfPrograms([readFileSync(out)]), meant)).toBe(true);
  });

  it('refuses what a format cannot say, and says what it widens', () => {
    const out = join(work, 'nginx.conf');
    const groups = ['--systemd-groups', 'fixtures/logs/systemd-252-syscall-filter.txt'];
    const to = ['export', 'profiles/nginx.json', '--to', 'systemd', ...groups, '-o', out];
    const refused = sysieve(...to, '--json');
    expect(refused.status).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'export-unsayable' } });
    const widened = sysieve(...to, '--drop-arguments');
    expect(widened.status).toBe(0);
    expect(widened.stderr).toMatch(/^widened: \w+ passes with all arguments/m);
    const back = sysieve('import', out, '--from', 'systemd', ...groups, '-o', '-');
    expect(back.status).toBe(0);
    expect(parseProfile(back.stdout, 'back').defaultAction).toBe('SCMP_ACT_ERRNO');
  });

  it('has no word by which an audit log would be complete', () => {
    const run = sysieve('import', '/dev/null', '--from', 'audit', '--unfiltered', '-o', '-');
    expect(run.status).toBe(2);
  });
});
