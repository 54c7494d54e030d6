/**
 * The container engines' default seccomp profiles by release. Written by scripts/generate-defaults;
 * do not edit.
 *
 * A block is the profile that releases have in common: engine, first and last release, source. Its
 * lines are the default action, the architectures that bring others along, and the rules in order,
 * as a change of the block before it of the same engine: keep N rules, drop N rules, change the
 * names of one. A rule: action=errno, its gates and conditions, then the calls' names.
 *   +CAP -CAP        only with, not with this capability in the bounding set
 *   @ARCH !ARCH      only on, not on this architecture (libseccomp's name)
 *   from:V until:V   only on, not on kernels from this version on
 *   0==16 0&M==V     a condition on an argument, masked by M
 */
export const DEFAULTS = `
docker 20.10.0 20.10.3 moby/moby v20.10.0 profiles/seccomp/default.json
default ERRNO
archMap X86_64:X86,X32 AARCH64:ARM MIPS64:MIPS,MIPS64N32 MIPS64N32:MIPS,MIPS64
  MIPSEL64:MIPSEL,MIPSEL64N32 MIPSEL64N32:MIPSEL,MIPSEL64 S390X:S390
ALLOW: _llseek _newselect accept accept4 access adjtimex alarm bind brk capget capset chdir chmod
  chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 close connect copy_file_range creat dup
  dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_wait
  epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
  fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchown fchown32 fchownat fcntl
  fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64
  fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futimesat get_robust_list
  get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
  getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority
  getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
  getsockopt gettid gettimeofday getuid getuid32 getxattr inotify_add_watch inotify_init
  inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
  io_pgetevents_time64 io_setup io_submit io_uring_enter io_uring_register io_uring_setup ioctl
  ioprio_get ioprio_set ipc kill lchown lchown32 lgetxattr link linkat listen listxattr llistxattr
  lremovexattr lseek lsetxattr lstat lstat64 madvise membarrier memfd_create mincore mkdir mkdirat
  mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl
  msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat open openat openat2
  pause pidfd_open pidfd_send_signal pipe pipe2 poll ppoll ppoll_time64 prctl pread64 preadv
  preadv2 prlimit64 pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink
  readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
  rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
  sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
  semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
  set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid
  setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid
  setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32
  setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
  socket socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync
  sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
  timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
  timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit
  umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid
  waitpid write writev
ALLOW from:4.8: ptrace
ALLOW 0==0: personality
ALLOW 0==8: personality
ALLOW 0==0x20000: personality
ALLOW 0==0x20008: personality
ALLOW 0==0xffffffff: personality
ALLOW @ppc64le: sync_file_range2
ALLOW @arm @arm64: arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls
  sync_file_range2
ALLOW @amd64 @x32: arch_prctl
ALLOW @amd64 @x32 @x86: modify_ldt
ALLOW @s390 @s390x: s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr
ALLOW +DAC_READ_SEARCH: open_by_handle_at
ALLOW +SYS_ADMIN: bpf clone fanotify_init lookup_dcookie mount name_to_handle_at perf_event_open
  quotactl setdomainname sethostname setns syslog umount umount2 unshare
ALLOW -SYS_ADMIN !s390 !s390x 0&0x7e020000==0: clone
ALLOW -SYS_ADMIN @s390 @s390x 1&0x7e020000==0: clone
ALLOW +SYS_BOOT: reboot
ALLOW +SYS_CHROOT: chroot
ALLOW +SYS_MODULE: delete_module finit_module init_module
ALLOW +SYS_PACCT: acct
ALLOW +SYS_PTRACE: kcmp pidfd_getfd process_vm_readv process_vm_writev ptrace
ALLOW +SYS_RAWIO: ioperm iopl
ALLOW +SYS_TIME: clock_settime settimeofday stime
ALLOW +SYS_TTY_CONFIG: vhangup
ALLOW +SYS_NICE: get_mempolicy mbind set_mempolicy
ALLOW +SYSLOG: syslog

docker 20.10.4 20.10.9 moby/moby v20.10.4 profiles/seccomp/default.json
change +close_range +epoll_pwait2
keep 12
change +fsconfig +fsmount +fsopen +fspick +move_mount +open_tree
keep 6
change +process_madvise
keep 5

docker 20.10.10 20.10.17 moby/moby v20.10.10 profiles/seccomp/default.json
keep 13
change +clone3
keep 2
ERRNO=38 -SYS_ADMIN: clone3
keep 10

docker 20.10.18 20.10.21 moby/moby v20.10.18 profiles/seccomp/default.json
change +futex_waitv +landlock_add_rule +landlock_create_ruleset +landlock_restrict_self
  +memfd_secret +process_mrelease
keep 12
change +mount_setattr +quotactl_fd
keep 13

docker 20.10.22 20.10.22 moby/moby v20.10.22 profiles/seccomp/default.json
change -socket
keep 1
ALLOW 0!=40: socket
keep 25

docker 20.10.23 20.10.25 moby/moby v20.10.24 profiles/seccomp/default.json
change +socket
keep 1
drop 1
keep 25

docker 20.10.26 20.10.27 moby/moby v20.10.26 profiles/seccomp/default.json
change +name_to_handle_at
keep 12
change -name_to_handle_at
keep 13

docker 23.0.0 23.0.6 moby/moby v23.0.0 profiles/seccomp/default.json
default ERRNO=1
archMap X86_64:X86,X32 AARCH64:ARM MIPS64:MIPS,MIPS64N32 MIPS64N32:MIPS,MIPS64
  MIPSEL64:MIPSEL,MIPSEL64N32 MIPSEL64N32:MIPSEL,MIPSEL64 S390X:S390 RISCV64
change -name_to_handle_at -socket +pkey_alloc +pkey_free +pkey_mprotect
change +process_vm_readv +process_vm_writev
ALLOW 0!=40: socket
keep 5
change +swapcontext
keep 4
ALLOW @riscv64: riscv_flush_icache
keep 1
change +name_to_handle_at
keep 9
change +clock_settime64
keep 3
ALLOW +BPF: bpf
ALLOW +PERFMON: perf_event_open

docker 23.0.7 23.0.9 moby/moby v23.0.7 profiles/seccomp/default.json
change +name_to_handle_at
keep 14
change -name_to_handle_at
keep 15

docker 23.0.10 23.0.18 moby/moby v23.0.10 profiles/seccomp/default.json
change +cachestat +fchmodat2 +futex_requeue +futex_wait +futex_wake +map_shadow_stack
keep 26
change +set_mempolicy_home_node
keep 3

docker 24.0.0 24.0.2 moby/moby v24.0.0 profiles/seccomp/default.json
change -cachestat -fchmodat2 -futex_requeue -futex_wait -futex_wake -map_shadow_stack
  -name_to_handle_at
keep 14
change +name_to_handle_at
keep 11
change -set_mempolicy_home_node
keep 3

docker 24.0.3 24.0.9 moby/moby v24.0.3 profiles/seccomp/default.json
change +name_to_handle_at
keep 14
change -name_to_handle_at
keep 15

docker 25.0.0 25.0.2 moby/moby v25.0.0 profiles/seccomp/default.json
change -io_uring_enter -io_uring_register -io_uring_setup
keep 30

docker 25.0.3 28.1.1 moby/moby v25.0.3 profiles/seccomp/default.json
change +cachestat +fchmodat2 +futex_requeue +futex_wait +futex_wake +map_shadow_stack
keep 26
change +set_mempolicy_home_node
keep 3

docker 28.2.0 29.4.1 moby/moby v28.2.0 profiles/seccomp/default.json
change +getxattrat +listmount +listxattrat +mseal +removexattrat +riscv_hwprobe +setxattrat
  +statmount +uretprobe
keep 14
change +lsm_get_self_attr +lsm_list_modules +lsm_set_self_attr
keep 15

docker 29.4.2 29.4.2 moby/moby docker-v29.4.2 vendor/github.com/moby/profiles/seccomp/default.json
archMap X86_64:X86,X32 AARCH64:ARM MIPS64:MIPS,MIPS64N32 MIPS64N32:MIPS,MIPS64
  MIPSEL64:MIPSEL,MIPSEL64N32 MIPSEL64N32:MIPSEL,MIPSEL64 S390X:S390 RISCV64 LOONGARCH64
change -socketcall
keep 1
drop 1
ERRNO=38: socketcall
ALLOW 0<38: socket
ALLOW 0==39: socket
ALLOW 0>40: socket
keep 28

docker 29.4.3 29.7.2 moby/moby docker-v29.4.3 vendor/github.com/moby/profiles/seccomp/default.json
change +socketcall
keep 1
drop 1
keep 31

podman 0.44.0 0.46.0 containers/common v0.44.0 pkg/seccomp/seccomp.json
default ERRNO=38
archMap X86_64:X86,X32 AARCH64:ARM MIPS64:MIPS,MIPS64N32 MIPS64N32:MIPS,MIPS64
  MIPSEL64:MIPSEL,MIPSEL64N32 MIPSEL64N32:MIPSEL,MIPSEL64 S390X:S390
ERRNO=1: bdflush io_pgetevents kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice
  oldfstat oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write
  sgetmask ssetmask swapcontext swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old vmsplice
ALLOW: _llseek _newselect accept accept4 access adjtimex alarm bind brk capget capset chdir chmod
  chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 clone clone3 close close_range connect
  copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod
  fchmodat fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork
  fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstat64 fstatat64 fstatfs fstatfs64
  fsync ftruncate ftruncate64 futex futex_time64 futimesat get_mempolicy get_robust_list
  get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
  getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority
  getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
  getsockopt gettid gettimeofday getuid getuid32 getxattr inotify_add_watch inotify_init
  inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioctl
  ioprio_get ioprio_set ipc keyctl kill lchown lchown32 lgetxattr link linkat listen listxattr
  llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise mbind memfd_create memfd_secret
  mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mount move_mount mprotect
  mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  name_to_handle_at nanosleep newfstatat open open_tree openat openat2 pause pidfd_getfd pidfd_open
  pidfd_send_signal pipe pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll ppoll
  ppoll_time64 prctl pread64 preadv preadv2 prlimit64 pselect6 pselect6_time64 pwrite64 pwritev
  pwritev2 read readahead readdir readlink readlinkat readv reboot recv recvfrom recvmmsg
  recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall
  rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
  sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64
  send sendfile sendfile64 sendmmsg sendmsg sendto set_mempolicy set_robust_list set_thread_area
  set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
  setitimer setns setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
  setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr shmat shmctl
  shmdt shmget shutdown sigaltstack signalfd signalfd4 sigreturn socketcall socketpair splice stat
  stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo syslog tee
  tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask umount umount2 uname unlink
  unlinkat unshare utime utimensat utimensat_time64 utimes vfork wait4 waitid waitpid write writev
ALLOW 0==0: personality
ALLOW 0==8: personality
ALLOW 0==0x20000: personality
ALLOW 0==0x20008: personality
ALLOW 0==0xffffffff: personality
ALLOW @ppc64le: sync_file_range2
ALLOW @arm @arm64: arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls
  sync_file_range2
ALLOW @amd64 @x32: arch_prctl
ALLOW @amd64 @x32 @x86: modify_ldt
ALLOW @s390 @s390x: s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr
ALLOW +DAC_READ_SEARCH: open_by_handle_at
ERRNO=1 -DAC_READ_SEARCH: open_by_handle_at
ALLOW +SYS_ADMIN: bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname
  sethostname setns
ERRNO=1 -SYS_ADMIN: bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname
  sethostname setns
ALLOW +SYS_CHROOT: chroot
ERRNO=1 -SYS_CHROOT: chroot
ALLOW +SYS_MODULE: delete_module finit_module init_module query_module
ERRNO=1 -SYS_MODULE: delete_module finit_module init_module query_module
ALLOW +SYS_PACCT: acct
ERRNO=1 -SYS_PACCT: acct
ALLOW +SYS_PTRACE: kcmp process_madvise process_vm_readv process_vm_writev ptrace
ERRNO=1 -SYS_PTRACE: kcmp process_madvise process_vm_readv process_vm_writev ptrace
ALLOW +SYS_RAWIO: ioperm iopl
ERRNO=1 -SYS_RAWIO: ioperm iopl
ALLOW +SYS_TIME: clock_settime clock_settime64 settimeofday stime
ERRNO=1 -SYS_TIME: clock_settime clock_settime64 settimeofday stime
ALLOW +SYS_TTY_CONFIG: vhangup
ERRNO=1 -SYS_TTY_CONFIG: vhangup
ERRNO=22 -AUDIT_WRITE 0==16 2==9: socket
ALLOW -AUDIT_WRITE 2!=9: socket
ALLOW -AUDIT_WRITE 0!=16: socket
ALLOW -AUDIT_WRITE 2!=9: socket
ALLOW +AUDIT_WRITE: socket

podman 0.47.0 0.47.5 containers/common v0.47.0 pkg/seccomp/seccomp.json
keep 35

podman 0.48.0 0.48.0 containers/common v0.48.0 pkg/seccomp/seccomp.json
keep 1
change +membarrier +mount_setattr +process_mrelease +process_vm_readv +process_vm_writev +ptrace
  +sigaction +signal +sigpending +sigprocmask +sigsuspend +syscall +timerfd
keep 20
change -process_vm_readv -process_vm_writev -ptrace
change -process_vm_readv -process_vm_writev -ptrace
keep 11

podman 0.49.0 0.57.7 containers/common v0.49.0 pkg/seccomp/seccomp.json
keep 1
change +landlock_add_rule +landlock_create_ruleset +landlock_restrict_self
keep 33

podman 0.58.0 0.59.2 containers/common v0.58.0 pkg/seccomp/seccomp.json
keep 1
change +fchmodat2
keep 33

podman 0.60.0 0.62.3 containers/common v0.60.0 pkg/seccomp/seccomp.json
change -swapcontext +cachestat +futex_requeue +futex_wait +futex_waitv +futex_wake
  +io_pgetevents_time64 +map_shadow_stack +syscall
change -readdir -sigaction -sigpending -sigsuspend -syscall -timerfd
keep 5
change +swapcontext
keep 4
ALLOW @riscv64: riscv_flush_icache
keep 2
change -perf_event_open +quotactl_fd
change -bpf +quotactl_fd
keep 19
ERRNO=1 -SYS_ADMIN -BPF: bpf
ALLOW +BPF: bpf
ERRNO=1 -SYS_ADMIN -BPF: perf_event_open
ALLOW +PERFMON: perf_event_open

podman 0.63.0 0.64.1 containers/common v0.63.0 pkg/seccomp/seccomp.json
keep 1
change +fanotify_init
keep 13
change -fanotify_init
change -fanotify_init
keep 23
`;
