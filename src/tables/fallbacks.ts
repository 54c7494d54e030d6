/**
 * Calls that libc, and what is built on it, tries first and does without once they return ENOSYS.
 * Under another errno (EPERM is the usual default of a profile) several of them fail outright.
 */

export interface Fallback {
  name: string;
  /** What is called instead. */
  instead: string;
  /** Where the retry stands; `any errno` where it does not insist on ENOSYS. */
  source: string;
}

const LINUX = 'glibc sysdeps/unix/sysv/linux';

/** 32-bit ABIs: libc asks for 64-bit time first. glibc clock_gettime.c and its siblings, musl alike. */
const TIME64: readonly [name: string, instead: string][] = [
  ['clock_getres_time64', 'clock_getres'],
  ['clock_gettime64', 'clock_gettime'],
  ['clock_nanosleep_time64', 'clock_nanosleep'],
  ['futex_time64', 'futex'],
  ['mq_timedreceive_time64', 'mq_timedreceive'],
  ['mq_timedsend_time64', 'mq_timedsend'],
  ['ppoll_time64', 'ppoll'],
  ['pselect6_time64', 'pselect6'],
  ['recvmmsg_time64', 'recvmmsg'],
  ['rt_sigtimedwait_time64', 'rt_sigtimedwait'],
  ['sched_rr_get_interval_time64', 'sched_rr_get_interval'],
  ['semtimedop_time64', 'ipc or semtimedop'],
  ['timer_gettime64', 'timer_gettime'],
  ['timer_settime64', 'timer_settime'],
  ['timerfd_gettime64', 'timerfd_gettime'],
  ['timerfd_settime64', 'timerfd_settime'],
  ['utimensat_time64', 'utimensat'],
];

export const FALLBACKS: readonly Fallback[] = [
  { name: 'clone3', instead: 'clone', source: `${LINUX}/clone-internal.c` },
  { name: 'close_range', instead: 'close', source: `${LINUX}/closefrom.c (any errno)` },
  { name: 'epoll_pwait2', instead: 'epoll_pwait', source: 'ivykis iv_fd_poll (buytenh/ivykis pull 33: EPERM aborts)' },
  { name: 'execveat', instead: 'execve of /proc/self/fd/N', source: `${LINUX}/fexecve.c` },
  {
    name: 'faccessat2',
    instead: 'faccessat, or newfstatat and a check of the mode',
    source: `${LINUX}/faccessat.c`,
  },
  {
    name: 'fchmodat2',
    instead: 'fchmodat, or chmod of /proc/self/fd/N',
    source: `${LINUX}/fchmodat.c since 2.39 (systemd issue 30250: EPERM fails)`,
  },
  { name: 'futex_waitv', instead: 'futex', source: 'Wine fsync (ValveSoftware/wine pull 256: EPERM spins)' },
  {
    name: 'getrandom',
    instead: 'a read of /dev/urandom',
    source: 'glibc stdlib/arc4random.c (aborts on any other errno)',
  },
  { name: 'openat2', instead: 'openat', source: 'go-fuse internal/openat, crun src/libcrun/utils.c' },
  { name: 'preadv2', instead: 'preadv', source: `${LINUX}/preadv2.c` },
  { name: 'pwritev2', instead: 'pwritev', source: `${LINUX}/pwritev2.c` },
  {
    name: 'renameat2',
    instead: 'renameat',
    source: `${LINUX}/renameat2.c (turns ENOSYS into EINVAL, upon which callers retry)`,
  },
  { name: 'rseq', instead: 'getcpu', source: `${LINUX}/rseq-internal.h (any errno)` },
  { name: 'statx', instead: 'newfstatat', source: `${LINUX}/statx.c` },
  ...TIME64.map(([name, instead]) => ({ name, instead, source: `${LINUX}, 64-bit time` })),
];

/** What a fallback's caller is told: this call does not exist here. */
export const ENOSYS = 38;
