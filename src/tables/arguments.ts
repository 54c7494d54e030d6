/**
 * Values of arguments that decide what a call may do, by name and by kind. Linux UAPI, kernel v6.18:
 * include/linux/socket.h, uapi/linux/{sched,prctl,personality,keyctl,bpf,ptrace,seccomp,shm}.h,
 * uapi/asm-generic/ioctls.h, arch/x86/include/uapi/asm/prctl.h.
 */

export type ValueNames = Readonly<Record<string, number>>;

export const SOCKET_DOMAINS: ValueNames = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_AX25: 3,
  AF_IPX: 4,
  AF_APPLETALK: 5,
  AF_X25: 9,
  AF_INET6: 10,
  AF_KEY: 15,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  AF_RDS: 21,
  AF_PPPOX: 24,
  AF_LLC: 26,
  AF_IB: 27,
  AF_MPLS: 28,
  AF_CAN: 29,
  AF_TIPC: 30,
  AF_BLUETOOTH: 31,
  AF_RXRPC: 33,
  AF_PHONET: 35,
  AF_IEEE802154: 36,
  AF_CAIF: 37,
  AF_ALG: 38,
  AF_NFC: 39,
  AF_VSOCK: 40,
  AF_KCM: 41,
  AF_QIPCRTR: 42,
  AF_SMC: 43,
  AF_XDP: 44,
  AF_MCTP: 45,
};

export const NAMESPACE_FLAGS: ValueNames = {
  CLONE_NEWTIME: 0x80,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
};
/** In clone(2) the low byte is the signal at exit, so it cannot make a time namespace. */
export const CLONE_NAMESPACES = 0x7e020000n;
export const UNSHARE_NAMESPACES = 0x7e020080n;

export const PROT_WRITE = 2n;
export const PROT_EXEC = 4n;
export const SHM_RDONLY = 0o10000n;
export const SHM_EXEC = 0o100000n;

/**
 * prctl options that tell the caller about itself, or name a thread or a mapping: they give nothing
 * away and come with any prctl.
 */
export const PRCTL_HARMLESS: ValueNames = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_PDEATHSIG: 2,
  PR_GET_DUMPABLE: 3,
  PR_GET_KEEPCAPS: 7,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_CAPBSET_READ: 23,
  PR_GET_TSC: 25,
  PR_GET_SECUREBITS: 27,
  PR_SET_TIMERSLACK: 29,
  PR_GET_TIMERSLACK: 30,
  PR_MCE_KILL_GET: 34,
  PR_GET_CHILD_SUBREAPER: 37,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_GET_TID_ADDRESS: 40,
  PR_GET_THP_DISABLE: 42,
  PR_GET_SPECULATION_CTRL: 52,
  PR_GET_TAGGED_ADDR_CTRL: 56,
  PR_GET_IO_FLUSHER: 58,
  PR_GET_MDWE: 66,
  PR_GET_MEMORY_MERGE: 68,
  PR_GET_AUXV: 0x41555856,
  PR_SET_VMA: 0x53564d41,
};

/** Each a kind of its own. */
export const PRCTL_OTHER: ValueNames = {
  PR_SET_DUMPABLE: 4,
  PR_SET_KEEPCAPS: 8,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_DROP: 24,
  PR_SET_TSC: 26,
  PR_SET_SECUREBITS: 28,
  PR_MCE_KILL: 33,
  PR_SET_MM: 35,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_SET_THP_DISABLE: 41,
  PR_CAP_AMBIENT: 47,
  PR_SET_SPECULATION_CTRL: 53,
  PR_SET_IO_FLUSHER: 57,
  PR_SET_SYSCALL_USER_DISPATCH: 59,
  PR_SCHED_CORE: 62,
  PR_SET_MDWE: 65,
  PR_SET_MEMORY_MERGE: 67,
  PR_SET_PTRACER: 0x59616d61,
};

/** Thread pointers, and questions about the processor that libc and libraries ask at start. */
export const ARCH_PRCTL_HARMLESS: ValueNames = {
  ARCH_SET_GS: 0x1001,
  ARCH_SET_FS: 0x1002,
  ARCH_GET_FS: 0x1003,
  ARCH_GET_GS: 0x1004,
  ARCH_GET_CPUID: 0x1011,
  ARCH_GET_XCOMP_SUPP: 0x1021,
  ARCH_GET_XCOMP_PERM: 0x1022,
  ARCH_REQ_XCOMP_PERM: 0x1023,
  ARCH_CET_STATUS: 0x3001,
  ARCH_SHSTK_STATUS: 0x5005,
};

/** PER_LINUX, the usual one, and the question which it is. */
export const PERSONALITY_HARMLESS: ValueNames = { PER_LINUX: 0, query: 0xffffffff };

/** The type byte of terminals, and of the requests every descriptor takes: FIOCLEX, FIONBIO, FIONREAD. */
export const IOCTL_TERMINAL = 0x54;
/** What makes input of a terminal: the way out of a container that shares one. */
export const IOCTL_TERMINAL_INPUT: ValueNames = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c };
/** Masked request → value: all of 0x54xx but the two. 0x12 is 00010010 and 0x1c is 00011100. */
export const IOCTL_TERMINAL_CUBES: readonly (readonly [mask: number, value: number])[] = [
  [0xff80, 0x5480],
  [0xff40, 0x5440],
  [0xff20, 0x5420],
  [0xff10, 0x5400],
  [0xff01, 0x5401],
  [0xff0c, 0x5404],
  [0xff0c, 0x5408],
  [0xff0a, 0x5400],
  [0xff0a, 0x540a],
];

/** Operations of one kind: a program that does one has a use for the others. */
export interface Kind {
  name: string;
  values: ValueNames;
}

export const KEYCTL_KINDS: readonly Kind[] = [
  {
    name: 'read keys',
    values: {
      KEYCTL_GET_KEYRING_ID: 0,
      KEYCTL_DESCRIBE: 6,
      KEYCTL_SEARCH: 10,
      KEYCTL_READ: 11,
      KEYCTL_GET_SECURITY: 17,
      KEYCTL_CAPABILITIES: 31,
    },
  },
  { name: 'drop keys', values: { KEYCTL_REVOKE: 3, KEYCTL_CLEAR: 7, KEYCTL_UNLINK: 9 } },
];

export const BPF_KINDS: readonly Kind[] = [
  {
    name: 'map contents',
    values: {
      BPF_MAP_LOOKUP_ELEM: 1,
      BPF_MAP_UPDATE_ELEM: 2,
      BPF_MAP_DELETE_ELEM: 3,
      BPF_MAP_GET_NEXT_KEY: 4,
      BPF_MAP_LOOKUP_AND_DELETE_ELEM: 21,
      BPF_MAP_FREEZE: 22,
      BPF_MAP_LOOKUP_BATCH: 24,
      BPF_MAP_LOOKUP_AND_DELETE_BATCH: 25,
      BPF_MAP_UPDATE_BATCH: 26,
      BPF_MAP_DELETE_BATCH: 27,
    },
  },
  {
    name: 'list objects',
    values: {
      BPF_PROG_GET_NEXT_ID: 11,
      BPF_MAP_GET_NEXT_ID: 12,
      BPF_OBJ_GET_INFO_BY_FD: 15,
      BPF_BTF_GET_NEXT_ID: 23,
      BPF_LINK_GET_NEXT_ID: 31,
    },
  },
];

export const PTRACE_KINDS: readonly Kind[] = [
  {
    name: 'watch a tracee',
    values: {
      PTRACE_PEEKTEXT: 1,
      PTRACE_PEEKDATA: 2,
      PTRACE_PEEKUSER: 3,
      PTRACE_CONT: 7,
      PTRACE_KILL: 8,
      PTRACE_SINGLESTEP: 9,
      PTRACE_GETREGS: 12,
      PTRACE_GETFPREGS: 14,
      PTRACE_DETACH: 17,
      PTRACE_GETFPXREGS: 18,
      PTRACE_SYSCALL: 24,
      PTRACE_SETOPTIONS: 0x4200,
      PTRACE_GETEVENTMSG: 0x4201,
      PTRACE_GETSIGINFO: 0x4202,
      PTRACE_GETREGSET: 0x4204,
      PTRACE_INTERRUPT: 0x4207,
      PTRACE_LISTEN: 0x4208,
      PTRACE_PEEKSIGINFO: 0x4209,
      PTRACE_GETSIGMASK: 0x420a,
      PTRACE_GET_SYSCALL_INFO: 0x420e,
    },
  },
  { name: 'attach', values: { PTRACE_ATTACH: 16, PTRACE_SEIZE: 0x4206 } },
  {
    name: 'change a tracee',
    values: {
      PTRACE_POKETEXT: 4,
      PTRACE_POKEDATA: 5,
      PTRACE_POKEUSER: 6,
      PTRACE_SETREGS: 13,
      PTRACE_SETFPREGS: 15,
      PTRACE_SETFPXREGS: 19,
      PTRACE_SETSIGINFO: 0x4203,
      PTRACE_SETREGSET: 0x4205,
      PTRACE_SETSIGMASK: 0x420b,
    },
  },
];

/** Questions about seccomp itself. */
export const SECCOMP_HARMLESS: ValueNames = {
  SECCOMP_GET_ACTION_AVAIL: 2,
  SECCOMP_GET_NOTIF_SIZES: 3,
};

/** PR_*, AF_*… of a value; as hex where it has no name here. */
export function valueName(names: ValueNames, value: bigint): string {
  const found = Object.entries(names).find(([, known]) => BigInt(known) === value);
  return found?.[0] ?? `0x${value.toString(16)}`;
}

/** "CLONE_NEWUSER|CLONE_NEWNET" */
export function namespaceFlagNames(flags: bigint): string {
  const named = Object.entries(NAMESPACE_FLAGS).filter(([, bit]) => (flags & BigInt(bit)) !== 0n);
  return named.map(([name]) => name).join('|');
}
