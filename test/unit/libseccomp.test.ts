/**
 * Compiled profiles against the running kernel: small C programs, built here, run under them.
 * `evaluate` is held to the same answers. Needs gcc; the 32-bit program gcc-multilib.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { type ExitStatus, startStopped } from '../../src/capture/launch';
import type { SysieveError } from '../../src/errors/index';
import {
  ACTIONS,
  type CompileOptions,
  compile,
  evaluate,
  nativeArchitecture,
  resolve,
  version,
} from '../../src/libseccomp/index';
import type { Profile } from '../../src/profile/index';
import { ProfileSchema } from '../../src/profile/schema';
import { testOf32Bit } from '../support/abis';

type Draft = z.input<typeof ProfileSchema>;
type Conditions = NonNullable<NonNullable<Draft['syscalls']>[number]['args']>;
type Operator = Conditions[number]['op'];
type Architectures = NonNullable<Draft['architectures']>;
const oci = (draft: Draft): Profile => ProfileSchema.parse(draft);

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const GETPPID = 110;
const errno = (number: number): number => ACTIONS.SCMP_ACT_ERRNO | number;

/** Calls getppid with each pair of argument values; one character each: passed or denied. */
const PAIRS = `
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (int i = 2; i + 1 < argc; i += 2) {
    unsigned long first = strtoul(argv[i], 0, 10), last = strtoul(argv[i + 1], 0, 10);
    long result = syscall(SYS_getppid, first, 0, 0, 0, 0, last);
    if (write(out, result < 0 ? "-" : "+", 1) != 1) return 1;
  }
  return 0;
}`;

/** Makes one call without libc, before it execve(nothing), and exits with its errno. */
const ONE_CALL = `
#ifdef __i386__
#define EXIT_GROUP 252
static long call(long nr, long a) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a) : "memory");
  return r;
}
#else
#define EXIT_GROUP 231
static long call(long nr, long a) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a) : "rcx", "r11", "memory");
  return r;
}
static long call32(long nr) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(0) : "r8", "r9", "r10", "r11", "memory");
  return r;
}
#endif
#ifndef CALL
#define CALL call
#define ARG , 0
#else
#define ARG
#endif
void _start(void) {
  long r = CALL(NR ARG);
  for (;;) call(EXIT_GROUP, r < 0 ? -r : 0);
}`;

/** Catches the SIGSYS of SCMP_ACT_TRAP and exits 7 if it names getppid. */
const TRAPPED = `
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
static void caught(int s, siginfo_t *info, void *c) { _exit(info->si_syscall == SYS_getppid ? 7 : 8); }
int main(void) {
  struct sigaction a = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &a, 0);
  syscall(SYS_getppid);
  return 0;
}`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sysieve-libseccomp-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let built = 0;
function build(source: string, ...flags: string[]): string {
  const path = join(dir, `program${built++}`);
  writeFileSync(`${path}.c`, source);
  execFileSync('gcc', ['-O1', '-static', ...flags, '-o', path, `${path}.c`], { stdio: 'pipe' });
  return path;
}
const FREESTANDING = ['-nostdlib', '-ffreestanding', '-fno-stack-protector'];
const oneCall = (nr: number, ...flags: string[]): string =>
  build(ONE_CALL, ...FREESTANDING, `-DNR=${nr}`, ...flags);

async function runUnder(
  profile: Profile,
  command: string[],
  options?: CompileOptions,
): Promise<ExitStatus> {
  const { program, flags } = compile(profile, options);
  const launched = await startStopped(command, { filter: program, filterFlags: flags });
  launched.go();
  const status = await launched.exited;
  expect(launched.failure()).toBeNull();
  return status;
}

const SYSCALL_DEATH: ExitStatus = { code: null, signal: 'SIGSYS' };
const exit = (code: number): ExitStatus => ({ code, signal: null });

const deny = (args: Conditions = [], rest: Partial<Draft> = {}): Profile =>
  oci({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['getppid'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args }],
    ...rest,
  });

const allowOnly = (names: string[], rest: Partial<Draft> = {}): Profile =>
  oci({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
    ...rest,
  });

function failure(profile: Profile): SysieveError {
  try {
    compile(profile);
  } catch (error) {
    return error as SysieveError;
  }
  throw new Error('it compiled');
}

describe('names', () => {
  it('reads the version of the library that is loaded', () => {
    const header = execFileSync('gcc', [
      '-dM',
      '-E',
      '-include',
      'seccomp.h',
      '-x',
      'c',
      '/dev/null',
    ])
      .toString()
      .match(/SCMP_VER_(MAJOR|MINOR|MICRO)\s+\d+/g);
    const [major, micro, minor] = (header ?? []).sort().map((line) => line.split(/\s+/)[1]);
    expect(version()).toBe(`${major}.${minor}.${micro}`);
  });

  it.each([
    ['read', 'SCMP_ARCH_X86_64', 0],
    ['read', 'SCMP_ARCH_X86', 3],
    ['read', 'SCMP_ARCH_X32', 0x40000000],
    ['clone3', 'SCMP_ARCH_AARCH64', 435],
    ['socketcall', 'SCMP_ARCH_X86', 102],
    ['socketcall', 'SCMP_ARCH_X86_64', null],
    ['sysieve_no_such_call', 'SCMP_ARCH_X86_64', null],
  ])('%s on %s is %s', (name, arch, number) => {
    expect(resolve(name, arch)).toBe(number);
  });

  it('knows the machine', () => {
    expect(nativeArchitecture()).toMatchObject({ audit: X86_64, x32: false });
  });

  it('reports unknown names and compiles the rest', async () => {
    const profile = oci({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['zz_unknown', 'getppid', 'aa_unknown'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
        { names: ['aa_unknown'], action: 'SCMP_ACT_ALLOW' },
      ],
    });
    expect(compile(profile).skipped).toEqual(['aa_unknown', 'zz_unknown']);
    expect(await runUnder(profile, [oneCall(GETPPID)])).toEqual(exit(13));
  });
});

describe('actions', () => {
  const actions = (action: Profile['defaultAction'], errnoRet?: number): Profile =>
    deny([], {
      syscalls: [{ names: ['getppid'], action, ...(errnoRet === undefined ? {} : { errnoRet }) }],
    });

  it.each([
    ['SCMP_ACT_ALLOW', undefined, exit(0)],
    ['SCMP_ACT_LOG', undefined, exit(0)],
    ['SCMP_ACT_ERRNO', undefined, exit(1)],
    ['SCMP_ACT_ERRNO', 0, exit(0)],
    ['SCMP_ACT_ERRNO', 38, exit(38)],
    // The kernel's answer to TRACE without a tracer.
    ['SCMP_ACT_TRACE', undefined, exit(38)],
    ['SCMP_ACT_TRAP', undefined, SYSCALL_DEATH],
    ['SCMP_ACT_KILL', undefined, SYSCALL_DEATH],
    ['SCMP_ACT_KILL_THREAD', undefined, SYSCALL_DEATH],
    ['SCMP_ACT_KILL_PROCESS', undefined, SYSCALL_DEATH],
  ] as const)('%s with errno %s', async (action, errnoRet, expected) => {
    expect(await runUnder(actions(action, errnoRet), [oneCall(GETPPID)])).toEqual(expected);
  });

  it('TRAP names the call to a handler', async () => {
    expect(await runUnder(actions('SCMP_ACT_TRAP'), [build(TRAPPED)])).toEqual(exit(7));
  });

  it.each([
    ['an errno beyond 16 bits', actions('SCMP_ACT_ERRNO', 65536), 'profile-not-compilable'],
    ['NOTIFY by default', deny([], { defaultAction: 'SCMP_ACT_NOTIFY' }), 'profile-not-compilable'],
    [
      'NOTIFY on write',
      deny([], { syscalls: [{ names: ['write'], action: 'SCMP_ACT_NOTIFY' }] }),
      'profile-not-compilable',
    ],
    [
      'an architecture beyond this libseccomp',
      { ...deny(), architectures: ['SCMP_ARCH_PDP11'] },
      'architecture-unknown',
    ],
    [
      'an architecture of the other byte order',
      deny([], { architectures: ['SCMP_ARCH_S390X'] }),
      'architectures-incompatible',
    ],
    [
      'a flag that needs a listener',
      deny([], { flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }),
      'profile-not-compilable',
    ],
    [
      'a rule that libseccomp refuses',
      {
        ...deny(),
        syscalls: deny([{ index: 0, op: 'SCMP_CMP_EQ', value: 0 }]).syscalls.map((rule) => ({
          ...rule,
          args: rule.args.map((condition) => ({ ...condition, index: 6 })),
        })),
      },
      'rule-refused',
    ],
  ] as [string, Profile, string][])('refuses %s', (_what, profile, code) => {
    expect(failure(profile)).toMatchObject({ kind: 'input', code });
  });

  it('passes on the flags that runc knows', () => {
    const flags: Draft['flags'] = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'];
    expect(compile(deny([], { flags })).flags).toBe(2);
    expect(compile(deny()).flags).toBe(0);
  });
});

describe('argument conditions', () => {
  const EDGES = [
    0n,
    1n,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    0x100000000n,
    0x100000001n,
    0x7fffffffffffffffn,
    0x8000000000000000n,
    0xfffffffffffffffen,
    0xffffffffffffffffn,
  ];
  const HOLDS: Record<Operator, (argument: bigint, value: bigint, two: bigint) => boolean> = {
    SCMP_CMP_NE: (a, v) => a !== v,
    SCMP_CMP_LT: (a, v) => a < v,
    SCMP_CMP_LE: (a, v) => a <= v,
    SCMP_CMP_EQ: (a, v) => a === v,
    SCMP_CMP_GE: (a, v) => a >= v,
    SCMP_CMP_GT: (a, v) => a > v,
    SCMP_CMP_MASKED_EQ: (a, v, two) => (a & v) === two,
  };

  let pairs: string;
  beforeAll(() => {
    pairs = build(PAIRS);
  });

  /** One character per pair of argument 0 and 5, as the kernel and as evaluate answer. */
  async function answers(profile: Profile, values: [bigint, bigint][], options?: CompileOptions) {
    const out = join(dir, 'out');
    const command = [pairs, out, ...values.flat().map(String)];
    expect(await runUnder(profile, command, options)).toEqual(exit(0));
    const { program } = compile(profile, options);
    const evaluated = values.map(([first, last]) => {
      const args = [first, 0n, 0n, 0n, 0n, last];
      const { action } = evaluate(program, { arch: X86_64, nr: GETPPID, args });
      return action === ACTIONS.SCMP_ACT_ALLOW ? '+' : '-';
    });
    const kernel = readFileSync(out, 'utf8');
    expect(evaluated.join('')).toBe(kernel);
    return kernel;
  }
  const grid = EDGES.flatMap((a) => EDGES.map((b): [bigint, bigint] => [a, b]));
  const expected = (values: [bigint, bigint][], denied: (a: bigint, b: bigint) => boolean) =>
    values.map(([a, b]) => (denied(a, b) ? '-' : '+')).join('');

  it.each(Object.keys(HOLDS) as Operator[])('%s compares all 64 bits at every edge', async (op) => {
    const holds = HOLDS[op];
    const values = EDGES.map((a): [bigint, bigint] => [a, 0n]);
    for (const value of EDGES) {
      // A masked comparison with bits beyond the mask never holds, in libseccomp as in the model.
      const valueTwo = value & 0xffffffff00000000n;
      const profile = deny([{ index: 0, op, value, valueTwo }]);
      expect(await answers(profile, values)).toBe(
        expected(values, (a) => holds(a, value, valueTwo)),
      );
    }
  });

  it('ANDs the conditions of one entry on different arguments', async () => {
    const profile = deny([
      { index: 0, op: 'SCMP_CMP_GE', value: 0x100000000n },
      { index: 5, op: 'SCMP_CMP_NE', value: 0xffffffffffffffffn },
    ]);
    for (const layout of ['list', 'tree'] as const) {
      expect(await answers(profile, grid, { layout })).toBe(
        expected(grid, (a, b) => a >= 0x100000000n && b !== 0xffffffffffffffffn),
      );
    }
  });

  it('ORs every condition of an entry that names an argument twice, as runc', async () => {
    const profile = deny([
      { index: 0, op: 'SCMP_CMP_EQ', value: 1n },
      { index: 0, op: 'SCMP_CMP_GT', value: 0x8000000000000000n },
      { index: 5, op: 'SCMP_CMP_EQ', value: 0n },
    ]);
    expect(await answers(profile, grid)).toBe(
      expected(grid, (a, b) => a === 1n || a > 0x8000000000000000n || b === 0n),
    );
  });

  it('ORs entries', async () => {
    const profile = deny([{ index: 0, op: 'SCMP_CMP_EQ', value: 1n }]);
    const second = deny([{ index: 5, op: 'SCMP_CMP_LT', value: 2n }]);
    profile.syscalls.push(...second.syscalls);
    expect(await answers(profile, grid)).toBe(expected(grid, (a, b) => a === 1n || b < 2n));
  });
});

describe('architectures', () => {
  const GETPID_I386 = 20;
  const MKDIR_I386 = 39;
  const denyMkdir = (...architectures: Architectures): Profile =>
    oci({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures,
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }],
    });

  testOf32Bit('kills a call in an ABI that is not listed, whatever the default', async () => {
    const program = oneCall(GETPID_I386, '-DCALL=call32');
    expect(await runUnder(denyMkdir('SCMP_ARCH_X86_64'), [program])).toEqual(SYSCALL_DEATH);
    expect(await runUnder(denyMkdir(), [program])).toEqual(SYSCALL_DEATH);
    const both = denyMkdir('SCMP_ARCH_X86_64', 'SCMP_ARCH_X86');
    expect(await runUnder(both, [program])).toEqual(exit(0));
  });

  testOf32Bit('applies a rule by the number it has in each ABI', async () => {
    const both = denyMkdir('SCMP_ARCH_X86_64', 'SCMP_ARCH_X86');
    expect(await runUnder(both, [oneCall(MKDIR_I386, '-DCALL=call32')])).toEqual(exit(13));
    // 39 is getpid to x86_64.
    expect(await runUnder(both, [oneCall(MKDIR_I386)])).toEqual(exit(0));
  });

  testOf32Bit('runs a 32-bit program under a profile that lists only its ABI', async () => {
    const program = oneCall(MKDIR_I386, '-m32');
    expect(await runUnder(denyMkdir('SCMP_ARCH_X86'), [program])).toEqual(exit(13));
    expect(await runUnder(denyMkdir('SCMP_ARCH_X86_64'), [program])).toEqual(SYSCALL_DEATH);
  });

  it('keeps the native one unless told otherwise', () => {
    const call = { arch: X86_64, nr: GETPPID };
    const i386 = denyMkdir('SCMP_ARCH_X86');
    expect(evaluate(compile(i386).program, call).action).toBe(ACTIONS.SCMP_ACT_ALLOW);
    const { program } = compile(i386, { native: 'listed' });
    expect(evaluate(program, call).action).toBe(ACTIONS.SCMP_ACT_KILL_THREAD);
    expect(evaluate(program, { arch: I386, nr: GETPID_I386 }).action).toBe(ACTIONS.SCMP_ACT_ALLOW);
  });
});

describe('the ENOSYS answer', () => {
  // exit_group is the largest of them on x86_64 (231) and i386 (252), execve (520) on x32.
  const minimal = ['execve', 'exit_group'];

  it('is given above the largest named number, the default errno below it', async () => {
    const profile = allowOnly(minimal);
    expect(await runUnder(profile, [oneCall(1000)])).toEqual(exit(38));
    expect(await runUnder(profile, [oneCall(232)])).toEqual(exit(38));
    expect(await runUnder(profile, [oneCall(230)])).toEqual(exit(1));
    expect(await runUnder(profile, [oneCall(1000)], { enosys: false })).toEqual(exit(1));
  });

  it('is not given where runc gives none', async () => {
    const unlisted = allowOnly(minimal, { architectures: [] });
    const listed = { enosys: 'listed' } as const;
    expect(await runUnder(unlisted, [oneCall(1000)], listed)).toEqual(exit(1));
    // From runc 1.2 on the native architecture counts as listed.
    expect(await runUnder(unlisted, [oneCall(1000)])).toEqual(exit(38));
    for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const) {
      const profile = allowOnly(minimal, { defaultAction });
      expect(compile(profile).program).toEqual(compile(profile, { enosys: false }).program);
    }
    // read is 0 on x86_64: to runc as good as no number.
    const answer = evaluate(compile(allowOnly(['read'])).program, { arch: X86_64, nr: 1000 });
    expect(answer.action).toBe(errno(1));
  });

  it.each([
    [['SCMP_ARCH_X86_64'], 'named', 'killed', 'killed'],
    [['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'], 'named', 'named', 'killed'],
    [['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'], 'named', 'killed', 'named'],
    [['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'], 'named', 'named', 'named'],
    // The native ABI is in the filter but, not being listed, without the answer.
    [['SCMP_ARCH_X86', 'SCMP_ARCH_X32'], 'plain', 'named', 'named'],
  ])('%s: x86_64 %s, i386 %s, x32 %s', (architectures, ...kinds) => {
    const profile = allowOnly(minimal, { architectures: architectures as Architectures });
    const { program } = compile(profile, { enosys: 'listed' });
    const abis = [
      { arch: X86_64, base: 0, largest: 231 },
      { arch: I386, base: 0, largest: 252 },
      { arch: X86_64, base: 0x40000000, largest: 520 },
    ];
    abis.forEach(({ arch, base, largest }, index) => {
      const at = (nr: number) => evaluate(program, { arch, nr: base + nr }).action;
      const killed = kinds[index] === 'killed';
      expect(at(largest)).toBe(killed ? ACTIONS.SCMP_ACT_KILL_THREAD : ACTIONS.SCMP_ACT_ALLOW);
      const above = kinds[index] === 'named' ? errno(38) : errno(1);
      expect(at(largest + 1)).toBe(killed ? ACTIONS.SCMP_ACT_KILL_THREAD : above);
      expect(at(largest - 1)).toBe(killed ? ACTIONS.SCMP_ACT_KILL_THREAD : errno(1));
    });
    // -1, a call skipped by a tracer, has x32's bit, and libseccomp does not kill it for that.
    const minusOne = architectures.includes('SCMP_ARCH_X32') ? errno(38) : errno(1);
    expect(evaluate(program, { arch: X86_64, nr: 0xffffffff }).action).toBe(minusOne);
  });
});

describe('the program', () => {
  const every = (count: number): Profile =>
    oci({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: Array.from({ length: count }, (_, index) => ({
        names: ['getppid'],
        action: 'SCMP_ACT_ERRNO',
        args: [{ index: 0, op: 'SCMP_CMP_EQ', value: BigInt(index) << 32n }],
      })),
    });

  it('is refused beyond what the kernel takes', () => {
    expect(failure(every(3000))).toMatchObject({ kind: 'input', code: 'filter-too-long' });
    expect(failure(every(3000)).message).toMatch(/\d{4} instructions.* 4096/);
  });

  it('means the same as a list and as a tree', () => {
    const some = ['read', 'open', 'stat', 'poll', 'mmap', 'brk', 'ioctl', 'pipe', 'dup', 'socket'];
    const profile = allowOnly(some);
    const list = compile(profile, { layout: 'list' }).program;
    const tree = compile(profile, { layout: 'tree' }).program;
    expect(tree).not.toEqual(list);
    for (let nr = 0; nr < 600; nr++) {
      const call = { arch: X86_64, nr };
      expect(evaluate(tree, call).action).toBe(evaluate(list, call).action);
    }
  });

  it('without rules gives the default action', () => {
    const { program } = compile(oci({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 9 }));
    expect(evaluate(program, { arch: X86_64, nr: 0 })).toMatchObject({
      action: errno(9),
      readsArguments: false,
    });
  });

  it('shows where an answer depends on arguments', () => {
    const { program } = compile(deny([{ index: 0, op: 'SCMP_CMP_EQ', value: 5n }]));
    expect(evaluate(program, { arch: X86_64, nr: GETPPID }).readsArguments).toBe(true);
    expect(evaluate(program, { arch: X86_64, nr: 1 }).readsArguments).toBe(false);
  });
});
