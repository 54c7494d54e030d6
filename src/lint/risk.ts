/** What passes that gives an attacker more than others: by tier, and by argument where that decides. */

import type { Severity } from '../review';
import {
  type Abi,
  NAMESPACE_FLAGS,
  names,
  PTRACE_KINDS,
  type RiskTier,
  riskTier,
  syscallNumber,
} from '../tables';
import { ALL, INT, listText, passesAlways, passing, passingPath, refused } from './ask';
import { RISKY_DOMAINS, RISKY_PERSONALITY } from './dangers';
import type { Circumstance, Draft, LintInput, View } from './types';
import { circumstanceWords } from './views';

const TIER_REASONS: Record<RiskTier, string> = {
  1: 'tier 1: takes over the kernel or other processes',
  2: "tier 2: opens the kernel's largest attack surface",
  3: 'tier 3: seldom needed, and with a history of faults',
};
const ALWAYS: Record<RiskTier, Severity> = { 1: 'high', 2: 'medium', 3: 'low' };
const WITH_CONDITIONS: Record<RiskTier, Severity> = { 1: 'medium', 2: 'low', 3: 'note' };

/** Judged by what their arguments make of them, below. */
const BY_ARGUMENT = new Set(['clone', 'clone3', 'personality', 'unshare']);

function justified({ evidence }: LintInput, name: string): string | null {
  const texts = evidence?.justifications ?? {};
  return Object.hasOwn(texts, name) ? (texts[name] as string) : null;
}

export function riskyCalls(view: View, input: LintInput): Draft[] {
  const byDefault = new Map<RiskTier, Set<string>>();
  const drafts = view.abis.flatMap((abi) =>
    names(abi).flatMap((name): Draft[] => {
      const tier = riskTier(name);
      if (tier === null || BY_ARGUMENT.has(name)) return [];
      if (view.focus?.has(name) === false) return [];
      const found = passing(view, abi, name);
      if (found === null) return [];
      const { path, named } = passingPath(view, name);
      if (!named) {
        byDefault.set(tier, (byDefault.get(tier) ?? new Set()).add(name));
        return [];
      }
      const always = passesAlways(view, abi, name);
      const justification = justified(input, name);
      const severity = (always ? ALWAYS : WITH_CONDITIONS)[tier];
      const kinds = name === 'ptrace' && !always ? ptraceKinds(view, abi) : '';
      const made: Draft = {
        rule: 'risky-call',
        severity: justification === null || severity === 'note' ? severity : 'low',
        abi,
        call: name,
        message: `${name} passes${always ? '' : ` with some arguments${kinds}`}`,
        reason: `${TIER_REASONS[tier]}${justification === null ? '' : '; justified in the evidence'}`,
        path,
        key: [always ? 'always' : 'with conditions'],
        witness: found.call,
      };
      return [made];
    }),
  );
  for (const [tier, found] of byDefault) {
    const names = [...found].sort();
    drafts.push({
      rule: 'risky-call',
      severity: ALWAYS[tier],
      message: `no rule refuses ${listText(names, 40)}, so the default lets them pass`,
      reason: TIER_REASONS[tier],
      path: ['defaultAction'],
      key: names,
    });
  }
  return drafts;
}

/**
 * What passes in containers that have a capability, beside what passes in all: meant for who has
 * it, and said in one finding. `found`: what riskyCalls and namespaces say of such containers.
 */
export function openedBy(circumstance: Circumstance, found: readonly Draft[]): Draft {
  const words = circumstanceWords([circumstance]);
  const calls = [...new Set(found.flatMap(({ call }) => call ?? []))].sort();
  const user = found.some(({ rule }) => rule === 'user-namespace-open');
  return {
    rule: 'capability-opens',
    severity: 'note',
    message: `${words} more passes: ${listText(calls, 40)}${
      user ? ', user namespaces among it' : ''
    }`,
    path: (found[0] as Draft).path,
    key: [words.replace(/^.* with /, ''), ...calls],
  };
}

function ptraceKinds(view: View, abi: Abi): string {
  const open = PTRACE_KINDS.filter(({ values }) =>
    Object.values(values).some((value) =>
      passing(view, abi, 'ptrace', [{ index: 0, mask: ALL, value: BigInt(value) }]),
    ),
  );
  return open.length === 0 ? '' : `: to ${listText(open.map(({ name }) => name))}`;
}

/** Evidence lies beside the profile, and nobody wrote why the call has to pass. */
export function unjustified(view: View, input: LintInput): Draft[] {
  if (input.evidence === null) return [];
  const drafts = new Map<string, Draft>();
  for (const abi of view.abis) {
    for (const name of names(abi)) {
      const tier = riskTier(name);
      if (tier !== 1 && tier !== 2) continue;
      if (drafts.has(name) || justified(input, name) !== null) continue;
      if (passing(view, abi, name) === null) continue;
      drafts.set(name, {
        rule: 'justification-missing',
        severity: 'medium',
        call: name,
        message: `${name} passes, and the evidence beside the profile has no justification for it`,
        reason: TIER_REASONS[tier],
        path: passingPath(view, name).path,
      });
    }
  }
  return [...drafts.values()];
}

const USER_NAMESPACE =
  'most published kernel exploits start in a user namespace, where a process has every capability';

/** clone and unshare by their flags; clone3, whose flags lie in memory, as a whole. */
export function namespaces(view: View): Draft[] {
  return view.abis.flatMap((abi) => [
    ...['clone', 'unshare'].flatMap((name) =>
      view.focus?.has(name) === false ? [] : byFlags(view, abi, name),
    ),
    ...(view.focus?.has('clone3') === false ? [] : clone3(view, abi)),
  ]);
}

function byFlags(view: View, abi: Abi, name: string): Draft[] {
  const flags = Object.entries(NAMESPACE_FLAGS)
    // clone's low byte is the signal at exit.
    .filter(([flag]) => name === 'unshare' || flag !== 'CLONE_NEWTIME')
    .map(([flag, bit]) => ({ flag, mask: BigInt(bit) }));
  const open = flags.flatMap(({ flag, mask }) => {
    // unshare refuses bits above 32; clone does not look at them.
    const upper = name === 'unshare' ? ALL ^ INT : 0n;
    const found = passing(view, abi, name, [{ index: 0, mask: mask | upper, value: mask }]);
    return found === null ? [] : [{ flag, call: found.call }];
  });
  const first = open[0];
  if (first === undefined) return [];
  const user = open.find(({ flag }) => flag === 'CLONE_NEWUSER');
  const all = open.map(({ flag }) => flag);
  return [
    {
      rule: user === undefined ? 'namespaces-open' : 'user-namespace-open',
      severity: user === undefined ? 'low' : 'high',
      abi,
      call: name,
      message:
        user === undefined
          ? `${name} makes namespaces: ${listText(all)} pass`
          : `${name} makes user namespaces: ${listText(all)} pass`,
      reason:
        user === undefined ? 'without a user namespace these need CAP_SYS_ADMIN' : USER_NAMESPACE,
      path: passingPath(view, name).path,
      key: all,
      passes: all,
      witness: (user ?? first).call,
    },
  ];
}

function clone3(view: View, abi: Abi): Draft[] {
  const found = passing(view, abi, 'clone3');
  if (found === null) return [];
  const past = refused(view, abi, 'clone', [{ index: 0, mask: 0x10000000n, value: 0x10000000n }]);
  return [
    {
      rule: 'user-namespace-open',
      severity: 'high',
      abi,
      call: 'clone3',
      message:
        'clone3 passes, and makes user namespaces: its flags lie in memory, where a filter reads nothing' +
        (past === null ? '' : '; what the rule for clone refuses passes here'),
      reason: `${USER_NAMESPACE}; answer clone3 with ENOSYS, and libc falls back to clone`,
      path: passingPath(view, 'clone3').path,
      witness: found.call,
    },
  ];
}

export function sockets(view: View): Draft[] {
  return view.abis.flatMap((abi): Draft[] => {
    if (passing(view, abi, 'socket') === null) return [];
    const open = RISKY_DOMAINS.flatMap(({ name, value, severity }) => {
      const domain = [{ index: 0, mask: ALL, value: BigInt(value) }];
      const found = passing(view, abi, 'socket', domain);
      return found === null ? [] : [{ name, severity, call: found.call }];
    });
    const first = open[0];
    if (first === undefined) return [];
    const all = open.map(({ name }) => name);
    return [
      {
        rule: 'socket-domains',
        severity: open.some(({ severity }) => severity === 'medium') ? 'medium' : 'low',
        abi,
        call: 'socket',
        message: `socket passes with ${listText(all)}`,
        reason: 'each is kernel code of its own, of which most programs need none',
        path: passingPath(view, 'socket').path,
        key: all,
        passes: all,
        witness: first.call,
      },
    ];
  });
}

export function personality(view: View): Draft[] {
  return view.abis.flatMap((abi): Draft[] => {
    const open = RISKY_PERSONALITY.flatMap(({ name, value }) => {
      const exact = [{ index: 0, mask: ALL, value: BigInt(value) }];
      const found = passing(view, abi, 'personality', exact);
      return found === null ? [] : [{ name, call: found.call }];
    });
    const first = open[0];
    if (first === undefined) return [];
    const all = open.map(({ name }) => name);
    return [
      {
        rule: 'personality-open',
        severity: 'low',
        abi,
        call: 'personality',
        message: `personality passes with ${listText(all)}`,
        reason: 'it takes back protections of memory for everything executed afterwards',
        path: passingPath(view, 'personality').path,
        key: all,
        passes: all,
        witness: first.call,
      },
    ];
  });
}

/** What rings do that a filter sees under no other name (include/uapi/linux/io_uring.h, IORING_OP_*). */
const RING_OPERATIONS = [
  ...['open', 'openat', 'openat2', 'read', 'readv', 'pread64', 'write', 'writev', 'pwrite64'],
  ...['socket', 'connect', 'accept', 'accept4', 'bind', 'listen', 'sendto', 'sendmsg'],
  ...['recvfrom', 'recvmsg', 'unlinkat', 'renameat', 'renameat2', 'mkdirat', 'linkat'],
  ...['symlinkat', 'statx', 'fsync', 'fallocate', 'ftruncate', 'splice', 'setxattr', 'fsetxattr'],
];

export function ioUring(view: View): Draft[] {
  return view.abis.flatMap((abi): Draft[] => {
    const setup = passing(view, abi, 'io_uring_setup');
    if (setup === null || passing(view, abi, 'io_uring_enter') === null) return [];
    const filtered = RING_OPERATIONS.filter(
      (name) => syscallNumber(abi, name) !== null && refused(view, abi, name) !== null,
    );
    if (filtered.length === 0) return [];
    return [
      {
        rule: 'io-uring-bypass',
        severity: 'high',
        abi,
        call: 'io_uring_setup',
        message: `io_uring passes and does unseen what the filter refuses or bounds: ${listText(filtered, 8)}`,
        reason: 'operations in a ring are no system calls: no filter sees them',
        path: passingPath(view, 'io_uring_setup').path,
        witness: setup.call,
      },
    ];
  });
}
