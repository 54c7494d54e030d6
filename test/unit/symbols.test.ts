import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  ABIS,
  argumentMeaning,
  describeBriefly,
  describeSet,
  IOCTL_TERMINAL_CUBES,
  knownArguments,
  names,
  trackedArguments,
  type WordSet,
} from '../../src/tables';

const WORD = 0xffff_ffff_ffff_ffffn;
const HALF = 0xffff_ffffn;

const every = new Set(ABIS.flatMap((abi) => names(abi)));

test('every argument that tells kinds of privilege apart has a meaning', () => {
  const tracked = [...every].flatMap((name) =>
    ABIS.flatMap((abi) => (trackedArguments(abi, name) ?? []).map(({ index }) => [name, index])),
  ) as [string, number][];
  // clone3's flags lie in memory.
  const missing = tracked.filter(
    ([name, index]) => name !== 'clone3' && argumentMeaning(name, index) === null,
  );
  expect(missing).toEqual([]);
  expect(tracked.length).toBeGreaterThan(50);
});

test('meanings are of calls that there are, and names stand for one value each', () => {
  expect(argumentMeaning('read', 0)).toBeNull();
  expect(argumentMeaning('constructor', 0)).toBeNull();
  expect(argumentMeaning('socket', 3)).toBeNull();
  for (const [name, index] of knownArguments()) {
    expect([name, every.has(name)]).toEqual([name, true]);
    const meaning = argumentMeaning(name, index);
    const all = [...(meaning?.names ?? []), ...(meaning?.low?.names ?? [])];
    expect(new Set(all.map(([, symbol]) => symbol)).size).toBe(all.length);
    for (const list of [meaning?.names ?? [], meaning?.low?.names ?? []]) {
      expect(new Set(list.map(([value]) => value)).size).toBe(list.length);
    }
    const mask = meaning?.low?.mask ?? 0n;
    expect(meaning?.low?.names.filter(([value]) => (value & ~mask) !== 0n) ?? []).toEqual([]);
    if (meaning?.kind !== 'flags') continue;
    expect(
      meaning.names.filter(([bit]) => (bit & (bit - 1n)) !== 0n || (bit & mask) !== 0n),
    ).toEqual([]);
  }
});

/**
 * Not in the headers of Linux 6.1 or of libc, under these names: as v6.18 has them; and those of
 * linux/ipc.h, which libc's contradicts.
 */
const NOT_IN_HEADERS = `
ARCH_CET_STATUS 0x3001 ARCH_GET_UNTAG_MASK 0x4001 ARCH_ENABLE_TAGGED_ADDR 0x4002
ARCH_GET_MAX_TAG_BITS 0x4003 ARCH_FORCE_TAGGED_SVA 0x4004 ARCH_SHSTK_ENABLE 0x5001
ARCH_SHSTK_DISABLE 0x5002 ARCH_SHSTK_LOCK 0x5003 ARCH_SHSTK_UNLOCK 0x5004 ARCH_SHSTK_STATUS 0x5005
BPF_TOKEN_CREATE 36 BPF_PROG_STREAM_READ_BY_FD 37 CLOCK_SGI_CYCLE 10 F_GETOWNER_UIDS 17
F_DUPFD_QUERY 1027 F_CREATED_QUERY 1028 F_CANCELLK 1029 SOL_SCTP 132 SOL_UDPLITE 136 SOL_IPX 256
SOL_AX25 257 SOL_ATALK 258 SOL_NETROM 259 SOL_ROSE 260 SOL_MCTP 285 SOL_SMC 286 SOL_VSOCK 287
IORING_REGISTER_USE_REGISTERED_RING 0x80000000 IORING_REGISTER_PBUF_STATUS 26
IORING_REGISTER_NAPI 27 IORING_UNREGISTER_NAPI 28 IORING_REGISTER_CLOCK 29
IORING_REGISTER_CLONE_BUFFERS 30 IORING_REGISTER_SEND_MSG_RING 31 IORING_REGISTER_ZCRX_IFQ 32
IORING_REGISTER_RESIZE_RINGS 33 IORING_REGISTER_MEM_REGION 34 IORING_REGISTER_QUERY 35
MADV_COLLAPSE 25 MADV_GUARD_INSTALL 102 MADV_GUARD_REMOVE 103 MEMBARRIER_CMD_GET_REGISTRATIONS 0x200
MFD_NOEXEC_SEAL 8 MFD_EXEC 16 __O_SYNC 0x100000 __O_TMPFILE 0x400000 query 0xffffffff
PR_SET_MDWE 65 PR_GET_MDWE 66 PR_SET_MEMORY_MERGE 67 PR_GET_MEMORY_MERGE 68
PR_RISCV_V_SET_CONTROL 69 PR_RISCV_V_GET_CONTROL 70 PR_RISCV_SET_ICACHE_FLUSH_CTX 71
PR_PPC_GET_DEXCR 72 PR_PPC_SET_DEXCR 73 PR_GET_SHADOW_STACK_STATUS 74
PR_SET_SHADOW_STACK_STATUS 75 PR_LOCK_SHADOW_STACK_STATUS 76 PR_TIMER_CREATE_RESTORE_IDS 77
PR_FUTEX_HASH 78 PR_GET_AUXV 0x41555856 PTRACE_PEEKUSER 3 PTRACE_POKEUSER 6
PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210 PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
PTRACE_SET_SYSCALL_INFO 0x4212 SCHED_EXT 7
SEMOP 1 SEMGET 2 SEMCTL 3 SEMTIMEDOP 4 MSGSND 11 MSGRCV 12 MSGGET 13 MSGCTL 14 SHMAT 21 SHMDT 22
SHMGET 23 SHMCTL 24`;

const INCLUDES = `
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/epoll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/resource.h>
#include <linux/sched.h>
#include <linux/bpf.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/membarrier.h>
#include <linux/memfd.h>
#include <linux/net.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <asm/ptrace-abi.h>
#include <linux/random.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <time.h>
#include <linux/mman.h>
#include <asm/prctl.h>
`;

const compiler = spawnSync('cc', ['--version']).status === 0;

/** Symbol → value, of all calls together. */
function symbols(): Map<string, bigint> {
  const out = new Map<string, bigint>();
  for (const [name, index] of knownArguments()) {
    const meaning = argumentMeaning(name, index);
    for (const [value, symbol] of [...(meaning?.names ?? []), ...(meaning?.low?.names ?? [])]) {
      expect([symbol, out.get(symbol) ?? value]).toEqual([symbol, value]);
      out.set(symbol, value);
    }
  }
  return out;
}

(compiler ? test : test.skip)('the values are those of the headers of kernel and libc', () => {
  const ours = symbols();
  const expected = new Map(
    [...NOT_IN_HEADERS.matchAll(/(\w+) (\w+)/g)].map(([, name = '', value = '']) => [
      name,
      BigInt(value),
    ]),
  );
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-symbols-'));
  try {
    const source = join(directory, 'symbols.c');
    const program = join(directory, 'symbols');
    const compile = (list: readonly string[]) => {
      const lines = list.map((name) => `printf("${name} %u\\n", (unsigned)(${name}));`);
      writeFileSync(source, `${INCLUDES}int main(void){${lines.join('\n')} return 0;}`);
      return spawnSync('cc', ['-w', '-fmax-errors=0', '-o', program, source], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      }).stderr;
    };
    const all = [...ours.keys()].filter((name) => name !== '__O_TMPFILE');
    const unknown = [...compile(all).matchAll(/'(\w+)' undeclared/g)].map(([, name]) => name ?? '');
    // What other headers than those of 6.1 do know is compared with them.
    expect(unknown.filter((name) => !expected.has(name))).toEqual([]);
    const known = all.filter((name) => !unknown.includes(name));
    expect(known.length).toBeGreaterThan(600);
    expect(compile(known)).toBe('');
    const { stdout } = spawnSync(program, { encoding: 'utf8' });
    const header = [...stdout.matchAll(/(\w+) (\d+)/g)];
    expect(header.length).toBe(known.length);
    for (const [, name = '', value = ''] of header) expected.set(name, BigInt(value));
  } finally {
    rmSync(directory, { recursive: true });
  }
  expect(Object.fromEntries(ours)).toEqual(
    Object.fromEntries([...ours.keys()].map((name) => [name, expected.get(name)])),
  );
});

const NEWUSER = 0x10000000n;
const NEWNS = 0x20000n;

const values = (...list: bigint[]): WordSet => ({ kind: 'values', values: list });
const bits = (...cubes: [bigint, bigint][]): WordSet => ({
  kind: 'bits',
  cubes: cubes.map(([mask, value]) => ({ mask, value })),
});
const ranges = (...list: [bigint, bigint][]): WordSet => ({ kind: 'ranges', ranges: list });
const except = (set: WordSet): WordSet => ({ kind: 'except', set });

test.each<[string, number, WordSet, string]>([
  ['socket', 0, values(16n), 'domain AF_NETLINK'],
  ['socket', 0, values(10n, 2n), 'domain AF_INET or AF_INET6'],
  ['socket', 0, values(1n, 2n, 10n), 'domain AF_UNIX, AF_INET or AF_INET6'],
  ['socket', 0, except(values(38n, 40n)), 'domain other than AF_ALG, AF_VSOCK'],
  ['socket', 0, values(0x100000010n), 'domain 0x100000010'],
  ['socket', 0, values(99n), 'domain 0x63'],
  ['socket', 0, bits([HALF, 16n]), 'domain AF_NETLINK (low 32 bits)'],
  ['socket', 0, bits([HALF, 10n], [HALF, 2n]), 'domain AF_INET or AF_INET6 (low 32 bits)'],
  ['socket', 0, bits([HALF, 2n], [WORD, 16n]), 'domain AF_NETLINK; or AF_INET (low 32 bits)'],
  ['socket', 0, except(bits([HALF, 38n])), 'domain other than AF_ALG (low 32 bits)'],
  // How a diagram puts EQ 2 and EQ 10: they differ in one bit.
  ['socket', 0, bits([HALF & ~8n, 2n]), 'domain AF_INET or AF_INET6 (low 32 bits)'],
  ['socket', 2, bits([WORD & ~3n, 4n]), 'protocol 4, 5, 6 or 7'],
  ['read', 2, bits([WORD & ~1n, 4n]), 'args[2] 0x4 or 0x5'],
  ['socket', 0, { kind: 'all' }, 'any domain'],
  ['socket', 0, except({ kind: 'all' }), 'no domain'],
  ['socket', 0, except(values()), 'any domain'],
  ['socket', 0, bits([0n, 0n]), 'any domain'],
  ['socket', 0, bits([1n, 2n]), 'no domain'],
  ['socket', 1, values(0x80801n), 'type SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC'],
  [
    'socket',
    1,
    bits([HALF & ~0x80800n, 1n]),
    'type SOCK_STREAM with or without SOCK_NONBLOCK, SOCK_CLOEXEC (low 32 bits)',
  ],
  ['socket', 2, values(6n), 'protocol 6'],
  ['unshare', 0, bits([NEWUSER, NEWUSER]), 'flags with CLONE_NEWUSER'],
  ['unshare', 0, bits([NEWUSER | NEWNS, 0n]), 'flags without CLONE_NEWNS, CLONE_NEWUSER'],
  ['unshare', 0, except(bits([NEWUSER, 0n])), 'flags with CLONE_NEWUSER'],
  ['unshare', 0, except(bits([NEWUSER, NEWUSER])), 'flags without CLONE_NEWUSER'],
  ['clone', 0, except(bits([NEWUSER | NEWNS, 0n])), 'flags with any of CLONE_NEWNS, CLONE_NEWUSER'],
  ['clone', 0, values(0x11n), 'flags SIGCHLD'],
  ['clone', 0, values(0x01200011n), 'flags SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID'],
  ['clone', 0, bits([WORD & ~0xffn, 0x100n]), 'flags CLONE_VM with any exit signal'],
  [
    'clone',
    0,
    bits([0x1ffn, 0x111n], [0x3n, 0x1n]),
    'flags with exit signal & 0x3 = 0x1 or with exit signal SIGCHLD and CLONE_VM',
  ],
  ['mprotect', 2, bits([6n, 6n]), 'prot with PROT_WRITE and PROT_EXEC'],
  ['mmap', 2, bits([4n, 0n], [2n, 0n]), 'prot without PROT_WRITE or without PROT_EXEC'],
  ['mmap', 2, bits([6n, 2n]), 'prot with PROT_WRITE and without PROT_EXEC'],
  ['mmap', 2, values(0n), 'prot 0'],
  ['mmap', 2, values(0x83n), 'prot PROT_READ|PROT_WRITE|0x80'],
  ['open', 1, values(0n, 0x41n), 'flags O_RDONLY or O_WRONLY|O_CREAT'],
  ['fcntl', 1, ranges([5n, 9n]), 'cmd 5 to 9'],
  ['fcntl', 1, ranges([5n, 5n], [1024n, WORD]), 'cmd F_GETLK or 1024 and above'],
  ['fcntl', 1, except(ranges([5n, 9n])), 'cmd other than 5 to 9'],
  ['ioctl', 1, bits([0xff00n, 0x5400n]), 'request & 0xff00 = 0x5400'],
  [
    'ioctl',
    1,
    bits(
      ...IOCTL_TERMINAL_CUBES.map(([mask, value]): [bigint, bigint] => [
        BigInt(mask),
        BigInt(value),
      ]),
    ),
    'request & 0xff00 = 0x5400 but not & 0xffff = TIOCSTI, TIOCLINUX',
  ],
  ['ioctl', 1, values(0x5412n), 'request TIOCSTI'],
  ['personality', 0, values(8n, 0xffffffffn), 'persona PER_LINUX32 or query'],
  ['read', 2, values(4096n), 'args[2] 0x1000'],
])('%s %i %j: %s', (name, index, set, text) => {
  expect(describeSet(name, index, set)).toBe(text);
});

test('a long list is cut only on request', () => {
  const many = values(...Array.from({ length: 12 }, (_, at) => BigInt(at)));
  expect(describeSet('socket', 2, many)).toMatch(/^protocol 0, 1, .*, 10 or 11$/);
  expect(describeBriefly('socket', 2, many, 3)).toBe('protocol 0, 1 or 2 and 9 more');
  expect(describeBriefly('socket', 0, except(many), 2)).toBe(
    'domain other than AF_UNSPEC, AF_UNIX and 10 more',
  );
  expect(describeBriefly('socket', 2, values(1n, 2n), 2)).toBe('protocol 1 or 2');
});

// Sets over a few bits of a word: small enough to meet often, and to compare value by value.
const BITS = [0n, 1n, 7n, 11n, 17n, 28n, 32n, 63n].map((at) => 1n << at);
const UNIVERSE = Array.from({ length: 1 << BITS.length }, (_, pick) =>
  BITS.reduce((word, bit, at) => ((pick >> at) & 1 ? word | bit : word), 0n),
);
/** Masks that also hold every bit outside the universe, so that whole values and halves are met. */
const OUTSIDE = WORD & ~BITS.reduce((all, bit) => all | bit, 0n);

const word = fc.nat(UNIVERSE.length - 1).map((at) => UNIVERSE[at] as bigint);
const cube = fc
  .tuple(word, word, fc.constantFrom(0n, OUTSIDE, OUTSIDE & HALF))
  .map(([mask, value, outside]) => ({ mask: mask | outside, value: value & mask }));
const plain: fc.Arbitrary<WordSet> = fc.oneof(
  fc.constant<WordSet>({ kind: 'all' }),
  fc.array(word, { maxLength: 3 }).map((list): WordSet => ({ kind: 'values', values: list })),
  fc.array(cube, { maxLength: 3 }).map((cubes): WordSet => ({ kind: 'bits', cubes })),
  fc
    .array(fc.tuple(word, word), { maxLength: 2 })
    .map((list): WordSet => ({ kind: 'ranges', ranges: list })),
);
const anySet = fc.oneof(plain, plain.map(except), plain.map(except).map(except));

function holds(set: WordSet, value: bigint): boolean {
  switch (set.kind) {
    case 'all':
      return true;
    case 'values':
      return set.values.includes(value);
    case 'bits':
      return set.cubes.some((one) => (value & one.mask) === one.value);
    case 'ranges':
      return set.ranges.some(([first, last]) => first <= value && value <= last);
    case 'except':
      return !holds(set.set, value);
  }
}

/** Values between those of the universe, too: a range and its ends alone are two sets. */
const PROBES = [
  ...new Set(UNIVERSE.flatMap((at) => [at, at + 1n, at - 1n, at ^ 4n, at ^ (1n << 40n)])),
].filter((value) => value >= 0n && value <= WORD);

test.each([
  ['socket', 0],
  ['socket', 1],
  ['socket', 2],
  ['clone', 0],
  ['unshare', 0],
  ['mmap', 2],
  ['open', 1],
  ['read', 2],
] as const)('%s %i: one text stands for one set', (name, index) => {
  const meant = new Map<string, string>();
  let met = 0;
  fc.assert(
    fc.property(anySet, (set) => {
      const text = describeSet(name, index, set);
      const held = PROBES.map((value) => (holds(set, value) ? 1 : 0)).join('');
      const before = meant.get(text);
      if (before !== undefined) met += 1;
      meant.set(text, held);
      return before === undefined || before === held;
    }),
    { numRuns: 3000 },
  );
  expect(met).toBeGreaterThan(100);
});
