/** Values of <seccomp.h> and <linux/seccomp.h> that the FFI needs; they are kernel and library ABI. */

/** The action word without its data (errno, trace message). */
export const ACTIONS = {
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  /** The old name of KILL_THREAD, to runc and libseccomp alike. */
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const;

/** enum scmp_compare */
export const OPERATORS = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const;

/** enum scmp_filter_attr, CTL_OPTIMIZE */
export const ATTRIBUTE_OPTIMISE = 8;
export const OPTIMISE_TREE = 2;

/** What seccomp_syscall_resolve_name* answers for a name it does not know. */
export const UNKNOWN_NAME = -1;

/** Flags of seccomp(SECCOMP_SET_MODE_FILTER) that a profile may ask for. */
export const FILTER_FLAGS = {
  /** runc and sysieve load a filter from a single thread: nothing to synchronise. */
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
} as const;

/** BPF_MAXINSNS: the longest program the kernel takes. */
export const MAX_INSTRUCTIONS = 4096;
export const INSTRUCTION_BYTES = 8;

export const EPERM = 1;
export const ENOSYS = 38;

/** Bit 30 of a syscall number marks the x32 ABI; its audit architecture is x86_64's. */
export const X32_BIT = 0x40000000;

/** Opcodes of classic BPF that libseccomp and the ENOSYS answer are made of. */
export const BPF = {
  LOAD_WORD: 0x20,
  AND: 0x54,
  JUMP: 0x05,
  JUMP_EQUAL: 0x15,
  JUMP_GREATER: 0x25,
  JUMP_GREATER_EQUAL: 0x35,
  JUMP_BITS_SET: 0x45,
  RETURN: 0x06,
} as const;

/** Offsets in struct seccomp_data. */
export const DATA = { nr: 0, arch: 4, instructionPointer: 8, args: 16 } as const;
