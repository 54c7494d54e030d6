/**
 * Arguments of which the kernel reads 32 bits: declared int, unsigned int or a type of that width.
 * Linux v6.18: include/linux/syscalls.h and the SYSCALL_DEFINEs; clone takes lower_32_bits of its
 * flags (kernel/fork.c). unshare, ptrace, mmap and mprotect read longs and are not among them.
 */
const LISTED = `
accept 0, accept4 0 3, access 1, add_key 4, arch_prctl 0, bind 0 2, bpf 0 2, chmod 1, chown 1 2,
clock_adjtime 0, clock_getres 0, clock_gettime 0, clock_nanosleep 0 1, clock_settime 0, clone 0,
close 0, close_range 0 1 2, connect 0 2, copy_file_range 0 2 5, creat 1, delete_module 1, dup 0,
dup2 0 1, dup3 0 1 2, epoll_create 0, epoll_create1 0, epoll_ctl 0 1 2, epoll_pwait 0 2 3,
epoll_wait 0 2 3, eventfd 0, eventfd2 0 1, execveat 0 4, exit 0, exit_group 0, faccessat 0 2,
faccessat2 0 2 3, fadvise64 0 3, fallocate 0 1, fanotify_init 0 1, fchmod 0 1, fchmodat 0 2,
fchmodat2 0 2 3, fchown 0 1 2, fchownat 0 2 3 4, fcntl 0 1, finit_module 0 2, flock 0 1,
fsconfig 0 1 4, fsmount 0 1 2, fsopen 1, fspick 0 2, futex 1 2 5, getdents 0 2, getdents64 0 2,
getpriority 0 1, getrandom 2, getrusage 0, getsockopt 0 1 2, inotify_add_watch 0 2,
inotify_init1 0, io_uring_enter 0 1 2 3, io_uring_register 0 1 3, io_uring_setup 0, ioctl 0 1,
ioperm 2, iopl 0, ioprio_get 0 1, ioprio_set 0 1 2, kcmp 0 1 2, keyctl 0, kill 0 1,
landlock_add_rule 0 1 3, landlock_create_ruleset 2, landlock_restrict_self 0 1, lchown 1 2,
linkat 0 2 4, listen 0 1, lseek 0 2, madvise 2, membarrier 0 1 2, memfd_create 1, memfd_secret 0,
mkdir 1, mkdirat 0 2, mknod 1 2, mknodat 0 2 3, mlock2 2, mlockall 0, mount_setattr 0 2,
move_mount 0 2 4, msgctl 0 1, msgget 0 1, msgrcv 0 4, msgsnd 0 3, msync 2, name_to_handle_at 0 4,
newfstatat 0 3, open 1 2, open_by_handle_at 0 2, open_tree 0 2, openat 0 2 3, openat2 0,
perf_event_open 1 2 3, personality 0, pidfd_getfd 0 1 2, pidfd_open 0 1, pidfd_send_signal 0 1 3,
pipe2 1, prctl 0, preadv2 5, prlimit64 0 1, process_madvise 0 3 4, pwritev2 5, quotactl 0 2,
quotactl_fd 0 1 2, reboot 0 1 2, recvfrom 0 3, recvmmsg 0 2 3, recvmsg 0 2, renameat 0 2,
renameat2 0 2 4, request_key 3, rt_sigaction 0, rt_sigprocmask 0, rt_sigqueueinfo 0 1,
rt_tgsigqueueinfo 0 1 2, sched_setattr 0 2, sched_setscheduler 0 1, seccomp 0 1, semctl 0 1 2,
semget 0 1 2, semop 0 2, sendmmsg 0 2 3, sendmsg 0 2, sendto 0 3 5, set_mempolicy 0, setgid 0,
setns 0 1, setpriority 0 1 2, setregid 0 1, setresgid 0 1 2, setresuid 0 1 2, setreuid 0 1,
setsockopt 0 1 2 4, setuid 0, shmat 0 2, shmctl 0 1, shmget 0 2, shutdown 0 1, signalfd4 0 3,
socket 0 1 2, socketpair 0 1 2, splice 0 2 5, statx 0 2 3, swapon 1, symlinkat 1, syslog 0 2,
tee 0 1 3, tgkill 0 1 2, timer_create 0, timerfd_create 0 1, timerfd_settime 0 1, tkill 0 1,
umount2 1, unlinkat 0 2, userfaultfd 0, utimensat 0 3, vmsplice 0 3, wait4 0 2, waitid 0 1 3
`;

let parsed: Map<string, readonly number[]> | undefined;

/** Indexes of the call's arguments that a 64-bit kernel reads as 32 bits. */
export function narrowArguments(name: string): readonly number[] {
  parsed ??= new Map(
    LISTED.split(',').map((item): [string, number[]] => {
      const [call = '', ...indexes] = item.trim().split(' ');
      return [call, indexes.map(Number)];
    }),
  );
  return parsed.get(name) ?? [];
}
