/**
 * How likely a call that no run made is made one day. A cost says how far from the application's own
 * code its easiest way lies (walk.ts); what is near it, and what fails or ends or allocates, comes
 * sooner. docs/REACH.md has how the bounds were found, and what they were worth on other programs.
 */
import type { Likelihood } from '../profile';

/** The dearest way that is still likely (a function of a library that does little else), and possible. */
const LIKELY = 2;
const POSSIBLE = 8;

/** Calls that do the same work in other words: where one is made, others of its row are near. */
const FAMILIES: readonly (readonly string[])[] = [
  ['read', 'pread64', 'readv', 'preadv', 'preadv2'],
  ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2'],
  ['fsync', 'fdatasync', 'msync', 'sync_file_range'],
  ['sendto', 'sendmsg', 'sendmmsg'],
  ['recvfrom', 'recvmsg', 'recvmmsg'],
  ['poll', 'ppoll', 'select', 'pselect6', 'epoll_wait', 'epoll_pwait'],
  ['unlink', 'unlinkat', 'rmdir', 'rename', 'renameat', 'renameat2', 'mkdir', 'mkdirat'],
  ['getsockname', 'getpeername', 'getsockopt', 'setsockopt', 'shutdown'],
  ['truncate', 'ftruncate', 'fallocate'],
  ['getuid', 'geteuid', 'getgid', 'getegid'],
  ['wait4', 'waitid'],
  ['kill', 'tgkill', 'tkill'],
];

/** What a way through it costs less, by why. */
const FAMILY = 2;
/** Calls that memory management, errors, signals and the end of a process make. */
const SOONER: ReadonlyMap<string, number> = new Map([
  ...['munmap', 'mremap', 'madvise', 'brk', 'mprotect', 'mmap'].map((name) => [name, 4] as const),
  ...[
    'exit_group',
    'exit',
    'rt_sigprocmask',
    'rt_sigaction',
    'tgkill',
    'gettid',
    'getpid',
    'kill',
  ].map((name) => [name, 2] as const),
]);

/**
 * What a program does as it starts or not at all: becoming a daemon, giving up rights, choosing how it is
 * scheduled. Where the start was seen and they were not, its settings do not ask for them.
 */
const AT_START: ReadonlySet<string> = new Set(
  `capget capset chroot getgroups getpgid getpriority mlockall sched_get_priority_max
   sched_get_priority_min sched_getparam sched_getscheduler sched_setaffinity sched_setattr
   sched_setparam sched_setscheduler setfsgid setfsuid setgid setgroups setpgid setpriority setregid
   setresgid setresuid setreuid setsid setuid`.split(/\s+/),
);
const NOT_AT_START = 6;

/** A new process is started by all of these, or by none. */
const SPAWNING: ReadonlySet<string> = new Set([
  'clone',
  'clone3',
  'dup2',
  'execve',
  'pipe2',
  'wait4',
]);
const SPAWNS = 8;

/** Whether a program starts others: it can execute one and wait for it, not far from its own code. */
export function spawns(costs: ReadonlyMap<string, number>): boolean {
  return ['execve', 'wait4'].every((name) => (costs.get(name) ?? SPAWNS + 1) <= SPAWNS);
}

export interface Judged {
  readonly likelihood: Likelihood;
  /** The cost that remains. */
  readonly cost: number;
}

/**
 * `observed`: names of calls of the same ABI that were seen; `spawning`: whether it spawns; `startSeen`: a
 * recorded run began with the program's start.
 */
export function judge(
  call: { name: string; cost: number },
  seen: { observed: ReadonlySet<string>; spawning: boolean; startSeen: boolean },
): Judged {
  const { name } = call;
  const { observed, spawning, startSeen } = seen;
  const near = FAMILIES.some(
    (family) => family.includes(name) && family.some((one) => observed.has(one)),
  );
  const way = spawning && SPAWNING.has(name) ? Math.min(call.cost, LIKELY) : call.cost;
  const less = (near ? FAMILY : 0) + (SOONER.get(name) ?? 0);
  const more = startSeen && AT_START.has(name) ? NOT_AT_START : 0;
  const cost = Math.max(0, way - less) + more;
  if (cost <= LIKELY) return { likelihood: 'likely', cost };
  return { likelihood: cost <= POSSIBLE ? 'possible' : 'remote', cost };
}
