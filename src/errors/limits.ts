/** Limits of the process or of the machine, by what the kernel answers at them. */
export const LIMITS: Readonly<Record<string, { what: string; remedy: string }>> = {
  ENOMEM: {
    what: 'memory',
    remedy:
      "Give it more memory (ebpf takes about 20 MB of the kernel's; a cgroup's memory.max counts it), and before Linux 5.11 a larger locked-memory limit: 'ulimit -l unlimited'.",
  },
  EMFILE: { what: 'open files', remedy: "Raise the limit of open files: 'ulimit -n 1024'." },
  ENFILE: {
    what: 'open files of the whole machine',
    remedy: 'Raise /proc/sys/fs/file-max.',
  },
  EAGAIN: {
    what: 'processes and threads',
    remedy: "Raise the limit of processes: 'ulimit -u NUMBER'.",
  },
};
