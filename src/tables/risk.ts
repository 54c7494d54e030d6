/**
 * What a call gives an attacker who runs in the container, in three tiers. Tiers 1 and 2 never enter
 * a profile without being asked for by name.
 */

/** 1: takes over the kernel or other processes; 2: opens its largest attack surface; 3: seldom needed. */
export type RiskTier = 1 | 2 | 3;

const TIER_1 = [
  'bpf',
  'delete_module',
  'finit_module',
  'init_module',
  'kexec_file_load',
  'kexec_load',
  'process_vm_readv',
  'process_vm_writev',
  'ptrace',
];

const TIER_2 = [
  'add_key',
  'fsconfig',
  'fsmount',
  'fsopen',
  'fspick',
  'io_uring_enter',
  'io_uring_register',
  'io_uring_setup',
  'keyctl',
  'mount',
  'mount_setattr',
  'move_mount',
  'open_by_handle_at',
  'open_tree',
  // open_tree with mount attributes: the same power in one call (Linux 6.15).
  'open_tree_attr',
  'perf_event_open',
  'pivot_root',
  'request_key',
  'setns',
  // i386 and arm number the old form of umount2 under its first name.
  'umount',
  'umount2',
  'unshare',
  'userfaultfd',
];

/** clone is here for its namespace flags; a filter on names alone cannot tell them apart. */
const TIER_3 = [
  'acct',
  'adjtimex',
  'chroot',
  'clock_adjtime',
  'clock_adjtime64',
  'clock_settime',
  'clock_settime64',
  'clone',
  'clone3',
  'fanotify_init',
  'ioperm',
  'iopl',
  'kcmp',
  'lookup_dcookie',
  'mbind',
  'migrate_pages',
  'modify_ldt',
  'move_pages',
  'nfsservctl',
  'personality',
  'pidfd_getfd',
  'quotactl',
  'quotactl_fd',
  'reboot',
  'set_mempolicy',
  'settimeofday',
  'stime',
  'swapoff',
  'swapon',
  'sysfs',
  'syslog',
  'uselib',
  'ustat',
  'vm86',
  'vm86old',
];

const TIERS = new Map<string, RiskTier>([
  ...TIER_1.map((name) => [name, 1] as const),
  ...TIER_2.map((name) => [name, 2] as const),
  ...TIER_3.map((name) => [name, 3] as const),
]);

/** The tier of a call's name; null: none. */
export function riskTier(name: string): RiskTier | null {
  return TIERS.get(name) ?? null;
}
