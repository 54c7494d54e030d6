/**
 * Tier `safe`: which other arguments are of the same kind as those seen. A rule bounds what a call
 * may be used for, not the values a test happened to produce: an untested path of a kind that was
 * seen still works, and a kind that was not seen is refused.
 */
import {
  ARCH_PRCTL_HARMLESS,
  BPF_KINDS,
  CLONE_NAMESPACES,
  IOCTL_TERMINAL,
  IOCTL_TERMINAL_CUBES,
  IOCTL_TERMINAL_INPUT,
  KEYCTL_KINDS,
  type Kind,
  namespaceFlagNames,
  PERSONALITY_HARMLESS,
  PRCTL_HARMLESS,
  PRCTL_OTHER,
  PROT_EXEC,
  PROT_WRITE,
  PTRACE_KINDS,
  SECCOMP_HARMLESS,
  SHM_EXEC,
  SHM_RDONLY,
  SOCKET_DOMAINS,
  UNSHARE_NAMESPACES,
  type ValueNames,
  valueName,
} from '../tables';
import { type Bits, type Cube, INT, WORD } from './cubes';

/** A rule: the call passes when one of the cubes holds it. `covers` is for people. */
export interface Alternative {
  readonly cube: Cube;
  readonly covers: string;
  /** Alternatives of one kind come together, whichever of them was seen. */
  readonly kind: string;
}

/** Why a call is permitted with every argument though its kinds could be told apart. */
export interface Unbounded {
  readonly any: string;
}

/** Values of the tracked arguments, masked, in the order of the tables. */
export type Tuple = readonly bigint[];

type Generalise = (tuples: readonly Tuple[]) => readonly Alternative[] | Unbounded;

function column(tuples: readonly Tuple[], at: number): bigint[] {
  return [...new Set(tuples.map((tuple) => tuple[at] ?? 0n))];
}

function ascending(values: Iterable<bigint>): bigint[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : Number(a > b)));
}

function all(values: ValueNames): bigint[] {
  return Object.values(values).map(BigInt);
}

/** Values one by one: those seen, those of the same kind, and the harmless ones. */
function listed(
  index: number,
  mask: bigint,
  names: readonly ValueNames[],
  harmless: ValueNames = {},
  kinds: readonly Kind[] = [],
): Generalise {
  const known = Object.assign({}, ...names, harmless, ...kinds.map(({ values }) => values));
  return (tuples) => {
    const seen = column(tuples, 0);
    const same = kinds.filter(({ values }) => all(values).some((value) => seen.includes(value)));
    const wanted = [...seen, ...same.flatMap(({ values }) => all(values)), ...all(harmless)];
    return ascending(wanted).map((value) => ({
      cube: [{ index, mask, value }],
      covers: valueName(known, value),
      kind:
        kinds.find(({ values }) => all(values).includes(value))?.name ??
        (all(harmless).includes(value) ? 'harmless' : valueName(known, value)),
    }));
  };
}

/** Namespace flags: those never seen are refused, whatever the other flags are. */
function namespaces(index: number, every: bigint): Generalise {
  return (tuples) => {
    const seen = column(tuples, 0).reduce((flags, value) => flags | (value & every), 0n);
    const refused = every & ~seen;
    if (refused === 0n) return { any: 'every kind of namespace was made' };
    const made = seen === 0n ? 'no namespaces' : `namespaces only by ${namespaceFlagNames(seen)}`;
    return [{ cube: [{ index, mask: refused, value: 0n }], covers: made, kind: made }];
  };
}

/** Two names of IP, so that a host with the other one does not break the program. */
const IP: readonly bigint[] = [2n, 10n];
/**
 * By domain alone. AF_INET with SOCK_PACKET makes an AF_PACKET socket (net/socket.c, __sock_create)
 * and needs CAP_NET_RAW like one; a second argument in the rule is what libseccomp may mix up with
 * other calls' rules, see policy/undecided.ts.
 */
const socketDomains: Generalise = (tuples) => {
  const seen = column(tuples, 0);
  const domains = seen.some((domain) => IP.includes(domain)) ? [...seen, ...IP] : seen;
  return ascending(domains).map((domain) => ({
    cube: [{ index: 0, mask: INT, value: domain }],
    covers: valueName(SOCKET_DOMAINS, domain),
    kind: IP.includes(domain) ? 'IP' : valueName(SOCKET_DOMAINS, domain),
  }));
};

function neverBoth(notExecutable: Bits, notWritable: Bits): Alternative[] {
  const kind = 'writable or executable';
  return [
    { cube: [notExecutable], covers: 'memory that is not executable', kind },
    { cube: [notWritable], covers: 'memory that is not writable', kind },
  ];
}

/** Writable or executable, never both, unless both were seen at once. */
const protection: Generalise = (tuples) => {
  const both = PROT_WRITE | PROT_EXEC;
  if (column(tuples, 0).some((value) => (value & both) === both)) {
    return { any: 'memory both writable and executable was asked for' };
  }
  return neverBoth(
    { index: 2, mask: PROT_EXEC, value: 0n },
    { index: 2, mask: PROT_WRITE, value: 0n },
  );
};

const sharedMemory: Generalise = (tuples) => {
  const kind = SHM_EXEC | SHM_RDONLY;
  if (column(tuples, 0).some((value) => (value & kind) === SHM_EXEC)) {
    return { any: 'shared memory both writable and executable was attached' };
  }
  return neverBoth(
    { index: 2, mask: SHM_EXEC, value: 0n },
    { index: 2, mask: SHM_RDONLY, value: SHM_RDONLY },
  );
};

const TYPE_BYTE = 0xff00n;

/** By the type byte of the request. The terminal's comes along: every descriptor takes some of it. */
const requestGroups: Generalise = (tuples) => {
  const seen = column(tuples, 0);
  const groups = seen.map((request) => request & TYPE_BYTE);
  const input = all(IOCTL_TERMINAL_INPUT).filter((request) => seen.includes(request));
  return [
    ...IOCTL_TERMINAL_CUBES.map(([mask, value]) => ({
      cube: [{ index: 1, mask: BigInt(mask), value: BigInt(value) }],
      covers: 'requests of terminals and of any descriptor (0x54), without TIOCSTI and TIOCLINUX',
      kind: 'terminal',
    })),
    ...ascending(input).map((request) => ({
      cube: [{ index: 1, mask: 0xffffn, value: request }],
      covers: valueName(IOCTL_TERMINAL_INPUT, request),
      kind: 'terminal input',
    })),
    ...ascending(groups)
      .filter((group) => group !== BigInt(IOCTL_TERMINAL) << 8n)
      .map((group) => ({
        cube: [{ index: 1, mask: TYPE_BYTE, value: group }],
        covers: `requests of type 0x${(group >> 8n).toString(16)}`,
        kind: `type 0x${(group >> 8n).toString(16)}`,
      })),
  ];
};

const namespaceTypes: Generalise = (tuples) => {
  const seen = ascending(column(tuples, 0));
  if (seen.includes(0n)) return { any: 'a namespace of any type was entered' };
  return seen.map((value) => ({
    cube: [{ index: 1, mask: INT, value }],
    covers: `a namespace of ${namespaceFlagNames(value) || `0x${value.toString(16)}`}`,
    kind: `0x${value.toString(16)}`,
  }));
};

interface SafeRule {
  generalise: Generalise;
  /** What is lost without the rule, least first: in this order --max-cost gives rules up. */
  worth: number;
}

const SAFE: Readonly<Record<string, SafeRule>> = {
  arch_prctl: { worth: 2, generalise: listed(0, INT, [], ARCH_PRCTL_HARMLESS) },
  prctl: { worth: 2, generalise: listed(0, INT, [PRCTL_OTHER], PRCTL_HARMLESS) },
  seccomp: { worth: 2, generalise: listed(0, INT, [], SECCOMP_HARMLESS) },
  ioctl: { worth: 3, generalise: requestGroups },
  personality: { worth: 3, generalise: listed(0, INT, [], PERSONALITY_HARMLESS) },
  mmap: { worth: 4, generalise: protection },
  mmap2: { worth: 4, generalise: protection },
  mprotect: { worth: 4, generalise: protection },
  pkey_mprotect: { worth: 4, generalise: protection },
  shmat: { worth: 4, generalise: sharedMemory },
  socketpair: { worth: 5, generalise: socketDomains },
  socket: { worth: 5, generalise: socketDomains },
  bpf: { worth: 6, generalise: listed(0, INT, [], {}, BPF_KINDS) },
  keyctl: { worth: 6, generalise: listed(0, INT, [], {}, KEYCTL_KINDS) },
  ptrace: { worth: 6, generalise: listed(0, WORD, [], {}, PTRACE_KINDS) },
  setns: { worth: 6, generalise: namespaceTypes },
  // Most published kernel exploits begin with a user namespace.
  clone: { worth: 7, generalise: namespaces(0, CLONE_NAMESPACES) },
  unshare: { worth: 7, generalise: namespaces(0, UNSHARE_NAMESPACES) },
};

/** The alternatives of tier `safe`; null: the tier has no rule for the call. */
export function generalise(
  name: string,
  tuples: readonly Tuple[],
): readonly Alternative[] | Unbounded | null {
  return Object.hasOwn(SAFE, name) ? (SAFE[name]?.generalise(tuples) ?? null) : null;
}

/** How much a rule on the call is worth keeping, 1 the least. */
export function worthOf(name: string): number {
  return Object.hasOwn(SAFE, name) ? (SAFE[name]?.worth ?? 1) : 1;
}

export function hasKinds(name: string): boolean {
  return Object.hasOwn(SAFE, name);
}
