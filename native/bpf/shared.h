// What the BPF programs and the tracer in user space both know: plain data, fixed sizes.
#ifndef SYSIEVE_BPF_SHARED_H_
#define SYSIEVE_BPF_SHARED_H_

#ifdef __cplusplus
#include <linux/types.h>
#endif

// Calls below this number are counted in a per-CPU array, all others in a hash. Linux assigns the
// same numbers on every architecture since 5.x and is at about 470, so this leaves years.
#define SYSIEVE_NUMBERS 512
// Of each group: its executables; the first few are the phases before the application.
#define SYSIEVE_SLOT_BITS 7
#define SYSIEVE_SLOTS (1 << SYSIEVE_SLOT_BITS)
// Containers that are told apart at one time, where more than one target is recorded.
#define SYSIEVE_GROUPS 512
#define SYSIEVE_GROUP_NONE 0xffffffffU
// Containers that are started at one time and followed by nobody.
#define SYSIEVE_NEWCOMERS 1024
// Digits of a container's id.
#define SYSIEVE_ID 64
#define SYSIEVE_PATH 256
#define SYSIEVE_NAME 128
#define SYSIEVE_NAMESPACES 1024
// Register arguments kept of one call, and distinct tuples of them; of denied ones as many again.
#define SYSIEVE_ARGUMENTS 3
#define SYSIEVE_TUPLES 128
#define SYSIEVE_TRACKED_CALLS 128
// Set in the counts of tracked calls, so that the counting path needs no look-up to tell them.
#define SYSIEVE_TRACKED (1ULL << 63)
// A direct-mapped table: 2^15 tasks of 8 bytes. Thread ids that fall on one place go to a hash.
#define SYSIEVE_TASK_BITS 15
#define SYSIEVE_TASKS (1 << SYSIEVE_TASK_BITS)

// What a slot is within its group; the slot of a task has the group above these bits.
enum sysieve_slot {
  SLOT_UNKNOWN = 0,     // the application, by an executable that has no slot of its own
  SLOT_SETUP = 1,       // the runtime before a filter is in place
  SLOT_RUNTIME = 2,     // the runtime under the filter
  SLOT_EXEC_SETUP = 3,  // the same two, of what enters a running container
  SLOT_EXEC = 4,
  SLOT_GUEST = 5,    // forked into the pid namespace: ours, or another container that shares it
  SLOT_JOINING = 6,  // called setns: looked at again at its next call
  SLOT_FIRST_EXECUTABLE = 8,
};

// Programs at each of the two syscall tracepoints where they can be preempted; see
// sysieve_config.copies.
#define SYSIEVE_COPIES 3

enum sysieve_state {
  STATE_UNKNOWN = 0,  // found running: may be inside a call whose enter was not seen
  STATE_IN_CALL = 1,
  STATE_OUT = 2,
  STATE_KILLED = 3,  // outside, after a call that a filter trapped or killed
};
// Beside the state a bit for each copy of the exit program: an earlier one has seen to this exit.
#define STATE_SEEN(copy) (0x80 >> ((copy)-1))
#define STATE_MASK 0x3f

// Which execve ends the phases of setup. EXEC_ANY: each. EXEC_FILTER: one under a filter that the
// engine itself does not run under. EXEC_NAMESPACE, where no filter is expected: also any
// that is not the runtime's execve of its own copy; of what entered, one in the target's namespaces
// or cgroup.
enum sysieve_exec_rule { EXEC_ANY = 0, EXEC_NAMESPACE = 1, EXEC_FILTER = 2 };

enum sysieve_abi { ABI_X86_64 = 0, ABI_I386 = 1, ABI_X32 = 2 };

struct sysieve_task {
  __u32 tid;
  __u16 slot;
  // TASK_COLLIDED, and below it the filters that it carried as it joined: whatever an engine itself
  // runs under is inherited and says nothing about the container. Changed in one step alone, as the
  // two have different writers.
  __u8 marks;
  __u8 state;
};

#define TASK_COLLIDED 0x80  // of the place in the table, whoever holds it
#define TASK_BASE_FILTERS 0x7f
#define TASK_MARKS_SHIFT 48

// To claim a place in one step.
union sysieve_task_word {
  struct sysieve_task task;
  __u64 word;
};

struct sysieve_path {
  __u32 group;
  char text[SYSIEVE_PATH];
};

// What list_tasks writes of each task, in user space's numbers; behind it, with LISTED_PATH, the
// parts of its executable's path from the last to the first.
enum sysieve_listed_flag {
  LISTED_EXITING = 1,
  LISTED_FILTERED = 2,
  LISTED_PATH = 4,
  LISTED_DELETED = 8,
};

struct sysieve_listed {
  __u32 tid;
  __u32 tgid;
  __u32 parent;
  __u32 flags;
  __u64 start_ns;  // since boot
  __u32 mount_namespace;
  __u32 pid_namespace;
};

// PART_END: there are no more. PART_LOST: there are no more, and they are not the path.
enum sysieve_part_kind { PART_NAME = 0, PART_END = 1, PART_LOST = 2 };
// As many as the kernel's buffer for one task holds.
#define SYSIEVE_PARTS 100

struct sysieve_part {
  __u32 kind;
  char text[SYSIEVE_PATH];
};

struct sysieve_id {
  char text[SYSIEVE_ID];
};

struct sysieve_name {
  char text[SYSIEVE_NAME];
};

enum sysieve_namespace_kind { NAMESPACE_MOUNT = 0, NAMESPACE_PID = 1 };

struct sysieve_namespace {
  __u32 kind;
  __u32 inode;
};

struct sysieve_namespace_owner {
  __u32 generation;
  __u32 group;
};

struct sysieve_call_key {
  __u32 number;
  __u16 slot;
  __u8 abi;
  __u8 denied;  // of tuple_overflow alone
  __u32 error;  // 0 in the map of calls; in the map of denials the errno, 0 for killed or trapped
};

struct sysieve_call {
  __u64 count;
  __u64 first_ns;
};

// How the arguments of a call are read; index: number, plus SYSIEVE_NUMBERS for i386.
struct sysieve_tracked {
  __u32 arguments;  // 0: not tracked
  __u32 memory;     // the value is the word that argument 0 points to
  __u32 index[SYSIEVE_ARGUMENTS];
  __u32 ordinal;  // among the tracked, below SYSIEVE_TRACKED_CALLS
  __u64 mask[SYSIEVE_ARGUMENTS];
};

struct sysieve_tuple_key {
  __u32 number;
  __u16 slot;  // of the application 0 in its group, whichever executable
  __u8 abi;
  __u8 denied;  // 1: of calls that a filter answered
  __u64 values[SYSIEVE_ARGUMENTS];
};

struct sysieve_tuple {
  __u64 count;
  __u64 slots[SYSIEVE_SLOTS / 64];  // a bit for each slot that it was made in
};

struct sysieve_cgroup_key {
  __u64 id;
  __u32 hierarchy;
  __u32 pad;
};

// Set by user space; read-mostly, so apart from the counters' cache lines.
struct sysieve_config {
  __u64 start_ns;
  __u32 watch_denied;
  __u32 exec_rule;
  __u32 outer_mount_namespace;
  __u32 follow_namespaces;
  // The kernel skips a program on a CPU where another task is inside it. That cannot be unless
  // tasks are preempted in there, which they are at the syscall tracepoints since Linux 7.x (with
  // the support of sleepable programs there). Then there are copies of the two programs: what one
  // missed the next one catches, which takes the state of each task, kept at enter and exit.
  __u32 copies;
  __u32 watch_unfollowed;
};

// Of a container that was not followed from when its runtime put a first process into it.
enum sysieve_unfollowed {
  UNFOLLOWED_SETUP = 1,     // all of it is the runtime's still
  UNFOLLOWED_EXECUTED = 2,  // something of it executed, or was not watched
};

enum sysieve_group_state {
  GROUP_FREE = 0,
  GROUP_USED = 1,
  GROUP_IGNORED = 2,  // a container that nobody wants: its tasks leave the table at their next call
};

// One target: the only one, or a container among many.
struct sysieve_group {
  __s64 live;
  __s64 live_application;
  __u64 starts;
  __u64 lost_calls;
  __u64 lost_tasks;
  __u64 lost_namespaces;
  __u64 lost_cgroups;
  __u64 lost_executables;
  __u64 truncated_paths;
  __u64 missed_enters;  // calls known by their exits alone
  __u64 listeners;      // seccomp listeners made while nobody watched what they answer
  __u64 born_ns;
  __s32 cgroups;  // that are there, where many targets are recorded
  __u32 state;
  __u32 next_slot;
  // Raised when the last application task ends. Namespaces are known by inode numbers, which the
  // kernel gives to others once these are gone: an entry is good for its generation alone.
  __u32 generation;
  struct sysieve_id id;
};

struct sysieve_counters {
  __u64 newest_ns;
  __u64 lost_groups;
  __u32 filtered;  // an application task runs under a filter
  __u32 pad;
};

// Adjacent thread ids land on different cache lines: their tasks run on different CPUs and each
// writes its own entry on every call while denials are watched.
static inline __u32 sysieve_task_index(__u32 tid) {
  return ((tid << 3) | ((tid >> (SYSIEVE_TASK_BITS - 3)) & 7)) & (SYSIEVE_TASKS - 1);
}

#endif  // SYSIEVE_BPF_SHARED_H_
