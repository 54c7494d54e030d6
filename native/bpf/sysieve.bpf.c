// The recorder inside the kernel: decides whose task is calling and counts the call. Everything is
// aggregated in maps, so there is no buffer that could overflow; what a map cannot take is counted.
//
// Every hook exists twice: as tp_btf (typed arguments, direct loads) and as a raw tracepoint (reads
// through a helper) for kernels that refuse the first. User space loads one of the two sets.
#include "kernel.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "shared.h"

#define TS_COMPAT 0x0002
#define X32_BIT 0x40000000U
#define NR_SETNS_X86_64 308
#define NR_SETNS_I386 346
#define SIGKILL 9
#define NR_SECCOMP_X86_64 317
#define NR_SECCOMP_I386 354
#define FILTER_NEW_LISTENER 8
#define SIGSYS 31
#define EFAULT 14
#define ENOSYS 38
#define ERESTARTSYS 512
#define SIGNAL_GROUP_EXIT 0x4
#define PF_EXITING 0x4
#define MAX_ERRNO 4095
#define MAX_THREADS 512
#define MAX_FILTERS 32
#define MAX_CONTROLLERS 16

char LICENSE[] SEC("license") = "GPL";

struct sysieve_config config SEC(".data.config") = {};
// Whether many containers are recorded, each a group of its own. Constant once loaded: what the
// other mode needs costs nothing, as the verifier takes it out.
const volatile __u32 grouped SEC(".rodata.mode") = 0;
struct sysieve_counters counters = {};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SYSIEVE_TASKS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct sysieve_task);
} tasks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct sysieve_task);
} collided_tasks SEC(".maps");

struct slot_counts {
  __u64 n[SYSIEVE_NUMBERS];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SYSIEVE_SLOTS);
  __type(key, __u32);
  __type(value, struct slot_counts);
} counts SEC(".maps");

struct slot_first {
  __u32 ms[SYSIEVE_NUMBERS];  // since start, plus one; 0: not seen
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SYSIEVE_SLOTS);
  __type(key, __u32);
  __type(value, struct slot_first);
} first_seen SEC(".maps");

// i386 and x32 calls and numbers past the array; of many groups every call.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_call_key);
  __type(value, struct sysieve_call);
} other_calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_call_key);
  __type(value, struct sysieve_call);
} denied_calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * SYSIEVE_NUMBERS);
  __type(key, __u32);
  __type(value, struct sysieve_tracked);
} tracked SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_tuple_key);
  __type(value, struct sysieve_tuple);
} tuples SEC(".maps");

// Distinct tuples so far, by group, denied or not, and the ordinal of the call.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * SYSIEVE_TRACKED_CALLS);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, __u64);
} tuple_counts SEC(".maps");

// Calls whose tuple was not kept (error 0) or whose memory could not be read (error EFAULT).
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_call_key);
  __type(value, struct sysieve_call);
} tuple_overflow SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SYSIEVE_SLOTS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_path);
  __type(value, __u32);
} slot_by_path SEC(".maps");

// User space sets the sizes of these three where there are many.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct sysieve_group);
} groups SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, 1);
  __type(value, __u32);
} free_groups SEC(".maps");

// SYSIEVE_GROUP_NONE: a container that nobody wants.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_id);
  __type(value, __u32);
} group_by_id SEC(".maps");

// The group that each belongs to.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_cgroup_key);
  __type(value, __u32);
} cgroups SEC(".maps");

// Names of cgroups that match when they are made.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_name);
  __type(value, __u32);
} cgroup_names SEC(".maps");

// Namespaces whose tasks belong to the target.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SYSIEVE_NAMESPACES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_namespace);
  __type(value, struct sysieve_namespace_owner);
} namespaces SEC(".maps");

// By process: the container that it was put into, which nobody follows, until it executes
// something.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SYSIEVE_NEWCOMERS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct sysieve_id);
} newcomers SEC(".maps");

// By container that nobody followed when its runtime put something into it: a sysieve_unfollowed.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SYSIEVE_NEWCOMERS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sysieve_id);
  __type(value, __u32);
} unfollowed SEC(".maps");

// Scratch for the exec program alone: two programs may interleave on one CPU.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sysieve_path);
} exec_scratch SEC(".maps");

#define count(counter) __sync_fetch_and_add(&(counter), 1)

#define NO_GROUP (-1)

static __always_inline __u32 group_of(__u32 slot) {
  return grouped ? slot >> SYSIEVE_SLOT_BITS : 0;
}

static __always_inline __u32 local_slot(__u32 slot) { return slot & (SYSIEVE_SLOTS - 1); }

static __always_inline __u32 slot_in(__u32 group, __u32 local) {
  return grouped ? group << SYSIEVE_SLOT_BITS | local : local;
}

static __always_inline struct sysieve_group *find_group(__u32 group) {
  return bpf_map_lookup_elem(&groups, &group);
}

// Every way in which a group can miss something has its counter there.
#define count_lost(group, what)                       \
  do {                                                \
    struct sysieve_group *losing = find_group(group); \
    if (losing) count(losing->what);                  \
  } while (0)

static __always_inline bool is_ignored(__u32 slot) {
  if (!grouped) return false;
  struct sysieve_group *group = find_group(group_of(slot));
  return group && group->state == GROUP_IGNORED;
}

static __always_inline bool is_application(__u32 slot) {
  __u32 local = local_slot(slot);
  return local == SLOT_UNKNOWN || local >= SLOT_FIRST_EXECUTABLE;
}

static __always_inline struct sysieve_task *find_task(__u32 tid) {
  __u32 index = sysieve_task_index(tid);
  struct sysieve_task *task = bpf_map_lookup_elem(&tasks, &index);
  if (!task) return 0;
  if (task->tid == tid) return task;
  if (!(task->marks & TASK_COLLIDED)) return 0;
  return bpf_map_lookup_elem(&collided_tasks, &tid);
}

static __always_inline void count_live(__u32 slot, __s64 by) {
  if (local_slot(slot) == SLOT_JOINING) return;
  struct sysieve_group *group = find_group(group_of(slot));
  if (!group) return;
  __sync_fetch_and_add(&group->live, by);
  if (!is_application(slot)) return;
  if (__sync_fetch_and_add(&group->live_application, by) + by == 0) count(group->generation);
}

static __always_inline void release_task(__u32 tid) {
  __u32 index = sysieve_task_index(tid);
  struct sysieve_task *task = bpf_map_lookup_elem(&tasks, &index);
  if (!task) return;
  if (task->tid == tid) {
    count_live(task->slot, -1);
    task->slot = SLOT_UNKNOWN;
    task->state = STATE_UNKNOWN;
    // Last: from here on another CPU may claim the place.
    __sync_lock_test_and_set(&task->tid, 0);
  } else if (task->marks & TASK_COLLIDED) {
    struct sysieve_task *other = bpf_map_lookup_elem(&collided_tasks, &tid);
    if (!other) return;
    count_live(other->slot, -1);
    bpf_map_delete_elem(&collided_tasks, &tid);
  }
}

static __always_inline void set_base_filters(struct sysieve_task *task, __u32 base) {
  __u64 differing = (task->marks ^ base) & TASK_BASE_FILTERS;
  if (differing) __sync_fetch_and_xor((__u64 *)task, differing << TASK_MARKS_SHIFT);
}

// `base`: the seccomp filters that are none of the target's own; see sysieve_task.
static __always_inline void claim_task(__u32 tid, __u32 slot, __u32 state, __u32 base) {
  __u32 index = sysieve_task_index(tid);
  struct sysieve_task *task = bpf_map_lookup_elem(&tasks, &index);
  if (!task) return;
  if (base > TASK_BASE_FILTERS) base = TASK_BASE_FILTERS;
  union sysieve_task_word fresh = {
      .task = {.tid = tid, .slot = slot, .marks = base, .state = state}};
  // In one step: a task that joins while it runs must not be seen half.
  for (int attempt = 0; attempt < 4; attempt++) {
    union sysieve_task_word seen = {.word = *(volatile __u64 *)task};
    if (seen.task.tid == tid) {
      // Already there: from another hook of the same join, or stale from a scan that lost a race.
      __u32 old = task->slot;
      task->slot = slot;
      task->state = state;
      set_base_filters(task, base);
      count_live(slot, 1);
      count_live(old, -1);
      return;
    }
    if (seen.task.tid != 0) break;
    __u8 collided = seen.task.marks & TASK_COLLIDED;
    fresh.task.marks = collided | base;
    if (__sync_val_compare_and_swap((__u64 *)task, seen.word, fresh.word) != seen.word) continue;
    if (collided) {
      // Known from when the place was another's: one entry is enough, two would outlive the task.
      struct sysieve_task *other = bpf_map_lookup_elem(&collided_tasks, &tid);
      __u32 old = other ? other->slot : SLOT_JOINING;
      if (other) bpf_map_delete_elem(&collided_tasks, &tid);
      count_live(old, -1);
    }
    count_live(slot, 1);
    return;
  }
  // Never cleared: a place that collided once stays correct at the price of a hash look-up.
  __sync_fetch_and_or((__u64 *)task, (__u64)TASK_COLLIDED << TASK_MARKS_SHIFT);
  fresh.task.marks = base;
  struct sysieve_task *known = bpf_map_lookup_elem(&collided_tasks, &tid);
  __u32 old = known ? known->slot : SLOT_JOINING;
  if (bpf_map_update_elem(&collided_tasks, &tid, &fresh.task, BPF_ANY)) {
    count_lost(group_of(slot), lost_tasks);
    return;
  }
  count_live(slot, 1);
  count_live(old, -1);
}

static __always_inline void note_new(__u64 now) { counters.newest_ns = now; }

static __always_inline void count_key(void *map, const struct sysieve_call_key *key) {
  struct sysieve_call *call = bpf_map_lookup_elem(map, key);
  if (!call) {
    struct sysieve_call fresh = {.count = 0, .first_ns = bpf_ktime_get_ns()};
    bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST);
    call = bpf_map_lookup_elem(map, key);
    if (!call) {
      count_lost(group_of(key->slot), lost_calls);
      return;
    }
    note_new(fresh.first_ns);
  }
  count(call->count);
}

static __always_inline void count_in_hash(void *map, __u32 slot, __u32 abi, __u32 number,
                                          __u32 error) {
  struct sysieve_call_key key = {.number = number, .slot = slot, .abi = abi, .error = error};
  count_key(map, &key);
}

static __always_inline __u32 abi_of(__u32 status, __u32 *number) {
  if (status & TS_COMPAT) return ABI_I386;
  // Like libseccomp: -1 has the x32 bit set and is an x86_64 number all the same.
  if ((*number & X32_BIT) && *number != 0xffffffffU) {
    *number &= ~X32_BIT;
    return ABI_X32;
  }
  return ABI_X86_64;
}

static __always_inline __u64 argument(struct pt_regs *regs, __u32 index, bool compat, bool typed) {
#define REGISTER(field) (typed ? regs->field : BPF_CORE_READ(regs, field))
  switch (index) {
    case 0:
      return compat ? (__u32)REGISTER(bx) : REGISTER(di);
    case 1:
      return compat ? (__u32)REGISTER(cx) : REGISTER(si);
    case 2:
      return compat ? (__u32)REGISTER(dx) : REGISTER(dx);
    case 3:
      return compat ? (__u32)REGISTER(si) : REGISTER(r10);
    case 4:
      return compat ? (__u32)REGISTER(di) : REGISTER(r8);
    default:
      return compat ? (__u32)REGISTER(bp) : REGISTER(r9);
  }
#undef REGISTER
}

static __always_inline void lose_tuple(const struct sysieve_tuple_key *tuple, __u32 error) {
  struct sysieve_call_key key = {.number = tuple->number,
                                 .slot = tuple->slot,
                                 .abi = tuple->abi,
                                 .denied = tuple->denied,
                                 .error = error};
  count_key(&tuple_overflow, &key);
}

static __always_inline void keep_tuple(const struct sysieve_tuple_key *key, __u32 slot,
                                       __u32 ordinal) {
  struct sysieve_tuple *counted = bpf_map_lookup_elem(&tuples, key);
  if (!counted) {
    __u32 kind = (group_of(slot) * 2 + key->denied) * SYSIEVE_TRACKED_CALLS + ordinal;
    __u64 *distinct = bpf_map_lookup_elem(&tuple_counts, &kind);
    struct sysieve_tuple none = {};
    if (!distinct || *distinct >= SYSIEVE_TUPLES ||
        __sync_fetch_and_add(distinct, 1) >= SYSIEVE_TUPLES) {
      lose_tuple(key, 0);
      return;
    }
    bpf_map_update_elem(&tuples, key, &none, BPF_NOEXIST);
    counted = bpf_map_lookup_elem(&tuples, key);
    if (!counted) {
      lose_tuple(key, 0);
      return;
    }
  }
  count(counted->count);
  // Tested first: after the first time the line stays shared between the CPUs.
  __u64 bit = 1ULL << (slot & 63);
  __u64 *slots = &counted->slots[local_slot(slot) >> 6];
  if (!(*slots & bit)) __sync_fetch_and_or(slots, bit);
}

static __always_inline void count_tuple(__u32 slot, __u32 abi, __u32 number, struct pt_regs *regs,
                                        bool typed) {
  bool compat = abi == ABI_I386;
  __u32 at = (compat ? SYSIEVE_NUMBERS : 0) + (number & (SYSIEVE_NUMBERS - 1));
  struct sysieve_tracked *how = bpf_map_lookup_elem(&tracked, &at);
  if (!how || !how->arguments) return;
  struct sysieve_tuple_key key = {
      .number = number, .slot = is_application(slot) ? slot - local_slot(slot) : slot, .abi = abi};
  if (how->memory) {
    void *address = (void *)argument(regs, 0, compat, typed);
    __u64 word = 0;
    if (bpf_probe_read_user(&word, sizeof(word), address)) {
      lose_tuple(&key, EFAULT);
      return;
    }
    key.values[0] = word & how->mask[0];
  } else {
    for (int i = 0; i < SYSIEVE_ARGUMENTS; i++) {
      if (i >= how->arguments) break;
      key.values[i] = argument(regs, how->index[i], compat, typed) & how->mask[i];
    }
  }
  keep_tuple(&key, slot, how->ordinal);
}

static __always_inline void count_shared(__u32 slot, __u32 status, __u32 number,
                                         struct pt_regs *regs, bool typed);

static __always_inline void count_call(__u32 slot, __u32 status, __u32 number, struct pt_regs *regs,
                                       bool typed) {
  // An array for each of many containers, on each CPU, would be mostly empty.
  if (grouped) return count_shared(slot, status, number, regs, typed);
  if ((status & TS_COMPAT) || number >= SYSIEVE_NUMBERS) {
    __u32 abi = abi_of(status, &number);
    count_in_hash(&other_calls, slot, abi, number, 0);
    if (number < SYSIEVE_NUMBERS) count_tuple(slot, abi, number, regs, typed);
    return;
  }
  struct slot_counts *counted = bpf_map_lookup_elem(&counts, &slot);
  if (!counted) {
    count_lost(0, lost_calls);
    return;
  }
  // No atomic: the map is per CPU, and this program does not nest on one (a nested run would be
  // skipped by the kernel, shows as a recursion miss and is caught by a copy, which counts apart).
  __u64 before = counted->n[number]++;
  if ((__s64)before > 0) return;
  if (before & SYSIEVE_TRACKED) {
    count_tuple(slot, ABI_X86_64, number, regs, typed);
    if (before != SYSIEVE_TRACKED) return;
  }
  struct slot_first *first = bpf_map_lookup_elem(&first_seen, &slot);
  if (!first || first->ms[number]) return;
  __u64 now = bpf_ktime_get_ns();
  __u32 ms = (__u32)((now - config.start_ns) / 1000000) + 1;
  if (__sync_val_compare_and_swap(&first->ms[number], 0, ms) == 0) note_new(now);
}

// The same for a program that may have come between another one's reading and writing of a count.
static __always_inline void count_shared(__u32 slot, __u32 status, __u32 number,
                                         struct pt_regs *regs, bool typed) {
  __u32 abi = abi_of(status, &number);
  count_in_hash(&other_calls, slot, abi, number, 0);
  if (number < SYSIEVE_NUMBERS) count_tuple(slot, abi, number, regs, typed);
}

static __always_inline __u32 mount_namespace(struct task_struct *task) {
  return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

// The group whose namespace this is.
static __always_inline __s32 namespace_group(__u32 kind, __u32 inode) {
  struct sysieve_namespace key = {.kind = kind, .inode = inode};
  struct sysieve_namespace_owner *owner = bpf_map_lookup_elem(&namespaces, &key);
  if (!owner) return NO_GROUP;
  struct sysieve_group *group = find_group(owner->group);
  return group && owner->generation == group->generation ? (__s32)owner->group : NO_GROUP;
}

static __always_inline void add_namespace(__u32 group, __u32 kind, __u32 inode) {
  struct sysieve_namespace key = {.kind = kind, .inode = inode};
  struct sysieve_group *of = find_group(group);
  if (!of) return;
  struct sysieve_namespace_owner owner = {.generation = of->generation, .group = group};
  if (bpf_map_update_elem(&namespaces, &key, &owner, BPF_ANY)) count(of->lost_namespaces);
}

static __always_inline __s32 mount_namespace_group(struct task_struct *task) {
  return namespace_group(NAMESPACE_MOUNT, mount_namespace(task));
}

// Nested pid namespaces count too: a task has a number in each of its namespace's ancestors.
static __always_inline __s32 pid_namespace_group(struct task_struct *task) {
  struct pid *pid = BPF_CORE_READ(task, thread_pid);
  __u32 level = BPF_CORE_READ(pid, level);
  struct upid *numbers = (struct upid *)((void *)pid + bpf_core_field_offset(struct pid, numbers));
  for (__u32 i = 1; i < 8; i++) {
    if (i > level) break;
    struct pid_namespace *ns = BPF_CORE_READ(&numbers[i], ns);
    __u32 inum = BPF_CORE_READ(ns, ns.inum);
    __s32 group = namespace_group(NAMESPACE_PID, inum);
    if (group != NO_GROUP) return group;
  }
  return NO_GROUP;
}

// The innermost one, where the task has the number that it calls its own.
static __always_inline struct pid_namespace *pid_namespace(struct task_struct *task) {
  struct pid *pid = BPF_CORE_READ(task, thread_pid);
  __u32 level = BPF_CORE_READ(pid, level);
  struct upid *numbers = (struct upid *)((void *)pid + bpf_core_field_offset(struct pid, numbers));
  return BPF_CORE_READ(&numbers[level], ns);
}

static __always_inline __u32 own_pid_namespace(struct task_struct *task) {
  if (BPF_CORE_READ(task, thread_pid, level) == 0) return 0;
  struct pid_namespace *ns = pid_namespace(task);
  return BPF_CORE_READ(ns, ns.inum);
}

static __always_inline bool is_namespace_init(struct task_struct *task) {
  struct pid *pid = BPF_CORE_READ(task, thread_pid);
  __u32 level = BPF_CORE_READ(pid, level);
  struct upid *numbers = (struct upid *)((void *)pid + bpf_core_field_offset(struct pid, numbers));
  return level > 0 && BPF_CORE_READ(&numbers[level], nr) == 1;
}

static __always_inline __u32 filters(struct task_struct *task) {
  return BPF_CORE_READ(task, seccomp.filter_count.counter);
}

// Denied calls are worth watching from here on. Looked at where tasks are made and execute, not on
// every call.
static __always_inline void note_filter(struct task_struct *task, __u32 base) {
  if (!counters.filtered && filters(task) > base) counters.filtered = 1;
}

static __always_inline __s32 cgroup_group(struct cgroup *cgroup) {
  struct sysieve_cgroup_key key = {};
  key.id = BPF_CORE_READ(cgroup, kn, id);
  key.hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
  __u32 *group = bpf_map_lookup_elem(&cgroups, &key);
  return group ? (__s32)*group : NO_GROUP;
}

// A task that came from outside: part of the runtime until it executes something.
static __always_inline void join_task(struct task_struct *task, __u32 state, __u32 group) {
  __u32 tid = BPF_CORE_READ(task, pid);
  struct sysieve_task *known = find_task(tid);
  if (known) {
    __u32 local = local_slot(known->slot);
    if (local != SLOT_JOINING && local != SLOT_GUEST) return;
  }
  struct sysieve_group *joined = find_group(group);
  if (!joined || (grouped && joined->state == GROUP_IGNORED)) return;
  __u32 local = joined->live_application > 0 ? SLOT_EXEC_SETUP : SLOT_SETUP;
  claim_task(tid, slot_in(group, local), state, filters(task));
}

// The phases before the application are left one by one: joined, filtered, executed.
// Returns false where the task turned out not to belong to the target.
static __always_inline bool advance(struct task_struct *current, struct sysieve_task *task,
                                    __u32 number) {
  if (local_slot(task->slot) == SLOT_JOINING) {
    __s32 group = mount_namespace_group(current);
    if (group == NO_GROUP) group = pid_namespace_group(current);
    if (group != NO_GROUP) {
      join_task(current, STATE_UNKNOWN, group);
    } else {
      if (number != NR_SETNS_X86_64 && number != NR_SETNS_I386) release_task(task->tid);
      return false;
    }
  }
  __u32 local = local_slot(task->slot);
  if (local != SLOT_SETUP && local != SLOT_EXEC_SETUP) return true;
  if (filters(current) <= (task->marks & TASK_BASE_FILTERS)) return true;
  bool entrypoint = local == SLOT_SETUP || is_namespace_init(current);
  task->slot = slot_in(group_of(task->slot), entrypoint ? SLOT_RUNTIME : SLOT_EXEC);
  return true;
}

// What a listener answers in the kernel's place shows at exits alone. Until those are watched, as
// user space decides, calls that the application relies on go by unseen.
static __always_inline void note_listener(__u32 slot, __u32 status, __u32 number,
                                          struct pt_regs *regs, bool typed) {
  bool compat = status & TS_COMPAT;
  if ((number & ~X32_BIT) != (compat ? NR_SECCOMP_I386 : NR_SECCOMP_X86_64)) return;
  if (config.watch_denied) return;
  // Without a filter it is a question: libseccomp asks so which flags the kernel knows.
  if (!(argument(regs, 1, compat, typed) & FILTER_NEW_LISTENER) ||
      !argument(regs, 2, compat, typed))
    return;
  count_lost(group_of(slot), listeners);
}

// `copy`: 0 for the first of the programs here; see sysieve_config.copies.
static __always_inline int on_enter(struct task_struct *current, __u32 tid, __u32 status,
                                    __u32 number, struct pt_regs *regs, bool typed, int copy) {
  __u32 index = sysieve_task_index(tid);
  struct sysieve_task *task = bpf_map_lookup_elem(&tasks, &index);
  if (!task) return 0;
  if (task->tid != tid) {
    if (task->marks & TASK_COLLIDED)
      task = bpf_map_lookup_elem(&collided_tasks, &tid);
    else
      task = 0;
    if (!task) {
      // Where setns led is known only when it has returned: look again at the task's next call.
      if (number == NR_SETNS_X86_64 || number == NR_SETNS_I386) {
        if (config.follow_namespaces) claim_task(tid, SLOT_JOINING, STATE_IN_CALL, 0);
      }
      return 0;
    }
  }
  if (copy > 0 && task->state == STATE_IN_CALL) return 0;
  if (is_ignored(task->slot)) {
    release_task(tid);
    return 0;
  }
  bool keep = config.watch_denied || config.copies;
  if (keep) task->state = STATE_IN_CALL;
  if (!is_application(task->slot)) {
    if (!advance(current, task, number)) return 0;
    if (keep) task->state = STATE_IN_CALL;
  }
  note_listener(task->slot, status, number, regs, typed);
  if (copy == 0)
    count_call(task->slot, status, number, regs, typed);
  else
    count_shared(task->slot, status, number, regs, typed);
  return 0;
}

// Whether a listener (SECCOMP_RET_USER_NOTIF) or a ptracer may answer calls in the kernel's place.
static __always_inline bool is_supervised(struct task_struct *task) {
  if (BPF_CORE_READ(task, ptrace)) return true;
  struct seccomp_filter *filter = BPF_CORE_READ(task, seccomp.filter);
  for (int i = 0; i < MAX_FILTERS && filter; i++) {
    if (BPF_CORE_READ(filter, notif)) return true;
    filter = BPF_CORE_READ(filter, prev);
  }
  return false;
}

// A ptracer is told of a call before anything else is. A task that dies then goes on to the exit
// without the call, and ENOSYS is what every call starts with, not an answer. The kernel asks the
// same signal whether to do so.
static __always_inline bool is_killed_at_entry(struct task_struct *task, __u32 error) {
  return error == ENOSYS && BPF_CORE_READ(task, ptrace) &&
         (BPF_CORE_READ(task, pending.signal.sig[0]) & (1UL << (SIGKILL - 1)));
}

// A call that was not seen to enter, as it exits: the six registers are those of its entry.
struct answered_call {
  __u32 slot;
  __u32 abi;
  __u32 number;
  __u32 error;
  __u32 denied;
  __u32 pad;
  __u64 args[6];
};

// A global function, since that is verified once, and not anew for each way that leads to it.
__noinline int count_answered(struct answered_call *call) {
  if (!call) return 0;
  __u32 slot = call->slot;
  __u32 abi = call->abi;
  __u32 number = call->number;
  if (call->denied)
    count_in_hash(&denied_calls, slot, abi, number, call->error);
  else
    count_in_hash(&other_calls, slot, abi, number, 0);
  if (number >= SYSIEVE_NUMBERS) return 0;
  __u32 at = (abi == ABI_I386 ? SYSIEVE_NUMBERS : 0) + number;
  struct sysieve_tracked *how = bpf_map_lookup_elem(&tracked, &at);
  if (!how || !how->arguments) return 0;
  struct sysieve_tuple_key key = {.number = number,
                                  .slot = is_application(slot) ? slot - local_slot(slot) : slot,
                                  .abi = abi,
                                  .denied = call->denied ? 1 : 0};
  if (how->memory) {
    __u64 word = 0;
    if (bpf_probe_read_user(&word, sizeof(word), (void *)call->args[0])) {
      lose_tuple(&key, EFAULT);
      return 0;
    }
    key.values[0] = word & how->mask[0];
  } else {
    for (int i = 0; i < SYSIEVE_ARGUMENTS; i++) {
      if (i >= how->arguments) break;
      __u32 index = how->index[i];
      if (index > 5) break;
      key.values[i] = call->args[index] & how->mask[i];
    }
  }
  keep_tuple(&key, slot, how->ordinal);
  return 0;
}

static __always_inline void count_exiting(__u32 slot, __u32 abi, __u32 number, __u32 error,
                                          bool denied, struct pt_regs *regs, bool typed) {
  struct answered_call call = {
      .slot = slot, .abi = abi, .number = number, .error = error, .denied = denied};
  bool compat = abi == ABI_I386;
  for (int i = 0; i < 6; i++) call.args[i] = argument(regs, i, compat, typed);
  count_answered(&call);
}

static __always_inline __u8 seen_by_later(int copy) {
  __u8 marks = 0;
  for (int later = copy + 1; later < SYSIEVE_COPIES; later++) marks |= STATE_SEEN(later);
  return marks;
}

// An exit without an enter is a call that a filter (or a listener, or a ptracer) answered: the
// tracepoint at the entry comes after seccomp. A new child and a task found running exit a call
// they never entered, which is what the states tell apart. An answer that is a success is no
// denial: the application relies on it, and a profile's ERRNO would outrank the listener.
static __always_inline int on_exit(struct task_struct *current, __u32 tid, __u32 status,
                                   __u32 number, long result, struct pt_regs *regs, bool typed,
                                   int copy) {
  struct sysieve_task *task = find_task(tid);
  if (!task) return 0;
  __u8 before = task->state;
  if (copy > 0 && (before & STATE_SEEN(copy))) {
    task->state = before & ~STATE_SEEN(copy);
    return 0;
  }
  before &= STATE_MASK;
  // Each copy has a mark of its own, which it takes away itself: one that was skipped leaves its
  // own behind, and so only what all of them missed is missed.
  __u8 seen = config.copies ? seen_by_later(copy) : 0;
  task->state = STATE_OUT | seen;
  if (before != STATE_OUT && before != STATE_KILLED) return 0;
  if (!is_application(task->slot) && !advance(current, task, number)) return 0;
  // With nothing there that could answer for the kernel, the enter was missed. The number -1 is
  // what sigreturn leaves behind, of whichever call was interrupted.
  bool missed = !filters(current) && !is_supervised(current);
  if (missed) {
    count_lost(group_of(task->slot), missed_enters);
    if (number == 0xffffffffU) return 0;
  } else if (!config.watch_denied) {
    return 0;
  }
  __u32 error = 0;
  if (result < 0 && result >= -MAX_ERRNO) error = (__u32)-result;
  if (is_killed_at_entry(current, error)) return 0;
  // A call that was trapped or killed exits with its own number. One that waited for a listener
  // when a signal came was not answered at all, so nothing denied it, and the program may make it
  // again.
  bool passed = !error ? (__u32)result != number : error == ERESTARTSYS;
  bool answered = passed && is_supervised(current);
  bool denied = !missed && !answered;
  __u32 abi = abi_of(status, &number);
  count_exiting(task->slot, abi, number, error, denied, regs, typed);
  if (!denied) return 0;
  // Trapped or killed: the task's end by SIGSYS must not count the same call again.
  if (!error) task->state = STATE_KILLED | seen;
  return 0;
}

#define starts_with(text, literal) same_bytes(text, literal, sizeof(literal) - 1)

// The compiler would call memcmp, which does not exist here.
static __always_inline bool same_bytes(const char *text, const char *literal, int length) {
  for (int i = 0; i < length; i++) {
    if (text[i] != literal[i]) return false;
  }
  return true;
}

// A runtime executes itself again, from a sealed copy, before it enters the namespaces.
static __always_inline bool is_own_copy(const char *filename) {
  char text[16] = {};
  bpf_probe_read_kernel_str(text, sizeof(text), filename);
  return starts_with(text, "/proc/self/exe") || starts_with(text, "/proc/self/fd/") ||
         starts_with(text, "/dev/fd/");
}

// Where the id begins in the names that engines give to the cgroups of containers; -1: their own.
static __always_inline int id_offset(const char *name) {
  if (starts_with(name, "docker-")) return 7;
  if (starts_with(name, "libpod-conmon-") || starts_with(name, "crio-conmon-")) return -1;
  if (starts_with(name, "libpod-payload-")) return 15;
  if (starts_with(name, "libpod-")) return 7;
  if (starts_with(name, "cri-containerd-")) return 15;
  if (starts_with(name, "crio-")) return 5;
  return 0;
}

static __always_inline bool is_id(const struct sysieve_id *id) {
  // Without a branch: the verifier would follow two for each digit.
  __u64 wrong = 0;
  for (int i = 0; i < SYSIEVE_ID; i++) {
    __u64 digit = (__u8)id->text[i];
    wrong |= ((digit - '0') | ('9' - digit)) & ((digit - 'a') | ('f' - digit));
  }
  return !(wrong >> 63);
}

// Whether the name of a cgroup is that of a container's; `id` then is the container's.
static __always_inline bool read_id(const char *name, struct sysieve_id *id) {
  char start[16] = {};
  bpf_probe_read_kernel_str(start, sizeof(start), name);
  int offset = id_offset(start);
  if (offset < 0) return false;
  if (bpf_probe_read_kernel(id, sizeof(*id), name + offset) || !is_id(id)) return false;
  char end[8] = {};
  if (bpf_probe_read_kernel_str(end, sizeof(end), name + offset + SYSIEVE_ID) < 0) return false;
  return !end[0] || same_bytes(end, ".scope", sizeof(".scope"));
}

static __always_inline bool watches_unfollowed(void) { return !grouped && config.watch_unfollowed; }

// Where user space learns of a container by its start, whether it was followed in time is known
// here alone: what its runtime puts into it must not have executed anything before.
static __always_inline void set_unfollowed(const struct sysieve_id *id, __u32 state) {
  __u32 *known = bpf_map_lookup_elem(&unfollowed, id);
  if (!known)
    // Without room nothing is known of it, which is as bad.
    bpf_map_update_elem(&unfollowed, id, &state, BPF_NOEXIST);
  else if (state == UNFOLLOWED_EXECUTED)
    *known = state;
}

static __always_inline void add_newcomer(struct task_struct *task, const struct sysieve_id *id) {
  __u32 tgid = BPF_CORE_READ(task, tgid);
  // What cannot be watched may execute anything.
  bool lost = bpf_map_update_elem(&newcomers, &tgid, id, BPF_ANY);
  set_unfollowed(id, lost ? UNFOLLOWED_EXECUTED : UNFOLLOWED_SETUP);
}

static __always_inline void note_newcomer(struct cgroup *cgroup, struct task_struct *task) {
  struct sysieve_id id = {};
  if (read_id(BPF_CORE_READ(cgroup, kn, name), &id)) add_newcomer(task, &id);
}

static __always_inline void inherit_newcomer(struct task_struct *parent,
                                             struct task_struct *child) {
  if (!watches_unfollowed()) return;
  __u32 tgid = BPF_CORE_READ(parent, tgid);
  struct sysieve_id *of = bpf_map_lookup_elem(&newcomers, &tgid);
  if (!of || BPF_CORE_READ(child, tgid) == tgid) return;
  struct sysieve_id id = *of;
  add_newcomer(child, &id);
}

static __always_inline int note_executed(struct task_struct *task, const char *filename) {
  if (!watches_unfollowed()) return 0;
  __u32 tgid = BPF_CORE_READ(task, tgid);
  struct sysieve_id *of = bpf_map_lookup_elem(&newcomers, &tgid);
  if (!of || is_own_copy(filename)) return 0;
  struct sysieve_id id = *of;
  set_unfollowed(&id, UNFOLLOWED_EXECUTED);
  bpf_map_delete_elem(&newcomers, &tgid);
  return 0;
}

static __always_inline void forget_newcomer(struct task_struct *task) {
  // Its last thread: any of them may still execute something.
  if (!watches_unfollowed() || BPF_CORE_READ(task, signal, live.counter)) return;
  __u32 tgid = BPF_CORE_READ(task, tgid);
  bpf_map_delete_elem(&newcomers, &tgid);
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child) {
  __u32 child_tid = BPF_CORE_READ(child, pid);
  struct sysieve_task *task = find_task(BPF_CORE_READ(parent, pid));
  if (task && local_slot(task->slot) != SLOT_JOINING && !is_ignored(task->slot)) {
    __u32 base = task->marks & TASK_BASE_FILTERS;
    claim_task(child_tid, task->slot, STATE_IN_CALL, base);
    note_filter(child, base);
    return 0;
  }
  inherit_newcomer(parent, child);
  // clone3(CLONE_INTO_CGROUP) moves no task and so shows nowhere else. A parent that is inside
  // itself is one that the scan has not come to yet: its child comes from nowhere else, and the
  // scan takes it for what it is.
  __s32 group = cgroup_group(BPF_CORE_READ(child, cgroups, dfl_cgrp));
  if (group != NO_GROUP) {
    if (cgroup_group(BPF_CORE_READ(parent, cgroups, dfl_cgrp)) != group)
      join_task(child, STATE_IN_CALL, group);
    return 0;
  }
  if (watches_unfollowed()) {
    struct cgroup *cgroup = BPF_CORE_READ(child, cgroups, dfl_cgrp);
    if (cgroup != BPF_CORE_READ(parent, cgroups, dfl_cgrp)) note_newcomer(cgroup, child);
  }
  group = config.follow_namespaces ? pid_namespace_group(child) : NO_GROUP;
  if (group != NO_GROUP) {
    if (pid_namespace_group(parent) != group)
      claim_task(child_tid, slot_in(group, SLOT_GUEST), STATE_IN_CALL, filters(child));
    return 0;
  }
  // A scan in user space may have claimed this id for a task that ended meanwhile.
  release_task(child_tid);
  return 0;
}

// The slot of an executable in a group.
static __always_inline __u32 slot_for(__u32 group, const char *filename) {
  __u32 zero = 0;
  __u32 unknown = slot_in(group, SLOT_UNKNOWN);
  struct sysieve_path *path = bpf_map_lookup_elem(&exec_scratch, &zero);
  struct sysieve_group *of = find_group(group);
  if (!path || !of) return unknown;
  __builtin_memset(path, 0, sizeof(*path));
  path->group = group;
  long length = bpf_probe_read_kernel_str(path->text, sizeof(path->text), filename);
  if (length == sizeof(path->text)) {
    char last = 0;
    bpf_probe_read_kernel(&last, 1, filename + sizeof(path->text) - 1);
    if (last) count(of->truncated_paths);
  }
  __u32 *known = bpf_map_lookup_elem(&slot_by_path, path);
  if (known) return *known;
  if (of->next_slot >= SYSIEVE_SLOTS) {
    count(of->lost_executables);
    return unknown;
  }
  __u32 local = __sync_fetch_and_add(&of->next_slot, 1);
  if (local >= SYSIEVE_SLOTS) {
    count(of->lost_executables);
    return unknown;
  }
  __u32 slot = slot_in(group, local);
  if (bpf_map_update_elem(&slot_by_path, path, &slot, BPF_NOEXIST)) {
    // Another CPU was first with the same path; its slot counts, this one stays unused.
    known = bpf_map_lookup_elem(&slot_by_path, path);
    if (known) return *known;
    count(of->lost_executables);
    return unknown;
  }
  return slot;
}

// Whether a task with this css_set is in one of the group's cgroups, in the v2 hierarchy or in that
// of any v1 controller. A global function: verified once.
__noinline int has_cgroup_of(__u64 css_set, __u32 group) {
  struct css_set *set = (struct css_set *)css_set;
  if (cgroup_group(BPF_CORE_READ(set, dfl_cgrp)) == (__s32)group) return 1;
  void *states = (void *)set + bpf_core_field_offset(struct css_set, subsys);
  __u32 controllers = bpf_core_field_size(struct css_set, subsys) / sizeof(__u64);
  for (__u32 i = 0; i < MAX_CONTROLLERS && i < controllers; i++) {
    struct cgroup_subsys_state *state = 0;
    bpf_probe_read_kernel(&state, sizeof(__u64), states + i * sizeof(__u64));
    if (state && cgroup_group(BPF_CORE_READ(state, cgroup)) == (__s32)group) return 1;
  }
  return 0;
}

static __always_inline bool becomes_application(struct task_struct *task, __u32 slot, __u32 base,
                                                const char *filename) {
  if (config.exec_rule == EXEC_ANY || filters(task) > base) return true;
  __u32 local = local_slot(slot);
  __u32 group = group_of(slot);
  bool entered = local == SLOT_EXEC_SETUP || local == SLOT_EXEC || local == SLOT_GUEST;
  bool own_copy = is_own_copy(filename);
  bool inside = entered && mount_namespace_group(task) == (__s32)group;
  // An exec that the engine leaves unfiltered (privileged) is the application's all the same; a
  // start without the filter that was expected is none, and shows as a start not seen.
  if (config.exec_rule == EXEC_FILTER) return inside && !own_copy;
  // A runtime may itself be in a mount namespace other than sysieve's (rootless, a node in a
  // container), so that alone does not make an entrypoint of its copy.
  if (!entered)
    return !own_copy ||
           (mount_namespace(task) != config.outer_mount_namespace && is_namespace_init(task));
  if (!config.follow_namespaces) return inside || !own_copy;
  // What was in a container for a look (an agent's thread) runs programs of the host when it is
  // outside again. What is in its cgroup is not there for a look, whichever namespaces the
  // container has by now.
  return inside || pid_namespace_group(task) == (__s32)group ||
         (!own_copy && has_cgroup_of((__u64)BPF_CORE_READ(task, cgroups), group));
}

// Whether an execve by what came in as a runtime's is the start of the container, and not that of
// something else which came in before the entrypoint was executed (an exec right after the start, a
// runtime's hook). `others`: application tasks that there were before.
static __always_inline bool is_start(struct task_struct *task, __u32 group, __s64 others) {
  // Of commands each was started by sysieve itself.
  if (config.exec_rule == EXEC_ANY || is_namespace_init(task)) return true;
  // Of a container the init of its pid namespace is the one: the start is still to come, or was.
  if (config.follow_namespaces) {
    struct pid_namespace *ns = pid_namespace(task);
    struct sysieve_task *init = find_task(BPF_CORE_READ(ns, child_reaper, pid));
    if (init && local_slot(init->slot) != SLOT_JOINING && group_of(init->slot) == group)
      return false;
  }
  return others == 0;
}

static __always_inline int on_exec(struct task_struct *current, __u32 old_tid,
                                   const char *filename) {
  __u32 tid = BPF_CORE_READ(current, pid);
  if (old_tid != tid) {
    // execve from a thread other than the leader: it takes over the leader's id.
    struct sysieve_task *old = find_task(old_tid);
    if (!old) return note_executed(current, filename);
    claim_task(tid, old->slot, STATE_IN_CALL, old->marks & TASK_BASE_FILTERS);
    release_task(old_tid);
  }
  struct sysieve_task *task = find_task(tid);
  if (!task) return note_executed(current, filename);
  __u32 slot = task->slot;
  __u32 local = local_slot(slot);
  if (local == SLOT_JOINING) return note_executed(current, filename);
  __u32 group = group_of(slot);
  __u32 base = task->marks & TASK_BASE_FILTERS;
  if (local == SLOT_GUEST) {
    // A container that was given this one's pid namespace has a root of its own.
    __u32 mounts = mount_namespace(current);
    if (mounts != config.outer_mount_namespace &&
        namespace_group(NAMESPACE_MOUNT, mounts) != (__s32)group) {
      release_task(tid);
      return note_executed(current, filename);
    }
  }
  note_filter(current, base);
  if (is_application(slot)) {
    task->slot = slot_for(group, filename);
    return 0;
  }
  if (!becomes_application(current, slot, base, filename)) return 0;
  struct sysieve_group *of = find_group(group);
  if (!of) return 0;
  __s64 others = __sync_fetch_and_add(&of->live_application, 1);
  __u32 mounts = mount_namespace(current);
  bool setup = local == SLOT_SETUP || local == SLOT_RUNTIME;
  // What outlived the container's last run made a restart look like something that entered.
  bool again = local == SLOT_EXEC_SETUP && is_namespace_init(current) &&
               namespace_group(NAMESPACE_MOUNT, mounts) != (__s32)group;
  if (setup || again) {
    if (is_start(current, group, others)) count(of->starts);
    // A restarted container has new namespaces.
    if (config.follow_namespaces && mounts != config.outer_mount_namespace) {
      add_namespace(group, NAMESPACE_MOUNT, mounts);
      __u32 pids = is_namespace_init(current) ? own_pid_namespace(current) : 0;
      if (pids) add_namespace(group, NAMESPACE_PID, pids);
    }
  }
  task->slot = slot_for(group, filename);
  return 0;
}

// A global function: verified once, not anew for each turn of the loop that calls it.
__noinline int join_thread(__u64 task, __u32 group) {
  join_task((struct task_struct *)task, STATE_UNKNOWN, group);
  return 0;
}

static __always_inline void on_cgroup_attach(struct cgroup *cgroup, struct task_struct *leader,
                                             bool whole_process) {
  __s32 group = cgroup_group(cgroup);
  if (group == NO_GROUP) {
    if (watches_unfollowed()) note_newcomer(cgroup, leader);
    return;
  }
  join_task(leader, STATE_UNKNOWN, group);
  if (!whole_process) return;
  struct list_head *head =
      (struct list_head *)((void *)BPF_CORE_READ(leader, signal) +
                           bpf_core_field_offset(struct signal_struct, thread_head));
  struct list_head *node = BPF_CORE_READ(head, next);
  int i;
  for (i = 0; i < MAX_THREADS && node != head; i++) {
    struct task_struct *thread =
        (struct task_struct *)((void *)node -
                               bpf_core_field_offset(struct task_struct, thread_node));
    join_thread((__u64)thread, group);
    node = BPF_CORE_READ(node, next);
  }
  if (node != head) count_lost(group, lost_tasks);
}

static __always_inline void add_cgroup(struct cgroup *cgroup, __u32 group) {
  struct sysieve_group *of = find_group(group);
  if (!of) return;
  struct sysieve_cgroup_key key = {};
  key.id = BPF_CORE_READ(cgroup, kn, id);
  key.hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
  if (bpf_map_update_elem(&cgroups, &key, &group, BPF_ANY))
    count(of->lost_cgroups);
  else
    count(of->cgroups);
}

// The group of the container that the name of a cgroup speaks of. A container has a cgroup of the
// same name in each hierarchy, made in any order; the first one takes a group.
static __always_inline __s32 group_named(const char *name) {
  struct sysieve_id id = {};
  if (!read_id(name, &id)) return NO_GROUP;
  __u32 *known = bpf_map_lookup_elem(&group_by_id, &id);
  if (known) return *known == SYSIEVE_GROUP_NONE ? NO_GROUP : (__s32)*known;
  __u32 fresh = 0;
  if (bpf_map_pop_elem(&free_groups, &fresh)) {
    count(counters.lost_groups);
    return NO_GROUP;
  }
  struct sysieve_group *group = find_group(fresh);
  if (!group) return NO_GROUP;
  group->id = id;
  group->born_ns = bpf_ktime_get_ns();
  group->state = GROUP_USED;
  if (!bpf_map_update_elem(&group_by_id, &id, &fresh, BPF_NOEXIST)) return (__s32)fresh;
  // Another CPU was first with the same name.
  group->state = GROUP_FREE;
  bpf_map_push_elem(&free_groups, &fresh, BPF_ANY);
  known = bpf_map_lookup_elem(&group_by_id, &id);
  if (known) return *known == SYSIEVE_GROUP_NONE ? NO_GROUP : (__s32)*known;
  count(counters.lost_groups);
  return NO_GROUP;
}

static __always_inline void on_cgroup_mkdir(struct cgroup *cgroup) {
  __s32 group = cgroup_group(BPF_CORE_READ(cgroup, self.parent, cgroup));
  if (group == NO_GROUP && grouped) {
    group = group_named(BPF_CORE_READ(cgroup, kn, name));
  } else if (group == NO_GROUP) {
    struct sysieve_name name = {};
    bpf_probe_read_kernel_str(name.text, sizeof(name.text), BPF_CORE_READ(cgroup, kn, name));
    if (bpf_map_lookup_elem(&cgroup_names, &name)) group = 0;
  }
  if (group != NO_GROUP) add_cgroup(cgroup, group);
}

static __always_inline void on_cgroup_rmdir(struct cgroup *cgroup) {
  struct sysieve_id id = {};
  if (watches_unfollowed() && read_id(BPF_CORE_READ(cgroup, kn, name), &id))
    bpf_map_delete_elem(&unfollowed, &id);
  struct sysieve_cgroup_key key = {};
  key.id = BPF_CORE_READ(cgroup, kn, id);
  key.hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
  __u32 *group = bpf_map_lookup_elem(&cgroups, &key);
  if (!group) return;
  struct sysieve_group *of = find_group(*group);
  if (!bpf_map_delete_elem(&cgroups, &key) && of) __sync_fetch_and_add(&of->cgroups, -1);
}

// ---- typed tracepoints -------------------------------------------------------------------------

#define ENTER_BTF(name, copy)                                                                      \
  SEC("tp_btf/sys_enter")                                                                          \
  int BPF_PROG(name, struct pt_regs *regs, long number) {                                          \
    struct task_struct *current = bpf_get_current_task_btf();                                      \
    return on_enter(current, current->pid, current->thread_info.status, number, regs, true, copy); \
  }
ENTER_BTF(enter_btf, 0)
ENTER_BTF(enter1_btf, 1)
ENTER_BTF(enter2_btf, 2)

#define EXIT_BTF(name, copy)                                                                  \
  SEC("tp_btf/sys_exit")                                                                      \
  int BPF_PROG(name, struct pt_regs *regs, long result) {                                     \
    struct task_struct *current = bpf_get_current_task_btf();                                 \
    return on_exit(current, current->pid, current->thread_info.status, regs->orig_ax, result, \
                   regs, true, copy);                                                         \
  }
EXIT_BTF(exit_btf, 0)
EXIT_BTF(exit1_btf, 1)
EXIT_BTF(exit2_btf, 2)

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork_btf, struct task_struct *parent, struct task_struct *child) {
  return on_fork(parent, child);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_btf, struct task_struct *current, int old_tid, struct linux_binprm *bprm) {
  return on_exec(current, old_tid, BPF_CORE_READ(bprm, filename));
}

static __always_inline bool ends_by_sigsys(struct task_struct *task) {
  return (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT) &&
         (BPF_CORE_READ(task, signal, group_exit_code) & 0x7f) == SIGSYS;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(task_exit_btf, struct task_struct *current) {
  forget_newcomer(current);
  __u32 tid = current->pid;
  struct sysieve_task *task = find_task(tid);
  if (!task) return 0;
  // SECCOMP_RET_KILL_THREAD beside living threads ends the task inside the call: no exit is traced.
  // Every other death by SIGSYS is that of the whole process, whose threads then all end with it. A
  // process that ends for another reason meanwhile leaves this thread its own.
  if (config.watch_denied && (task->state & STATE_MASK) != STATE_KILLED &&
      (current->exit_code & 0x7f) == SIGSYS && !ends_by_sigsys(current)) {
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(current);
    __u32 number = regs->orig_ax;
    __u32 abi = abi_of(current->thread_info.status, &number);
    count_exiting(task->slot, abi, number, 0, true, regs, true);
  }
  release_task(tid);
  return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_attach_btf, struct cgroup *cgroup, const char *path, struct task_struct *task,
             bool whole_process) {
  on_cgroup_attach(cgroup, task, whole_process);
  return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir_btf, struct cgroup *cgroup, const char *path) {
  on_cgroup_mkdir(cgroup);
  return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir_btf, struct cgroup *cgroup, const char *path) {
  on_cgroup_rmdir(cgroup);
  return 0;
}

// ---- raw tracepoints ---------------------------------------------------------------------------

#define ENTER_RAW(name, copy)                                                               \
  SEC("raw_tp/sys_enter")                                                                   \
  int BPF_PROG(name, struct pt_regs *regs, long number) {                                   \
    struct task_struct *current = (struct task_struct *)bpf_get_current_task();             \
    return on_enter(current, BPF_CORE_READ(current, pid),                                   \
                    BPF_CORE_READ(current, thread_info.status), number, regs, false, copy); \
  }
ENTER_RAW(enter_raw, 0)
ENTER_RAW(enter1_raw, 1)
ENTER_RAW(enter2_raw, 2)

#define EXIT_RAW(name, copy)                                                                 \
  SEC("raw_tp/sys_exit")                                                                     \
  int BPF_PROG(name, struct pt_regs *regs, long result) {                                    \
    struct task_struct *current = (struct task_struct *)bpf_get_current_task();              \
    return on_exit(current, BPF_CORE_READ(current, pid),                                     \
                   BPF_CORE_READ(current, thread_info.status), BPF_CORE_READ(regs, orig_ax), \
                   result, regs, false, copy);                                               \
  }
EXIT_RAW(exit_raw, 0)
EXIT_RAW(exit1_raw, 1)
EXIT_RAW(exit2_raw, 2)

SEC("raw_tp/sched_process_fork")
int BPF_PROG(fork_raw, struct task_struct *parent, struct task_struct *child) {
  return on_fork(parent, child);
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec_raw, struct task_struct *current, int old_tid, struct linux_binprm *bprm) {
  return on_exec(current, old_tid, BPF_CORE_READ(bprm, filename));
}

// Without typed registers a lone SECCOMP_RET_KILL_THREAD goes unseen; user space declares it.
SEC("raw_tp/sched_process_exit")
int BPF_PROG(task_exit_raw, struct task_struct *current) {
  forget_newcomer(current);
  release_task(BPF_CORE_READ(current, pid));
  return 0;
}

SEC("raw_tp/cgroup_attach_task")
int BPF_PROG(cgroup_attach_raw, struct cgroup *cgroup, const char *path, struct task_struct *task,
             bool whole_process) {
  on_cgroup_attach(cgroup, task, whole_process);
  return 0;
}

SEC("raw_tp/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir_raw, struct cgroup *cgroup, const char *path) {
  on_cgroup_mkdir(cgroup);
  return 0;
}

SEC("raw_tp/cgroup_rmdir")
int BPF_PROG(cgroup_rmdir_raw, struct cgroup *cgroup, const char *path) {
  on_cgroup_rmdir(cgroup);
  return 0;
}

// ---- the tasks that run already ----------------------------------------------------------------

// The path of a file, as d_path has it for a root that holds everything. That helper takes pointers
// that not every kernel's verifier trusts; what is read here may be torn by a rename, no worse.
static __always_inline void write_path(struct seq_file *seq, struct task_struct *task,
                                       struct file *file) {
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  struct mount *mount = (struct mount *)((void *)BPF_CORE_READ(file, f_path.mnt) -
                                         bpf_core_field_offset(struct mount, mnt));
  struct sysieve_part part = {.kind = PART_NAME};
  __u32 end = PART_LOST;
  for (int i = 0; i < SYSIEVE_PARTS; i++) {
    if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
      struct mount *above = BPF_CORE_READ(mount, mnt_parent);
      if (above == mount) {
        end = PART_END;
        break;
      }
      dentry = BPF_CORE_READ(mount, mnt_mountpoint);
      mount = above;
      continue;
    }
    bpf_probe_read_kernel_str(part.text, sizeof(part.text), BPF_CORE_READ(dentry, d_name.name));
    bpf_seq_write(seq, &part, sizeof(part));
    struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
    if (parent == dentry) {
      // In no directory: a memfd.
      end = PART_END;
      break;
    }
    dentry = parent;
  }
  // Only as long as the task has the file is what was read known to be there still.
  part.kind = BPF_CORE_READ(task, mm, exe_file) == file ? end : PART_LOST;
  bpf_seq_write(seq, &part, sizeof(part));
}

static __always_inline bool is_deleted(struct file *file) {
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  return !BPF_CORE_READ(dentry, d_hash.pprev);
}

// For who may not read all of /proc; loaded by itself, as no recording needs it that is.
SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct task_struct *task = ctx->task;
  if (!task) return 0;
  struct pid *pid = BPF_CORE_READ(task, thread_pid);
  struct upid *numbers = (struct upid *)((void *)pid + bpf_core_field_offset(struct pid, numbers));
  __u32 level = BPF_CORE_READ(pid, level);
  struct sysieve_listed listed = {
      .tid = BPF_CORE_READ(task, pid),
      .tgid = BPF_CORE_READ(task, tgid),
      .parent = BPF_CORE_READ(task, real_parent, tgid),
      .start_ns = BPF_CORE_READ(task, start_boottime),
      .mount_namespace = mount_namespace(task),
      .pid_namespace = pid ? BPF_CORE_READ(&numbers[level], ns, ns.inum) : 0,
  };
  if (BPF_CORE_READ(task, flags) & PF_EXITING) listed.flags |= LISTED_EXITING;
  if (filters(task)) listed.flags |= LISTED_FILTERED;
  struct file *file = listed.tid == listed.tgid ? BPF_CORE_READ(task, mm, exe_file) : 0;
  if (file) listed.flags |= LISTED_PATH | (is_deleted(file) ? LISTED_DELETED : 0);
  bpf_seq_write(seq, &listed, sizeof(listed));
  if (file) write_path(seq, task, file);
  return 0;
}
