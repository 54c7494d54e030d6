/**
 * What a call gives an attacker who runs in the container, in three tiers. Tiers 1 and 2 never enter
 * a profile without being asked for by name.
 */

/** 1: takes over the kernel or other processes; 2: opens its largest attack surface; 3: seldom needed. */
export type RiskTier = 1 | 2 | 3;

/** Why, to be read after "it"; then the names. */
type Group = readonly [reason: string, names: string];

const KEYS = 'reaches the keyrings, which no namespace keeps apart, and a long row of kernel bugs';
const MOUNTS =
  'changes what is mounted, and reaches the file systems that parse what an attacker gives them';
const NAMESPACES =
  'makes or enters namespaces: most kernel exploits need the user namespace it can give';
const CLOCK = 'changes the clock of the whole host';
const MEMORY_NODES = 'is little used and has had bugs; only programs that place memory by node need it';

const TIER_1: readonly Group[] = [
  ['loads programs into the kernel, whose verifier has been passed by exploits again and again', 'bpf'],
  ['loads or unloads code of the kernel itself', 'init_module finit_module delete_module'],
  ['replaces the running kernel', 'kexec_load kexec_file_load'],
  [
    'reads and writes the memory of other processes',
    'process_vm_readv process_vm_writev ptrace',
  ],
];

const TIER_2: readonly Group[] = [
  [KEYS, 'add_key keyctl request_key'],
  [
    // open_tree_attr: open_tree with mount attributes, the same power in one call (Linux 6.15).
    // umount: i386 and arm number the old form of umount2 under its first name.
    MOUNTS,
    `fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr umount
     umount2`,
  ],
  [
    'lets files and sockets be used without a system call, past every other rule of a filter',
    'io_uring_enter io_uring_register io_uring_setup',
  ],
  [
    'opens files by number, past the permissions of the directories above them and past mounts',
    'open_by_handle_at',
  ],
  ['reaches a large part of the kernel that has had many bugs, and watches others', 'perf_event_open'],
  ['changes the root of the mount namespace', 'pivot_root'],
  [NAMESPACES, 'setns unshare'],
  ['stops the kernel in the middle of an access, which makes races easy to win', 'userfaultfd'],
];

/** clone is here for its namespace flags; a filter on names alone cannot tell them apart. */
const TIER_3: readonly Group[] = [
  [
    'can make a user namespace, which most kernel exploits need, unless its flags are bounded',
    'clone',
  ],
  [
    'can make a user namespace, which most kernel exploits need, and no filter sees its flags',
    'clone3',
  ],
  ['changes the root directory, by which a process may leave the one it is kept in', 'chroot'],
  ['gives access to the hardware', 'ioperm iopl'],
  ['restarts the machine', 'reboot'],
  ['changes what the host swaps to', 'swapoff swapon'],
  [
    CLOCK,
    `adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday stime`,
  ],
  ['takes descriptors from other processes', 'pidfd_getfd'],
  ['tells where objects of the kernel lie', 'kcmp'],
  ['reads the log of the kernel, addresses included', 'syslog'],
  [MEMORY_NODES, 'mbind migrate_pages move_pages set_mempolicy'],
  ['changes quotas and accounting of the host', 'acct quotactl quotactl_fd'],
  ['changes the segments of the processor, which has had bugs', 'modify_ldt'],
  ['can turn off the randomisation of addresses', 'personality'],
  ['runs 16-bit code in an old mode of the processor', 'vm86 vm86old'],
  ['watches, and may decide on, what others do with files', 'fanotify_init'],
  ['is obsolete, and little tested', 'lookup_dcookie nfsservctl sysfs uselib ustat'],
];

interface Risk {
  tier: RiskTier;
  reason: string;
}

function tier(number: RiskTier, groups: readonly Group[]): (readonly [string, Risk])[] {
  return groups.flatMap(([reason, names]) =>
    names.split(/\s+/).map((name) => [name, { tier: number, reason }] as const),
  );
}

const RISKS = new Map<string, Risk>([...tier(1, TIER_1), ...tier(2, TIER_2), ...tier(3, TIER_3)]);

/** The tier of a call's name; null: none. */
export function riskTier(name: string): RiskTier | null {
  return RISKS.get(name)?.tier ?? null;
}

/** Why it is in its tier, to be read after "it": "loads programs into the kernel"; null: no tier. */
export function riskReason(name: string): string | null {
  return RISKS.get(name)?.reason ?? null;
}
