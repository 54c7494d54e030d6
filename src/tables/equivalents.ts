/**
 * Which calls another libc, kernel or architecture makes instead of one that was recorded. Only what
 * gives no privilege that the first did not have: where the other can do more, `only` says with
 * which arguments it cannot. Parameters: Linux v6.18, include/linux/syscalls.h.
 */
import { CLONE_NAMESPACES } from './arguments';
import type { Abi } from './syscalls';

export interface ArgumentBits {
  index: number;
  mask: bigint;
  value: bigint;
}

export interface Equivalent {
  from: string;
  to: string;
  /** The arguments that keep `to` within what `from` can do; null: all do. */
  only: readonly ArgumentBits[] | null;
  /** Arguments of `from` by index, and where they stand in `to`. */
  carry: ReadonlyMap<number, number>;
  /** A rule on `from` must permit these arguments of it; null: it has to be carried. */
  within: readonly ArgumentBits[] | null;
}

const INT = 0xffff_ffffn;
const WORD = 0xffff_ffff_ffff_ffffn;
const AT_EMPTY_PATH = 0x1000n;
const AT_REMOVEDIR = 0x200n;
const AT_SYMLINK_NOFOLLOW = 0x100n;
const RENAME_NOREPLACE = 1n;
/** O_WRONLY|O_CREAT|O_TRUNC, with or without O_CLOEXEC and either architecture's O_LARGEFILE. */
const CREAT = { mask: INT & ~0xa8000n, value: 0x241n };

type Options = { only?: readonly ArgumentBits[]; carry?: [number, number][]; within?: ArgumentBits[] };

function one(from: string, to: string, { only, carry, within }: Options = {}): Equivalent {
  return { from, to, only: only ?? null, carry: new Map(carry), within: within ?? null };
}

/** All of them do the same. */
function same(...names: string[]): Equivalent[] {
  return names.flatMap((from) => names.filter((to) => to !== from).map((to) => one(from, to)));
}

/** Paths to a file do all that a descriptor of it does; not the other way round. */
function paths(names: string[], descriptor: string[]): Equivalent[] {
  return [...same(...names), ...names.flatMap((from) => descriptor.map((to) => one(from, to)))];
}

const STAT = ['stat', 'lstat', 'newfstatat', 'statx', 'stat64', 'lstat64', 'fstatat64'];
const FORKED = [{ index: 0, mask: WORD & ~0xffn, value: 0n }];
/** CLONE_VM | CLONE_VFORK: posix_spawn. */
const SPAWNED = [{ index: 0, mask: WORD & ~0xffn, value: 0x4100n }];

export const EQUIVALENTS: readonly Equivalent[] = [
  ...same('execve', 'execveat'),
  ...same('accept', 'accept4'),
  ...same('open', 'openat', 'openat2'),
  ...['openat', 'openat2', 'open'].map((from) => one(from, 'creat')),
  one('creat', 'open', { only: [{ index: 1, ...CREAT }] }),
  one('creat', 'openat', { only: [{ index: 2, ...CREAT }] }),
  ...same('dup', 'dup2', 'dup3'),
  ...paths(['chmod', 'fchmodat', 'fchmodat2'], ['fchmod']),
  ...['chown', 'lchown', 'fchown'].map((to) => one('fchownat', to)),
  one('chown', 'fchownat', { only: [{ index: 4, mask: INT, value: 0n }] }),
  one('lchown', 'fchownat', { only: [{ index: 4, mask: INT, value: AT_SYMLINK_NOFOLLOW }] }),
  ...paths(STAT, ['fstat', 'fstat64']),
  ...['fstat', 'fstat64'].flatMap((from) => [
    one(from, 'newfstatat', { only: [{ index: 3, mask: AT_EMPTY_PATH, value: AT_EMPTY_PATH }] }),
    one(from, 'fstatat64', { only: [{ index: 3, mask: AT_EMPTY_PATH, value: AT_EMPTY_PATH }] }),
    one(from, 'statx', { only: [{ index: 2, mask: AT_EMPTY_PATH, value: AT_EMPTY_PATH }] }),
  ]),
  ...same('fstat', 'fstat64'),
  ...['fork', 'vfork'].flatMap((from) => [
    one(from, 'clone', { only: [{ index: 0, mask: CLONE_NAMESPACES, value: 0n }] }),
    one('clone', from, { within: from === 'fork' ? FORKED : SPAWNED }),
  ]),
  ...same('fork', 'vfork'),
  ...same('epoll_create', 'epoll_create1'),
  ...same('epoll_wait', 'epoll_pwait', 'epoll_pwait2'),
  ...same('poll', 'ppoll', 'ppoll_time64'),
  ...same('select', '_newselect', 'pselect6', 'pselect6_time64'),
  ...same('pipe', 'pipe2'),
  ...same('eventfd', 'eventfd2'),
  ...same('signalfd', 'signalfd4'),
  ...same('inotify_init', 'inotify_init1'),
  ...same('rename', 'renameat'),
  ...['rename', 'renameat'].flatMap((name) => [
    one('renameat2', name),
    one(name, 'renameat2', { only: [{ index: 4, mask: INT & ~RENAME_NOREPLACE, value: 0n }] }),
  ]),
  one('unlink', 'unlinkat', { only: [{ index: 2, mask: AT_REMOVEDIR, value: 0n }] }),
  one('rmdir', 'unlinkat', { only: [{ index: 2, mask: AT_REMOVEDIR, value: AT_REMOVEDIR }] }),
  one('unlinkat', 'unlink'),
  one('unlinkat', 'rmdir'),
  ...same('mkdir', 'mkdirat'),
  ...same('mknod', 'mknodat'),
  one('link', 'linkat', { only: [{ index: 4, mask: INT, value: 0n }] }),
  one('linkat', 'link'),
  ...same('symlink', 'symlinkat'),
  ...same('readlink', 'readlinkat'),
  ...same('access', 'faccessat', 'faccessat2'),
  ...same('getdents', 'getdents64'),
  ...same('preadv', 'preadv2'),
  ...same('pwritev', 'pwritev2'),
  ...same('utime', 'utimes', 'futimesat', 'utimensat', 'utimensat_time64'),
  ...same('time', 'gettimeofday', 'clock_gettime').filter(({ from }) => from !== 'clock_gettime'),
  one('getrlimit', 'prlimit64', {
    only: [
      { index: 0, mask: INT, value: 0n },
      { index: 2, mask: WORD, value: 0n },
    ],
    carry: [[0, 1]],
  }),
  one('setrlimit', 'prlimit64', {
    only: [{ index: 0, mask: INT, value: 0n }],
    carry: [[0, 1]],
  }),
  one('prlimit64', 'getrlimit', { carry: [[1, 0]] }),
  one('prlimit64', 'setrlimit', { carry: [[1, 0]] }),
  ...same('wait4', 'waitid', 'waitpid'),
  ...same('sendfile', 'sendfile64'),
  ...same('send', 'sendto'),
  ...same('recv', 'recvfrom'),
  one('alarm', 'setitimer', { only: [{ index: 0, mask: INT, value: 0n }] }),
  one('pause', 'ppoll', { only: [{ index: 1, mask: INT, value: 0n }] }),
  one('getpgrp', 'getpgid', { only: [{ index: 0, mask: INT, value: 0n }] }),
  one('mmap', 'mmap2', { carry: [[2, 2]] }),
  one('fcntl', 'fcntl64', { carry: [[1, 1]] }),
];

/** The names under which 32-bit ABIs have the same call with wider ids, offsets or times. */
export const WIDER_SUFFIXES = ['32', '64', '_time64'];

function both(a: string, b: string): string[] {
  return [`${a} ${b}`, `${b} ${a}`];
}

/**
 * Of these the pairs that one libc makes where another makes the first, on x86_64: glibc 2.17 to 2.42,
 * musl 1.2, each by the functions of its own source (sysdeps/unix/sysv/linux; src/). The others are
 * made where an architecture lacks the first, or by an application itself.
 */
const BY_ANOTHER_LIBC: ReadonlySet<string> = new Set([
  ...both('open', 'openat'),
  ...both('open', 'creat'),
  // musl: without flags.
  'accept4 accept',
  ...both('fchmodat', 'fchmodat2'),
  ...both('faccessat', 'faccessat2'),
  ...both('newfstatat', 'stat'),
  ...both('newfstatat', 'lstat'),
  ...both('newfstatat', 'fstat'),
  ...['fork', 'vfork'].flatMap((name) => both(name, 'clone')),
  ...both('epoll_create', 'epoll_create1'),
  ...both('epoll_wait', 'epoll_pwait'),
  ...both('select', 'pselect6'),
  ...both('pipe', 'pipe2'),
  ...both('inotify_init', 'inotify_init1'),
  ...both('getdents', 'getdents64'),
  ...['utime', 'utimes', 'futimesat'].flatMap((name) => both(name, 'utimensat')),
  ...['time', 'gettimeofday'].flatMap((name) => both(name, 'clock_gettime')),
  ...both('time', 'gettimeofday'),
  ...['getrlimit', 'setrlimit'].flatMap((name) => both(name, 'prlimit64')),
  'alarm setitimer',
  'getpgrp getpgid',
]);

/** Whether another libc on the same architecture makes it; what 32-bit ABIs have is not told apart. */
export function isAnotherLibcs(abi: Abi, { from, to }: Equivalent): boolean {
  return abi !== 'x86_64' || BY_ANOTHER_LIBC.has(`${from} ${to}`);
}
