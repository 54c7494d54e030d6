// The few kernel types the programs read, cut down to the fields they use. CO-RE relocates every
// access against the running kernel's BTF, so no vmlinux.h dump is needed to build; a field that a
// kernel renamed gets a flavour (name___suffix), with the commit that renamed it.
#ifndef SYSIEVE_BPF_KERNEL_H_
#define SYSIEVE_BPF_KERNEL_H_

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __le16;
typedef __u32 __le32;
typedef __u64 __le64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

// The constants of uapi linux/bpf.h that are used here; including that header would pull in the
// architecture's types, which the bpf target lacks.
enum {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_QUEUE = 22,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1024 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
  struct list_head *next, *prev;
};

typedef struct {
  int counter;
} atomic_t;

struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
};

struct thread_info {
  __u32 status;
};

struct ns_common {
  unsigned int inum;
};

struct mnt_namespace {
  struct ns_common ns;
};

struct task_struct;

struct pid_namespace {
  struct ns_common ns;
  struct task_struct *child_reaper;
};

struct nsproxy {
  struct mnt_namespace *mnt_ns;
};

struct upid {
  int nr;
  struct pid_namespace *ns;
};

struct pid {
  unsigned int level;
  struct upid numbers[1];
};

struct notification;

struct seccomp_filter {
  struct seccomp_filter *prev;
  struct notification *notif;
};

struct seccomp {
  atomic_t filter_count;
  struct seccomp_filter *filter;
};

struct kernfs_node {
  __u64 id;
  const char *name;
};

struct cgroup_root {
  int hierarchy_id;
};

struct cgroup;

struct cgroup_subsys_state {
  struct cgroup *cgroup;
  struct cgroup_subsys_state *parent;
};

struct cgroup {
  struct cgroup_subsys_state self;
  struct kernfs_node *kn;
  struct cgroup_root *root;
};

struct css_set {
  struct cgroup_subsys_state *subsys[1];
  struct cgroup *dfl_cgrp;
};

struct signal_struct {
  atomic_t live;
  int group_exit_code;
  unsigned int flags;
  struct list_head thread_head;
};

typedef struct {
  unsigned long sig[1];
} sigset_t;

struct sigpending {
  sigset_t signal;
};

struct qstr {
  const unsigned char *name;
};

struct hlist_bl_node {
  struct hlist_bl_node **pprev;
};

struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry *d_parent;
  struct qstr d_name;
};

struct vfsmount {
  struct dentry *mnt_root;
};

struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};

struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};

struct file {
  struct path f_path;
};

struct mm_struct {
  struct file *exe_file;
};

struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  int pid;
  int tgid;
  struct task_struct *real_parent;
  struct mm_struct *mm;
  __u64 start_boottime;
  int exit_code;
  unsigned int ptrace;
  struct pid *thread_pid;
  struct list_head thread_node;
  struct nsproxy *nsproxy;
  struct signal_struct *signal;
  struct sigpending pending;
  struct seccomp seccomp;
  struct css_set *cgroups;
};

struct linux_binprm {
  const char *filename;
};

struct seq_file;

struct bpf_iter_meta {
  struct seq_file *seq;
};

struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

#pragma clang attribute pop

#endif  // SYSIEVE_BPF_KERNEL_H_
