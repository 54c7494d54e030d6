/** `sysieve run` as users start it. Needs busybox and script(1); the comparison with runc, root. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compile, evaluate } from '../../src/libseccomp/index';
import { ProfileSchema } from '../../src/profile/schema';

const CLI = resolve(__dirname, '..', '..', 'dist', 'cli', 'main.js');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sysieve-run-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
}

let files = 0;
function profile(defaultAction: string, ...syscalls: Rule[]): string {
  const path = join(dir, `profile${files++}.json`);
  writeFileSync(path, JSON.stringify({ defaultAction, syscalls }));
  return path;
}
const allow = (...names: string[]): Rule => ({ names, action: 'SCMP_ACT_ALLOW' });
const ALLOW_ALL = () => profile('SCMP_ACT_ALLOW');

function sysieve(args: string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    input,
    encoding: 'utf8',
    timeout: 180_000,
  });
  return { status, stdout, stderr };
}
const run = (file: string, ...command: string[]) =>
  sysieve(['run', '--profile', file, '--', ...command]);

describe('a command under a profile', () => {
  it('has its own stdin, stdout, stderr and exit code', () => {
    const command = ['sh', '-c', 'cat; echo problem >&2; exit 5'];
    const result = sysieve(['run', '--profile', ALLOW_ALL(), '--', ...command], 'text');
    expect(result).toEqual({ status: 5, stdout: 'text', stderr: 'problem\n' });
  });

  it('keeps the options behind it, with or without --', () => {
    const file = ALLOW_ALL();
    const command = ['echo', '--profile', 'x', '--help', '--json'];
    expect(run(file, ...command).stdout).toBe('--profile x --help --json\n');
    expect(sysieve(['run', '--profile', file, ...command]).stdout).toBe(
      '--profile x --help --json\n',
    );
  });

  it('is refused what the profile refuses', () => {
    const file = profile('SCMP_ACT_ALLOW', {
      names: ['mkdir', 'mkdirat'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 13,
    });
    const target = join(dir, 'made');
    const result = run(file, 'busybox', 'mkdir', target);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('Permission denied');
    expect(existsSync(target)).toBe(false);
    expect(run(ALLOW_ALL(), 'busybox', 'mkdir', target).status).toBe(0);
  });

  it('cannot gain privileges', () => {
    const result = run(ALLOW_ALL(), 'grep', '-E', '^(NoNewPrivs|Seccomp):', '/proc/self/status');
    expect(result.stdout).toBe('NoNewPrivs:\t1\nSeccomp:\t2\n');
  });

  it('killed by the filter ends with 128 + SIGSYS and a reason', () => {
    const file = profile('SCMP_ACT_ALLOW', { names: ['sync'], action: 'SCMP_ACT_KILL_PROCESS' });
    const result = run(file, 'busybox', 'sync');
    expect(result.status).toBe(159);
    expect(result.stderr).toMatch(/^sysieve: .*killed by SIGSYS.*KILL or TRAP/);
  });

  it('runs under a minimal profile and default-deny', () => {
    // What a static busybox true needs, found with strace; anything else is EPERM.
    const names = ['execve', 'brk', 'set_tid_address', 'set_robust_list', 'rseq', 'prlimit64'];
    const more = ['readlink', 'readlinkat', 'getrandom', 'mprotect', 'exit_group', 'arch_prctl'];
    const file = profile('SCMP_ACT_ERRNO', allow(...names, ...more, 'getuid', 'prctl'));
    expect(run(file, 'busybox', 'true')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(run(file, 'busybox', 'ls', '/').status).not.toBe(0);
  });

  it('takes the profile from standard input', () => {
    const text = readFileSync(
      profile('SCMP_ACT_ALLOW', { names: ['sync'], action: 'SCMP_ACT_KILL_PROCESS' }),
      'utf8',
    );
    expect(sysieve(['run', '--profile', '-', '--', 'busybox', 'sync'], text).status).toBe(159);
    expect(sysieve(['run', '--profile', '-', '--', 'busybox', 'true'], text).status).toBe(0);
  });

  it('names the syscalls that libseccomp does not know', () => {
    const file = profile('SCMP_ACT_ALLOW', allow('zz_none', 'read', 'aa_none\u001b[31m'));
    const result = run(file, 'true');
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(/libseccomp \d+\.\d+\.\d+ .*: aa_none\\u001b\[31m, zz_none$/m);
  });
});

describe('what cannot be run', () => {
  const denies = profileWithoutExecve;
  it.each([
    ['no command', () => ['--profile', ALLOW_ALL(), '--'], 2, /no command/],
    ['no profile', () => ['--', 'true'], 2, /--profile/],
    ['an unknown command', () => ['--profile', ALLOW_ALL(), 'sysieve-none'], 2, /not found.*PATH/s],
    ['a directory', () => ['--profile', ALLOW_ALL(), '/etc'], 2, /cannot execute "\/etc"/],
    ['no such profile', () => ['--profile', join(dir, 'none'), 'true'], 3, /none/],
    ['nonsense', () => ['--profile', nonsense(), 'true'], 3, /nonsense\.json:1/],
    ['a profile without execve', () => ['--profile', denies(), 'true'], 3, /--runtime sysieve/],
    ['a profile that asks a listener', () => ['--profile', notify(), 'true'], 3, /no listener/],
    ['too many rules', () => ['--profile', long(), 'true'], 3, /\d{4,} instructions/],
  ])('%s', (_what, args, status, message) => {
    const result = sysieve(['run', ...args()]);
    expect(result.stderr).toMatch(message);
    expect([result.status, result.stdout]).toEqual([status, '']);
  });

  it('tells why the start failed although the filter lets the launcher say nothing', () => {
    const path = join(dir, 'script');
    writeFileSync(path, '#!/nonexistent/interpreter\n');
    chmodSync(path, 0o755);
    const result = run(profile('SCMP_ACT_KILL_PROCESS', allow('execve')), path);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/not found.*execve: ENOENT.*interpreter/s);
  });

  function profileWithoutExecve(): string {
    return profile('SCMP_ACT_ERRNO', allow('read', 'write'));
  }
  function notify(): string {
    return profile('SCMP_ACT_ALLOW', { names: ['sync'], action: 'SCMP_ACT_NOTIFY' });
  }
  function nonsense(): string {
    const path = join(dir, 'nonsense.json');
    writeFileSync(path, '{"defaultAction": 7');
    return path;
  }
  function long(): string {
    const path = join(dir, 'long.json');
    const syscalls = Array.from({ length: 3000 }, (_, value) => ({
      names: ['ioctl'],
      action: 'SCMP_ACT_ERRNO',
      args: [{ index: 1, op: 'SCMP_CMP_EQ', value: value * 2 ** 32 }],
    }));
    writeFileSync(path, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }));
    return path;
  }
});

describe('signals', () => {
  function start(script: string): { child: ChildProcess; ready: Promise<void> } {
    const args = [CLI, 'run', '--profile', ALLOW_ALL(), '--', 'sh', '-c', script];
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ready = new Promise<void>((done) => child.stdout?.once('data', () => done()));
    return { child, ready };
  }
  const ended = (child: ChildProcess) =>
    new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));

  it.each([
    ['SIGINT', 2],
    ['SIGQUIT', 3],
    ['SIGHUP', 1],
    ['SIGTERM', 15],
  ] as const)('%s reaches the command, whose own status counts', async (signal, number) => {
    const loop = 'while :; do sleep 0.02; done';
    const caught = start(`trap 'exit 9' ${number}; echo ready; ${loop}`);
    await caught.ready;
    const first = ended(caught.child);
    caught.child.kill(signal);
    expect(await first).toEqual({ code: 9, signal: null });

    const fatal = start(`trap - ${number}; echo ready; ${loop}`);
    await fatal.ready;
    const second = ended(fatal.child);
    fatal.child.kill(signal);
    expect(await second).toEqual({ code: 128 + number, signal: null });
  });

  it("a terminal's Ctrl-C arrives once", async () => {
    const command = `n=0; trap 'n=$((n+1))' INT; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; echo count=$n`;
    const path = join(dir, 'count.sh');
    writeFileSync(path, command);
    const line = [process.execPath, CLI, 'run', '--profile', ALLOW_ALL(), '--', 'sh', path].join(
      ' ',
    );
    const script = spawn('script', ['-qec', line, '/dev/null'], { stdio: 'pipe' });
    let out = '';
    script.stdout.on('data', (chunk) => {
      if (!out.includes('ready') && `${out}${chunk}`.includes('ready')) script.stdin.write('\x03');
      out += chunk;
    });
    await ended(script);
    expect(out).toContain('count=1');
  });
});

/** Prints the newest filter of a process, one instruction a line, as hexadecimal bytes. */
const DUMP = `
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif
int main(int argc, char **argv) {
  pid_t pid = atoi(argv[1]);
  static struct sock_filter code[4096];
  if (ptrace(PTRACE_ATTACH, pid, 0, 0) != 0) return 1;
  waitpid(pid, 0, 0);
  long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0L, code);
  ptrace(PTRACE_DETACH, pid, 0, 0);
  if (count < 0) return 2;
  for (long i = 0; i < count * 8; i++) printf("%02x", ((unsigned char *)code)[i]);
  return 0;
}`;

const hasRunc = process.getuid?.() === 0 && spawnSync('runc', ['--version']).status === 0;

// Skipped, not passed, where there is no runc or no root to start a container with.
(hasRunc ? describe : describe.skip)('compared with what runc installs', () => {
  let dump: string;
  beforeAll(() => {
    dump = join(dir, 'dump');
    writeFileSync(`${dump}.c`, DUMP);
    execFileSync('gcc', ['-o', dump, `${dump}.c`], { stdio: 'pipe' });
  });

  /** runc 1.0 and 1.1 answer ENOSYS only for the ABIs that a profile lists. */
  function olderRunc(): boolean {
    return /^runc version 1\.[01]\./.test(execFileSync('runc', ['--version']).toString());
  }

  function installedByRunc(seccomp: object): Buffer {
    const bundle = mkdtempSync(join(dir, 'bundle-'));
    const root = join(bundle, 'rootfs');
    const id = `sysieve-${process.pid}-${bundle.slice(-6)}`;
    const runc = (...args: string[]) =>
      execFileSync('runc', ['--root', join(bundle, 'state'), ...args], {
        cwd: bundle,
        stdio: ['ignore', 'pipe', 'inherit'],
        encoding: 'utf8',
      });
    execFileSync('mkdir', ['-p', join(root, 'bin')]);
    execFileSync('cp', [execFileSync('which', ['busybox']).toString().trim(), join(root, 'bin')]);
    runc('spec');
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    config.process.terminal = false;
    config.process.args = ['/bin/busybox', 'sleep', '60'];
    const left = ['network', 'cgroup'];
    config.linux.namespaces = config.linux.namespaces.filter(
      ({ type }: { type: string }) => !left.includes(type),
    );
    config.linux.seccomp = seccomp;
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    // With --detach runc hands its own descriptors to the container: not a pipe we wait on.
    execFileSync('runc', ['--root', join(bundle, 'state'), 'run', '--detach', id], {
      cwd: bundle,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      const { pid } = JSON.parse(runc('state', id));
      return Buffer.from(execFileSync(dump, [String(pid)]).toString(), 'hex');
    } finally {
      runc('delete', '--force', id);
    }
  }

  const ARGS = [0n, 1n, 2n, 16n, 0xffffffffn, 0x100000002n, 0xffffffffffffffffn];
  const deny = (names: string[], errnoRet: number, args: object[] = []) => ({
    names,
    action: 'SCMP_ACT_ERRNO',
    errnoRet,
    args,
  });
  const equals = (index: number, value: number) => ({ index, op: 'SCMP_CMP_EQ', value });
  const everything = {
    // Late numbers left out, so that the ENOSYS answer has something to answer.
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      allow(
        ...'read write close mmap munmap mprotect brk execve exit exit_group wait4 fstat open'.split(
          ' ',
        ),
        ...'openat stat lstat poll lseek ioctl access pipe select dup dup2 nanosleep getpid'.split(
          ' ',
        ),
        ...'rt_sigaction rt_sigprocmask rt_sigreturn set_tid_address set_robust_list rseq'.split(
          ' ',
        ),
        ...'prlimit64 readlink getrandom arch_prctl futex capset setuid setgid setgroups'.split(
          ' ',
        ),
        ...'chdir fchdir getdents64 newfstatat epoll_pwait epoll_ctl prctl statfs fstatfs fcntl getcwd pread64 madvise uname faccessat sched_yield'.split(
          ' ',
        ),
        ...'getppid clock_nanosleep tgkill sigaltstack gettid getuid clock_nanosleep'.split(' '),
        'unknown_to_everyone',
      ),
      { ...allow('socket'), args: [equals(0, 1), equals(1, 2)] },
      { ...allow('socket'), args: [equals(0, 2), equals(0, 16)] },
      deny(['clone3'], 38),
      deny(['kill'], 1),
    ],
  };
  const X86 = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

  it.each([
    ['three ABIs, over 32 names', { ...everything, architectures: X86 }],
    ['one ABI', { ...everything, architectures: X86.slice(0, 1) }],
    ['only a foreign ABI', { ...everything, architectures: X86.slice(1, 2) }],
    ['no ABI', everything],
    [
      'allowing, few names',
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: X86,
        syscalls: [deny(['mkdir', 'ptrace'], 13), deny(['ioctl'], 22, [equals(1, 2)])],
      },
    ],
  ])(
    '%s',
    (_what, seccomp) => {
      const installed = installedByRunc(seccomp);
      const parsed = ProfileSchema.parse(seccomp);
      const ours = compile(parsed, {
        enosys: olderRunc() ? 'listed' : 'listed-and-native',
      }).program;
      // libseccomp's part byte for byte, as a list with runc < 1.2; the ENOSYS part by its meaning.
      const layouts = (['list', 'tree'] as const).map(
        (layout) => compile(parsed, { enosys: false, layout }).program,
      );
      expect(layouts.some((program) => installed.subarray(-program.length).equals(program))).toBe(
        true,
      );
      const answers = (program: Buffer): number[] => {
        const all: number[] = [];
        for (const arch of [0xc000003e, 0x40000003, 0xc00000b7]) {
          for (const base of [0, 0x40000000, 0x80000000, 0xfffffe00]) {
            for (let nr = 0; nr < 600; nr++) {
              if (base + nr > 0xffffffff) break;
              for (const value of ARGS) {
                const args = [value, value, 0n, 0n, 0n, 0n];
                all.push(evaluate(program, { arch, nr: base + nr, args }).action);
              }
            }
          }
        }
        return all;
      };
      expect(answers(ours)).toEqual(answers(installed));
    },
    60_000,
  );
});
