/**
 * What each call does, and what its parameters are called: in the kernel's prototypes
 * (include/linux/syscalls.h, Linux v6.18) or their manual pages, in the order of x86_64. Kept out of
 * the other tables' index: only who explains a call needs it.
 */

/** "name parameters…: sentence"; ? where the parameters are not known. */
const LISTED = `
_llseek fd offset_high offset_low result whence: Moves the position in a file, with 64-bit offsets on 32-bit systems.
_newselect nfds readfds writefds exceptfds timeout: Waits until one of a set of descriptors is ready.
_sysctl args: Reads or wrote kernel settings; removed in Linux 5.5.
accept fd addr addrlen: Takes the next connection from a listening socket.
accept4 fd addr addrlen flags: Takes the next connection from a listening socket, with flags for the new one.
access pathname mode: Asks whether the process may read, write or execute a file.
acct filename: Turns the kernel's log of ended processes on or off.
add_key type description payload plen keyring: Adds a key to one of the kernel's keyrings.
adjtimex buf: Reads or tunes the kernel's clock.
afs_syscall ?: Never part of Linux; the number is reserved.
alarm seconds: Sends SIGALRM to the process after some seconds.
arch_prctl op addr: Sets or reads state of the x86 processor that belongs to a thread.
arm_fadvise64_64 fd advice offset len: As fadvise64, with the arguments in an order that suits ARM.
arm_sync_file_range fd flags offset nbytes: As sync_file_range, with the arguments in an order that suits ARM.
bdflush func data: Tuned the kernel's write-back of buffers; does nothing any more.
bind fd addr addrlen: Gives a socket an address of its own.
bpf cmd attr size: Loads BPF programs into the kernel, and works with them and their maps.
break ?: Never part of Linux; the number is reserved.
breakpoint: Raises SIGTRAP, as a breakpoint in the code does (ARM).
brk brk: Moves the end of the heap.
cacheflush start end flags: Makes new code in memory visible to the processor (ARM).
cachestat fd cstat_range cstat flags: Says how much of a file is in the page cache.
capget header data: Reads the capabilities of a thread.
capset header data: Sets the capabilities of the calling thread.
chdir path: Changes the working directory.
chmod pathname mode: Changes the permissions of a file.
chown pathname owner group: Changes the owner and group of a file.
chroot path: Changes the root directory of the process.
clock_adjtime clockid buf: Reads or tunes a clock.
clock_getres clockid res: Reads the resolution of a clock.
clock_gettime clockid tp: Reads a clock.
clock_nanosleep clockid flags request remain: Sleeps by a clock of choice.
clock_settime clockid tp: Sets a clock.
clone flags stack parent_tid child_tid tls: Makes a thread or process; its flags can give it new namespaces.
clone3 cl_args size: Makes a thread or process as told by a struct in memory, namespaces included.
close fd: Closes a descriptor.
close_range first last flags: Closes all descriptors of a range, or marks them to be closed at execve.
connect fd addr addrlen: Connects a socket to an address.
copy_file_range fd_in off_in fd_out off_out len flags: Copies between files inside the kernel.
creat pathname mode: Creates or empties a file and opens it for writing.
create_module name size: Made room for a kernel module; removed in Linux 2.6.
delete_module name flags: Unloads a kernel module.
dup oldfd: Duplicates a descriptor.
dup2 oldfd newfd: Duplicates a descriptor to a number of choice.
dup3 oldfd newfd flags: Duplicates a descriptor to a number of choice, with flags.
epoll_create size: Makes an epoll instance.
epoll_create1 flags: Makes an epoll instance, with flags.
epoll_ctl epfd op fd event: Adds a descriptor to an epoll instance, changes or removes it.
epoll_ctl_old ?: Never part of Linux; an early form of epoll_ctl.
epoll_pwait epfd events maxevents timeout sigmask sigsetsize: Waits for events of an epoll instance, with another signal mask meanwhile.
epoll_pwait2 epfd events maxevents timeout sigmask sigsetsize: As epoll_pwait, with a timeout in nanoseconds.
epoll_wait epfd events maxevents timeout: Waits for events of an epoll instance.
epoll_wait_old ?: Never part of Linux; an early form of epoll_wait.
eventfd count: Makes a descriptor that counts events.
eventfd2 count flags: Makes a descriptor that counts events, with flags.
execve pathname argv envp: Runs another program in place of the calling one.
execveat dirfd pathname argv envp flags: Runs the program that a descriptor or a path beneath one names.
exit status: Ends the calling thread.
exit_group status: Ends the process with all its threads.
faccessat dirfd pathname mode: Asks whether the process may use a file beneath a directory descriptor.
faccessat2 dirfd pathname mode flags: As faccessat, with flags.
fadvise64 fd offset len advice: Tells the kernel how a part of a file will be used.
fallocate fd mode offset len: Reserves or frees the space of a part of a file.
fanotify_init flags event_f_flags: Makes a group that watches, or decides on, the use of files.
fanotify_mark fanotify_fd flags mask dirfd pathname: Says which files or mounts a fanotify group watches.
fchdir fd: Changes the working directory to an open one.
fchmod fd mode: Changes the permissions of an open file.
fchmodat dirfd pathname mode: Changes the permissions of a file beneath a directory descriptor.
fchmodat2 dirfd pathname mode flags: As fchmodat, with flags.
fchown fd owner group: Changes the owner and group of an open file.
fchownat dirfd pathname owner group flags: Changes the owner of a file beneath a directory descriptor.
fcntl fd cmd arg: Works on a descriptor: duplicates it, sets flags, locks its file.
fdatasync fd: Writes a file's data to the disk.
fgetxattr fd name value size: Reads an extended attribute of an open file.
file_getattr dirfd pathname ufattr usize flags: Reads a file's inode flags and project id.
file_setattr dirfd pathname ufattr usize flags: Sets a file's inode flags and project id.
finit_module fd param_values flags: Loads a kernel module from an open file.
flistxattr fd list size: Lists the extended attributes of an open file.
flock fd operation: Locks an open file as a whole.
fork: Makes a process that is a copy of the caller.
fremovexattr fd name: Removes an extended attribute of an open file.
fsconfig fd cmd key value aux: Sets options of a file system that is about to be mounted.
fsetxattr fd name value size flags: Sets an extended attribute of an open file.
fsmount fs_fd flags attr_flags: Makes a mount of a file system that fsopen and fsconfig prepared.
fsopen fsname flags: Begins to prepare a file system for mounting.
fspick dirfd path flags: Begins to change the options of a mounted file system.
fstat fd statbuf: Reads the size, owner, times and mode of an open file.
fstatfs fd buf: Reads the size and use of the file system an open file is on.
fsync fd: Writes a file's data and metadata to the disk.
ftime ?: Never implemented; the number is reserved.
ftruncate fd length: Sets the length of an open file.
futex uaddr op val timeout uaddr2 val3: Waits on, or wakes waiters of, a word in memory: what locks are made of.
futex_requeue waiters flags nr_wake nr_requeue: Wakes some waiters of a futex and moves others to a second one.
futex_wait uaddr val mask flags timeout clockid: Waits on a futex of the newer kind.
futex_waitv waiters nr_futexes flags timeout clockid: Waits on several futexes at once.
futex_wake uaddr mask nr flags: Wakes waiters of a futex of the newer kind.
futimesat dirfd pathname times: Sets the times of a file beneath a directory descriptor.
get_kernel_syms table: Listed the kernel's symbols; removed in Linux 2.6.
get_mempolicy mode nodemask maxnode addr flags: Reads from which memory nodes memory is taken.
get_robust_list pid head_ptr len_ptr: Reads a thread's list of locks to release at its end.
get_thread_area u_info: Reads a thread-local segment of the x86 processor.
get_tls: Reads the thread pointer (ARM).
getcpu cpu node cache: Says on which processor and node the thread runs.
getcwd buf size: Reads the path of the working directory.
getdents fd dirp count: Reads entries of a directory.
getdents64 fd dirp count: Reads entries of a directory, with 64-bit fields.
getegid: Reads the effective group id.
geteuid: Reads the effective user id.
getgid: Reads the real group id.
getgroups size list: Reads the supplementary groups.
getitimer which curr_value: Reads an interval timer of the process.
getpeername fd addr addrlen: Reads the address at the other end of a socket.
getpgid pid: Reads the process group of a process.
getpgrp: Reads the caller's process group.
getpid: Reads the caller's process id.
getpmsg ?: Never part of Linux; a call of STREAMS.
getppid: Reads the id of the parent process.
getpriority which who: Reads the nice value of processes.
getrandom buf buflen flags: Fills a buffer with random bytes.
getresgid rgid egid sgid: Reads the real, effective and saved group ids.
getresuid ruid euid suid: Reads the real, effective and saved user ids.
getrlimit resource rlim: Reads a resource limit.
getrusage who usage: Reads how much of the system's resources was used.
getsid pid: Reads the session of a process.
getsockname fd addr addrlen: Reads a socket's own address.
getsockopt fd level optname optval optlen: Reads an option of a socket.
gettid: Reads the caller's thread id.
gettimeofday tv tz: Reads the time of day.
getuid: Reads the real user id.
getxattr path name value size: Reads an extended attribute of a file.
getxattrat dirfd path at_flags name uargs usize: Reads an extended attribute beneath a directory descriptor.
gtty ?: Never implemented; the number is reserved.
idle: Made the caller the kernel's idle process; removed in Linux 2.6.
init_module module_image len param_values: Loads a kernel module from memory.
inotify_add_watch fd pathname mask: Watches a file or directory for changes.
inotify_init: Makes an instance that reports changes of files.
inotify_init1 flags: Makes an instance that reports changes of files, with flags.
inotify_rm_watch fd wd: Ends the watch of a file or directory.
io_cancel ctx_id iocb result: Tries to cancel an asynchronous operation on a file.
io_destroy ctx_id: Removes a context of asynchronous operations.
io_getevents ctx_id min_nr nr events timeout: Reads which asynchronous operations are done.
io_pgetevents ctx_id min_nr nr events timeout usig: As io_getevents, with another signal mask meanwhile.
io_setup nr_events ctx_idp: Makes a context for asynchronous operations on files.
io_submit ctx_id nr iocbpp: Starts asynchronous operations on files.
io_uring_enter fd to_submit min_complete flags argp argsz: Starts or awaits operations of a ring; a filter sees none of them.
io_uring_register fd opcode arg nr_args: Gives a ring files, buffers and settings.
io_uring_setup entries params: Makes a ring through which operations pass without system calls.
ioctl fd request argp: Asks a driver, socket, terminal or file system for something special.
ioperm from num turn_on: Gives the thread access to I/O ports (x86).
iopl level: Gives the thread access to all I/O ports (x86).
ioprio_get which who: Reads the I/O priority of processes.
ioprio_set which who ioprio: Sets the I/O priority of processes.
ipc call first second third ptr fifth: All of System V IPC behind one number; which it is, is an argument.
kcmp pid1 pid2 type idx1 idx2: Tells whether two processes share a file, memory or other kernel object.
kexec_file_load kernel_fd initrd_fd cmdline_len cmdline flags: Loads another kernel to boot into, from files.
kexec_load entry nr_segments segments flags: Loads another kernel to boot into, from memory.
keyctl operation arg2 arg3 arg4 arg5: Reads, changes and links the kernel's keys and keyrings.
kill pid sig: Sends a signal to processes.
landlock_add_rule ruleset_fd rule_type rule_attr flags: Adds a rule to a Landlock ruleset.
landlock_create_ruleset attr size flags: Makes a Landlock ruleset: restrictions a process puts on itself.
landlock_restrict_self ruleset_fd flags: Puts a Landlock ruleset on the calling thread.
lchown pathname owner group: Changes the owner of a file, or of a symbolic link itself.
lgetxattr path name value size: Reads an extended attribute, of a symbolic link itself.
link oldpath newpath: Gives a file another name.
linkat olddirfd oldpath newdirfd newpath flags: Gives a file another name, with paths beneath directory descriptors.
listen fd backlog: Makes a socket take connections.
listmount req mnt_ids nr_mnt_ids flags: Lists the mounts beneath a mount.
listns req ns_ids nr_ns_ids flags: Lists namespaces.
listxattr path list size: Lists the extended attributes of a file.
listxattrat dirfd path at_flags list size: Lists the extended attributes beneath a directory descriptor.
llistxattr path list size: Lists extended attributes, of a symbolic link itself.
lock ?: Never implemented; the number is reserved.
lookup_dcookie cookie buffer len: Turned a profiler's cookie into a path; removed in Linux 6.8.
lremovexattr path name: Removes an extended attribute, of a symbolic link itself.
lseek fd offset whence: Moves the position in a file.
lsetxattr path name value size flags: Sets an extended attribute, of a symbolic link itself.
lsm_get_self_attr attr ctx size flags: Reads what the security modules say of the calling thread.
lsm_list_modules ids size flags: Lists the active security modules.
lsm_set_self_attr attr ctx size flags: Sets what a security module says of the calling thread.
lstat pathname statbuf: Reads size, owner, times and mode, of a symbolic link itself.
madvise addr length advice: Tells the kernel how memory will be used.
map_shadow_stack addr size flags: Maps a shadow stack for return addresses.
mbind addr len mode nodemask maxnode flags: Sets from which memory nodes a range of memory is taken.
membarrier cmd flags cpu_id: Orders the memory accesses of all threads.
memfd_create name flags: Makes a file that lies in memory alone.
memfd_secret flags: Makes memory that not even the kernel can read through its own mapping.
migrate_pages pid maxnode old_nodes new_nodes: Moves a process's memory to other memory nodes.
mincore addr length vec: Says which pages are in memory.
mkdir pathname mode: Makes a directory.
mkdirat dirfd pathname mode: Makes a directory beneath a directory descriptor.
mknod pathname mode dev: Makes a file, pipe, socket or device node.
mknodat dirfd pathname mode dev: Makes a file, pipe, socket or device node beneath a directory descriptor.
mlock addr len: Keeps memory from being swapped out.
mlock2 addr len flags: Keeps memory from being swapped out, with flags.
mlockall flags: Keeps all memory of the process from being swapped out.
mmap addr length prot flags fd offset: Maps memory or a file.
mmap2 addr length prot flags fd pgoffset: Maps memory or a file, with the offset in pages.
modify_ldt func ptr bytecount: Reads or writes the process's table of x86 segments.
mount source target filesystemtype mountflags data: Mounts a file system, or changes a mount.
mount_setattr dirfd pathname flags attr size: Changes properties of a mount, or of all mounts beneath it.
move_mount from_dirfd from_path to_dirfd to_path flags: Moves a mount, or puts a new one into place.
move_pages pid count pages nodes status flags: Moves pages of a process to other memory nodes.
mprotect addr len prot: Changes whether memory may be read, written and executed.
mpx ?: Never implemented; the number is reserved.
mq_getsetattr mqdes newattr oldattr: Reads or sets the attributes of a message queue.
mq_notify mqdes sevp: Asks to be told when a message queue gets a message.
mq_open name oflag mode attr: Opens or makes a message queue.
mq_timedreceive mqdes msg_ptr msg_len msg_prio abs_timeout: Takes a message from a message queue.
mq_timedsend mqdes msg_ptr msg_len msg_prio abs_timeout: Puts a message into a message queue.
mq_unlink name: Removes a message queue.
mremap old_address old_size new_size flags new_address: Grows, shrinks or moves a mapping.
mseal addr len flags: Keeps a mapping from being changed or removed.
msgctl msqid cmd buf: Reads, sets or removes a System V message queue.
msgget key msgflg: Opens or makes a System V message queue.
msgrcv msqid msgp msgsz msgtyp msgflg: Takes a message from a System V message queue.
msgsnd msqid msgp msgsz msgflg: Puts a message into a System V message queue.
msync addr length flags: Writes a file mapping back to its file.
munlock addr len: Lets locked memory be swapped out again.
munlockall: Lets all memory of the process be swapped out again.
munmap addr length: Removes a mapping.
name_to_handle_at dirfd pathname handle mount_id flags: Reads a handle of a file, by which it can be opened later.
nanosleep req rem: Sleeps.
newfstatat dirfd pathname statbuf flags: Reads size, owner, times and mode of a file beneath a directory descriptor.
nfsservctl cmd argp resp: Controlled the kernel's NFS server; removed in Linux 3.1.
nice inc: Changes the caller's nice value.
oldfstat fd statbuf: The first form of fstat.
oldlstat filename statbuf: The first form of lstat.
oldolduname name: The first form of uname.
oldstat filename statbuf: The first form of stat.
olduname name: The second form of uname.
open pathname flags mode: Opens or creates a file.
open_by_handle_at mount_fd handle flags: Opens a file by its handle, past the permissions of the directories above it.
open_tree dirfd path flags: Opens a mount, or makes a detached copy of it.
open_tree_attr dirfd path flags attr size: Opens a mount or a detached copy of it, and changes its properties.
openat dirfd pathname flags mode: Opens or creates a file beneath a directory descriptor.
openat2 dirfd pathname how size: Opens or creates a file as told by a struct in memory.
pause: Waits for a signal.
pciconfig_iobase which bus devfn: Reads where the memory of a PCI bus lies (ARM).
pciconfig_read bus dfn off len buf: Reads the configuration of a PCI device (ARM).
pciconfig_write bus dfn off len buf: Writes the configuration of a PCI device (ARM).
perf_event_open attr pid cpu group_fd flags: Counts or samples what processor and kernel do.
personality persona: Sets how the kernel behaves towards old programs; can turn off ASLR.
pidfd_getfd pidfd targetfd flags: Takes a copy of a descriptor from another process.
pidfd_open pid flags: Opens a descriptor of a process.
pidfd_send_signal pidfd sig info flags: Sends a signal to the process of a descriptor.
pipe pipefd: Makes a pipe.
pipe2 pipefd flags: Makes a pipe, with flags.
pivot_root new_root put_old: Changes the root mount of the mount namespace.
pkey_alloc flags access_rights: Allocates a protection key for memory.
pkey_free pkey: Frees a protection key for memory.
pkey_mprotect addr len prot pkey: As mprotect, and puts a protection key on the memory.
poll fds nfds timeout: Waits until one of a list of descriptors is ready.
ppoll fds nfds tmo_p sigmask sigsetsize: As poll, with another signal mask meanwhile.
prctl option arg2 arg3 arg4 arg5: Reads or sets properties of the calling thread or process.
pread64 fd buf count offset: Reads from a file at an offset.
preadv fd iov iovcnt pos_l pos_h: Reads from a file at an offset into several buffers.
preadv2 fd iov iovcnt pos_l pos_h flags: As preadv, with flags.
prlimit64 pid resource new_limit old_limit: Reads or sets a resource limit, also of another process.
process_madvise pidfd iovec vlen advice flags: As madvise, for the memory of another process.
process_mrelease pidfd flags: Frees the memory of a process that is being killed.
process_vm_readv pid local_iov liovcnt remote_iov riovcnt flags: Reads the memory of another process.
process_vm_writev pid local_iov liovcnt remote_iov riovcnt flags: Writes the memory of another process.
prof ?: Never implemented; the number is reserved.
profil ?: Never implemented; the number is reserved.
pselect6 nfds readfds writefds exceptfds timeout sigmask: As select, with another signal mask meanwhile.
ptrace request pid addr data: Watches and controls another process: its memory, registers and calls.
putpmsg ?: Never part of Linux; a call of STREAMS.
pwrite64 fd buf count offset: Writes to a file at an offset.
pwritev fd iov iovcnt pos_l pos_h: Writes several buffers to a file at an offset.
pwritev2 fd iov iovcnt pos_l pos_h flags: As pwritev, with flags.
query_module name which buf bufsize ret: Asked about kernel modules; removed in Linux 2.6.
quotactl cmd special id addr: Reads and sets disk quotas.
quotactl_fd fd cmd id addr: Reads and sets disk quotas of the file system of a descriptor.
read fd buf count: Reads from a descriptor.
readahead fd offset count: Reads a part of a file into the page cache.
readdir fd dirp count: Reads one entry of a directory; replaced by getdents.
readlink pathname buf bufsiz: Reads where a symbolic link points.
readlinkat dirfd pathname buf bufsiz: Reads where a symbolic link beneath a directory descriptor points.
readv fd iov iovcnt: Reads from a descriptor into several buffers.
reboot magic magic2 op arg: Restarts or halts the machine, or what stands for it in a PID namespace.
recv fd buf len flags: Receives from a connected socket.
recvfrom fd buf len flags src_addr addrlen: Receives from a socket, with the sender's address.
recvmmsg fd msgvec vlen flags timeout: Receives several messages from a socket at once.
recvmsg fd msg flags: Receives from a socket, descriptors and credentials included.
remap_file_pages addr size prot pgoff flags: Reorders the pages of a file mapping.
removexattr path name: Removes an extended attribute of a file.
removexattrat dirfd path at_flags name: Removes an extended attribute beneath a directory descriptor.
rename oldpath newpath: Renames a file or directory.
renameat olddirfd oldpath newdirfd newpath: Renames a file, with paths beneath directory descriptors.
renameat2 olddirfd oldpath newdirfd newpath flags: As renameat, with flags: exchange, no replacement.
request_key type description callout_info dest_keyring: Looks a key up, and may start a program of the host to get it.
restart_syscall: Goes on with a call that a signal interrupted; the kernel makes programs call it.
rmdir pathname: Removes an empty directory.
rseq rseq rseq_len flags sig: Registers a thread's restartable sequences.
rseq_slice_yield: Gives back the time slice that an extension by rseq lengthened.
rt_sigaction signum act oldact sigsetsize: Sets what a signal does.
rt_sigpending set sigsetsize: Reads which signals wait to be delivered.
rt_sigprocmask how set oldset sigsetsize: Sets which signals are blocked.
rt_sigqueueinfo tgid sig info: Sends a signal with data to a process.
rt_sigreturn: Returns from a signal handler; the kernel makes programs call it.
rt_sigsuspend mask sigsetsize: Waits for a signal with another signal mask.
rt_sigtimedwait set info timeout sigsetsize: Takes a signal that waits to be delivered.
rt_tgsigqueueinfo tgid tid sig info: Sends a signal with data to a thread.
sched_get_priority_max policy: Reads the highest priority of a scheduling policy.
sched_get_priority_min policy: Reads the lowest priority of a scheduling policy.
sched_getaffinity pid cpusetsize mask: Reads on which processors a thread may run.
sched_getattr pid attr size flags: Reads a thread's scheduling policy and its parameters.
sched_getparam pid param: Reads a thread's scheduling priority.
sched_getscheduler pid: Reads a thread's scheduling policy.
sched_rr_get_interval pid tp: Reads the time slice of a thread.
sched_setaffinity pid cpusetsize mask: Sets on which processors a thread may run.
sched_setattr pid attr flags: Sets a thread's scheduling policy and its parameters.
sched_setparam pid param: Sets a thread's scheduling priority.
sched_setscheduler pid policy param: Sets a thread's scheduling policy.
sched_yield: Lets another thread run.
seccomp operation flags args: Puts a filter on the calling thread's system calls, or asks about filters.
security ?: Never part of Linux; the number is reserved.
select nfds readfds writefds exceptfds timeout: Waits until one of a set of descriptors is ready.
semctl semid semnum cmd arg: Reads, sets or removes System V semaphores.
semget key nsems semflg: Opens or makes a set of System V semaphores.
semop semid sops nsops: Counts System V semaphores up or down, and may wait for them.
semtimedop semid sops nsops timeout: As semop, with a timeout.
send fd buf len flags: Sends to a connected socket.
sendfile out_fd in_fd offset count: Copies from a file to a descriptor inside the kernel.
sendmmsg fd msgvec vlen flags: Sends several messages to a socket at once.
sendmsg fd msg flags: Sends to a socket, descriptors and credentials included.
sendto fd buf len flags dest_addr addrlen: Sends to a socket, to an address of choice.
set_mempolicy mode nodemask maxnode: Sets from which memory nodes the thread's memory is taken.
set_mempolicy_home_node start len home_node flags: Sets which memory node a range of memory prefers.
set_robust_list head len: Registers the list of locks to release at the thread's end.
set_thread_area u_info: Sets a thread-local segment of the x86 processor.
set_tid_address tidptr: Sets the word that the kernel clears at the thread's end.
set_tls addr: Sets the thread pointer (ARM).
setdomainname name len: Sets the NIS domain of the UTS namespace.
setfsgid fsgid: Sets the group id for access to files.
setfsuid fsuid: Sets the user id for access to files.
setgid gid: Sets the group id.
setgroups size list: Sets the supplementary groups.
sethostname name len: Sets the host name of the UTS namespace.
setitimer which new_value old_value: Sets an interval timer of the process.
setns fd nstype: Enters namespaces of another process.
setpgid pid pgid: Puts a process into a process group.
setpriority which who prio: Sets the nice value of processes.
setregid rgid egid: Sets the real and effective group ids.
setresgid rgid egid sgid: Sets the real, effective and saved group ids.
setresuid ruid euid suid: Sets the real, effective and saved user ids.
setreuid ruid euid: Sets the real and effective user ids.
setrlimit resource rlim: Sets a resource limit.
setsid: Makes a session with the caller at its head.
setsockopt fd level optname optval optlen: Sets an option of a socket.
settimeofday tv tz: Sets the time of day.
setuid uid: Sets the user id.
setxattr path name value size flags: Sets an extended attribute of a file.
setxattrat dirfd path at_flags name uargs usize: Sets an extended attribute beneath a directory descriptor.
sgetmask: Reads the mask of blocked signals; replaced by rt_sigprocmask.
shmat shmid shmaddr shmflg: Maps System V shared memory.
shmctl shmid cmd buf: Reads, sets or removes System V shared memory.
shmdt shmaddr: Removes a mapping of System V shared memory.
shmget key size shmflg: Opens or makes System V shared memory.
shutdown fd how: Ends one or both directions of a connection.
sigaction signum act oldact: Sets what a signal does; replaced by rt_sigaction.
sigaltstack ss old_ss: Sets the stack for signal handlers.
signal signum handler: Sets a signal's handler; replaced by rt_sigaction.
signalfd fd mask sizemask: Makes a descriptor from which signals are read.
signalfd4 fd mask sizemask flags: Makes a descriptor from which signals are read, with flags.
sigpending set: Reads which signals wait; replaced by rt_sigpending.
sigprocmask how set oldset: Sets which signals are blocked; replaced by rt_sigprocmask.
sigreturn: Returns from a signal handler; the kernel makes programs call it.
sigsuspend mask: Waits for a signal; replaced by rt_sigsuspend.
socket domain type protocol: Makes a socket; the domain decides which part of the kernel it reaches.
socketcall call args: All socket calls behind one number, their arguments behind a pointer.
socketpair domain type protocol sv: Makes two connected sockets.
splice fd_in off_in fd_out off_out len flags: Moves data between a pipe and a descriptor inside the kernel.
ssetmask newmask: Sets the mask of blocked signals; replaced by rt_sigprocmask.
stat pathname statbuf: Reads the size, owner, times and mode of a file.
statfs path buf: Reads the size and use of a file system.
statmount req buf bufsize flags: Reads the properties of a mount.
statx dirfd pathname flags mask statxbuf: Reads all that is known of a file, as far as a mask asks for it.
stime t: Sets the time of day, in seconds.
stty ?: Never implemented; the number is reserved.
swapoff path: Stops swapping to a file or device.
swapon path swapflags: Starts swapping to a file or device.
symlink target linkpath: Makes a symbolic link.
symlinkat target newdirfd linkpath: Makes a symbolic link beneath a directory descriptor.
sync: Writes all file systems' data to the disks.
sync_file_range fd offset nbytes flags: Writes a part of a file to the disk.
syncfs fd: Writes the data of one file system to the disk.
sysfs option arg1 arg2: Lists the types of file systems.
sysinfo info: Reads the uptime, load and memory of the machine.
syslog type bufp len: Reads or clears the kernel's log.
tee fd_in fd_out len flags: Copies data from one pipe to another.
tgkill tgid tid sig: Sends a signal to a thread.
time tloc: Reads the time of day, in seconds.
timer_create clockid sevp timerid: Makes a timer of the process.
timer_delete timerid: Removes a timer of the process.
timer_getoverrun timerid: Reads how often a timer went off unnoticed.
timer_gettime timerid curr_value: Reads when a timer goes off.
timer_settime timerid flags new_value old_value: Sets or stops a timer.
timerfd_create clockid flags: Makes a descriptor that becomes ready at a time.
timerfd_gettime fd curr_value: Reads when a timer descriptor becomes ready.
timerfd_settime fd flags new_value old_value: Sets when a timer descriptor becomes ready.
times buf: Reads how much processor time was used.
tkill tid sig: Sends a signal to a thread; replaced by tgkill.
truncate path length: Sets the length of a file.
tuxcall ?: Never part of Linux; a call of the TUX web server.
ugetrlimit resource rlim: Reads a resource limit.
ulimit ?: Never implemented; the number is reserved.
umask mask: Sets which permissions new files do not get.
umount target: Removes a mount.
umount2 target flags: Removes a mount, with flags.
uname buf: Reads the kernel's name and version and the host's name.
unlink pathname: Removes a name of a file, and the file with its last.
unlinkat dirfd pathname flags: Removes a file or directory beneath a directory descriptor.
unshare flags: Gives the caller namespaces of its own, user namespaces included.
uprobe: Stands for a probe in a program's code; only the kernel's trampoline makes it.
uretprobe: Ends a probed function; only the kernel's trampoline makes it.
uselib library: Loaded a shared library of an old binary format.
userfaultfd flags: Makes a descriptor by which a program handles its own page faults.
usr26: Switched to the 26-bit mode of old processors (ARM).
usr32: Switched back from the 26-bit mode of old processors (ARM).
ustat dev ubuf: Reads the free space of a file system by its device.
utime filename times: Sets the times of a file, in seconds.
utimensat dirfd pathname times flags: Sets the times of a file beneath a directory descriptor.
utimes filename times: Sets the times of a file.
vfork: Makes a process that runs in the caller's memory until it executes another program.
vhangup: Hangs up the caller's terminal.
vm86 fn v86: Runs 16-bit code in a virtual 8086 mode (x86).
vm86old v86: The first form of vm86.
vmsplice fd iov nr_segs flags: Puts memory into a pipe, or takes it from one.
vserver ?: Never part of Linux; the number is reserved.
wait4 pid wstatus options rusage: Waits for a child to change its state.
waitid which upid infop options rusage: Waits for a child to change its state, and may leave it as it is.
waitpid pid wstatus options: Waits for a child to change its state.
write fd buf count: Writes to a descriptor.
writev fd iov iovcnt: Writes several buffers to a descriptor.
`;

interface Entry {
  parameters: readonly string[] | null;
  summary: string;
}

let entries: Map<string, Entry> | null = null;

function table(): Map<string, Entry> {
  entries ??= new Map(
    LISTED.trim()
      .split('\n')
      .map((line): [string, Entry] => {
        const at = line.indexOf(': ');
        const [name = '', ...parameters] = line.slice(0, at).split(' ');
        const known = parameters[0] === '?' ? null : parameters;
        return [name, { parameters: known, summary: line.slice(at + 2) }];
      }),
  );
  return entries;
}

/** What the names of a 32-bit ABI's second forms say, and the first form. */
function widened(name: string): { base: string; by: string } | null {
  const [, base = '', suffix] = /^(\w+?)(_time64|_64|64|32)$/.exec(name) ?? [];
  if (suffix === undefined) return null;
  // newfstatat is what the 64-bit ABIs call it.
  if (base === 'fstatat') return { base: 'newfstatat', by: '64-bit sizes' };
  if (suffix === '32') return { base, by: '32-bit ids' };
  return { base, by: /time|clock/.test(name) ? '64-bit times' : '64-bit sizes' };
}

function entryOf(name: string): Entry | null {
  const entry = table().get(name);
  if (entry !== undefined) return entry;
  const wide = widened(name);
  const base = wide === null ? undefined : table().get(wide.base);
  if (wide === null || base === undefined) return null;
  return { ...base, summary: `${base.summary.slice(0, -1)} (${wide.by}).` };
}

/** One sentence; null: no call of this name is known. */
export function summaryOf(name: string): string | null {
  return entryOf(name)?.summary ?? null;
}

/**
 * In order; null: not known. A parameter of 64 bits takes two registers under a 32-bit ABI, which
 * moves those after it; clone's and sync_file_range's order differs between architectures.
 */
export function parametersOf(name: string): readonly string[] | null {
  return entryOf(name)?.parameters ?? null;
}
