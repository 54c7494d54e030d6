/**
 * Calls whose register arguments tell kinds of privilege apart, and which bits of them do. Pointers,
 * descriptors, lengths, addresses and process ids are left out: rules learned from them fit one run.
 */
import { ABIS, type Abi, syscallNumber } from './syscalls';

export interface TrackedArgument {
  index: number;
  /** Bits kept. A parameter that the kernel declares 32 bits wide is compared in those alone. */
  mask: bigint;
}

export interface TrackedCall {
  abi: Abi;
  number: number;
  args: readonly TrackedArgument[];
  /** The kernel-side value is the first 64-bit word that argument 0 points to (struct clone_args). */
  memory: boolean;
}

const WORD = 0xffff_ffff_ffff_ffffn;
const INT = 0xffff_ffffn;
/** SOCK_CLOEXEC and SOCK_NONBLOCK, or'ed into the type. */
const SOCKET_TYPE = INT & ~0x80800n;
/** Without the signal sent at exit, the low byte. clone3 has no signal there, but CLONE_NEWTIME. */
const CLONE_FLAGS = WORD & ~0xffn;

type Spec = readonly (readonly [index: number, mask: bigint])[];

const CALLS: Readonly<Record<string, Spec>> = {
  arch_prctl: [[0, INT]],
  bpf: [[0, INT]],
  clock_adjtime: [[0, INT]],
  clock_getres: [[0, INT]],
  clock_gettime: [[0, INT]],
  clock_nanosleep: [[0, INT]],
  clock_settime: [[0, INT]],
  clone: [[0, CLONE_FLAGS]],
  clone3: [[0, WORD]],
  fcntl: [[1, INT]],
  fcntl64: [[1, INT]],
  futex: [[1, INT]],
  getrandom: [[2, INT]],
  getsockopt: [
    [1, INT],
    [2, INT],
  ],
  io_uring_register: [[1, INT]],
  ioctl: [[1, INT]],
  keyctl: [[0, INT]],
  madvise: [[2, INT]],
  membarrier: [[0, INT]],
  memfd_create: [[1, INT]],
  mmap: [[2, WORD]],
  mmap2: [[2, WORD]],
  mprotect: [[2, WORD]],
  personality: [[0, INT]],
  pkey_mprotect: [[2, WORD]],
  prctl: [[0, INT]],
  prlimit64: [[1, INT]],
  ptrace: [[0, WORD]],
  sched_setscheduler: [[1, INT]],
  seccomp: [[0, INT]],
  setns: [[1, INT]],
  setsockopt: [
    [1, INT],
    [2, INT],
  ],
  shmat: [[2, INT]],
  socket: [
    [0, INT],
    [1, SOCKET_TYPE],
    [2, INT],
  ],
  socketpair: [
    [0, INT],
    [1, SOCKET_TYPE],
    [2, INT],
  ],
  unshare: [[0, INT]],
};

/** i386's and arm's own mmap take a pointer to their arguments. */
const BEHIND_A_POINTER: ReadonlySet<string> = new Set(['i386 mmap', 'arm mmap']);

/** What is tracked of a call; null: nothing. Masks are those of the ABI's registers. */
export function trackedArguments(abi: Abi, name: string): readonly TrackedArgument[] | null {
  const spec = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (spec === undefined || BEHIND_A_POINTER.has(`${abi} ${name}`)) return null;
  const register = abi === 'i386' || abi === 'arm' ? INT : WORD;
  return spec.map(([index, mask]) => ({ index, mask: mask & register }));
}

/** Every tracked call of these ABIs, by number. */
export function trackedCalls(abis: readonly Abi[] = ABIS): TrackedCall[] {
  return abis.flatMap((abi) =>
    Object.keys(CALLS).flatMap((name) => {
      const number = syscallNumber(abi, name);
      const args = trackedArguments(abi, name);
      if (number === null || args === null) return [];
      return [{ abi, number, args, memory: name === 'clone3' }];
    }),
  );
}
