/** Refusals that another call, another ABI or libc gets around or stumbles over. */

import { answerText } from '../policy';
import {
  type Abi,
  ENOSYS,
  EQUIVALENTS,
  FALLBACKS,
  PROT_EXEC,
  PROT_WRITE,
  SHM_EXEC,
  SHM_RDONLY,
  syscallNumber,
  trackedArguments,
} from '../tables';
import {
  type Constraint,
  isPassingAction,
  isRefused,
  isUnconditional,
  listText,
  passesAlways,
  passing,
  passingPath,
  refused,
  refusedForGood,
  ruleOf,
  answerText as ruleText,
} from './ask';
import type { Draft, View } from './types';

/** Refused on purpose: by a rule of its own, or because the rules let only some arguments pass. */
function isDeliberate(view: View, name: string): boolean {
  return view.profile.syscalls.some(
    (rule) =>
      rule.names.includes(name) && (!isPassingAction(rule.action) || !isUnconditional(rule)),
  );
}

/** Left out of a profile while its sibling is in it: nobody forbids half of executing. */
const PRIMARY: readonly string[] = ['execve'];

export function equivalents(view: View): Draft[] {
  const targets = [...new Set(EQUIVALENTS.map(({ to }) => to))];
  return view.abis.flatMap((abi) =>
    targets.flatMap((to): Draft[] => {
      if (syscallNumber(abi, to) === null) return [];
      if (!isDeliberate(view, to) && !PRIMARY.includes(to)) return [];
      const open = EQUIVALENTS.filter((pair) => {
        if (pair.to !== to || syscallNumber(abi, pair.from) === null) return false;
        // ENOSYS sends libc to the other call: that is meant.
        const shut = refused(view, abi, to, pair.only ?? [], refusedForGood);
        if (shut === null) return false;
        return pair.within === null
          ? passesAlways(view, abi, pair.from)
          : passing(view, abi, pair.from, pair.within) !== null;
      }).map(({ from }) => from);
      if (open.length === 0) return [];
      const partly = passing(view, abi, to) !== null;
      return [
        {
          rule: 'equivalent-open',
          severity: 'medium',
          abi,
          call: to,
          message: `${to} is refused${partly ? ' with some arguments' : ''}, and ${listText(open)} ${
            open.length === 1 ? 'does' : 'do'
          } the same and pass${open.length === 1 ? 'es' : ''}`,
          reason: 'whoever is refused the one makes the other',
          path: ruleOf(view, to, (rule) => !isPassingAction(rule.action)).path,
          key: [partly ? 'partly' : 'wholly', ...open],
          witness: (
            refused(view, abi, to, [], refusedForGood) as NonNullable<ReturnType<typeof refused>>
          ).call,
        },
      ];
    }),
  );
}

const WRITABLE_AND_EXECUTABLE = PROT_WRITE | PROT_EXEC;
const MAPPING = { index: 2, mask: WRITABLE_AND_EXECUTABLE, value: WRITABLE_AND_EXECUTABLE };

/** Each gets memory that is writable and executable at once, with these bits. */
const EXECUTABLE_MEMORY: readonly { name: string; bits: Constraint }[] = [
  ...['mmap', 'mmap2', 'mprotect', 'pkey_mprotect'].map((name) => ({ name, bits: MAPPING })),
  { name: 'shmat', bits: { index: 2, mask: SHM_EXEC | SHM_RDONLY, value: SHM_EXEC } },
];

/** Memory both writable and executable is refused to one call, and another one gets it. */
export function executableMemory(view: View): Draft[] {
  return view.abis.flatMap((abi): Draft[] => {
    // i386's own mmap has its arguments behind a pointer.
    const calls = EXECUTABLE_MEMORY.filter(({ name }) => trackedArguments(abi, name) !== null);
    const shut = calls.filter(
      ({ name, bits }) => isDeliberate(view, name) && passing(view, abi, name, [bits]) === null,
    );
    const open = calls.flatMap(({ name, bits }) => {
      const found = passing(view, abi, name, [bits]);
      return found === null ? [] : [{ name, call: found.call }];
    });
    const [first] = open;
    if (first === undefined || shut.length === 0) return [];
    const names = open.map(({ name }) => name);
    const refusedTo = shut.map(({ name }) => name);
    return [
      {
        rule: 'executable-memory-open',
        severity: 'low',
        abi,
        call: first.name,
        message: `memory that is writable and executable is refused to ${listText(refusedTo)}, and ${listText(names)} ${names.length === 1 ? 'gets' : 'get'} it`,
        reason: 'bound them all, or the rule keeps nobody from it',
        path: passingPath(view, first.name).path,
        key: [...refusedTo, 'and', ...names],
        witness: first.call,
      },
    ];
  });
}

/** Calls that libc tries first, and goes on without only when told ENOSYS. */
export function fallbacks(view: View): Draft[] {
  return view.abis.flatMap((abi): Draft[] => {
    const unnamed: string[] = [];
    const drafts = FALLBACKS.flatMap(({ name, instead, source }): Draft[] => {
      if (source.includes('any errno')) return [];
      const found = refused(view, abi, name, [], refusedForGood);
      if (found === null || !fallsBackTo(view, abi, instead)) return [];
      const { path, named } = ruleOf(view, name, (rule) => !isPassingAction(rule.action));
      if (!named && name !== 'clone3') {
        unnamed.push(name);
        return [];
      }
      const answer = answerText(found.answer);
      return [
        {
          rule: 'fallback-errno',
          severity: 'medium',
          abi,
          call: name,
          after: answer,
          message: `${name} is refused with ${answer}, not ENOSYS: callers do not fall back to ${instead}, but fail`,
          reason: source,
          path,
          key: [answer],
          witness: found.call,
        },
      ];
    });
    if (unnamed.length === 0) return drafts;
    const { defaultAction, defaultErrnoRet } = view.profile;
    const answer = ruleText({ action: defaultAction, errnoRet: defaultErrnoRet });
    return [
      ...drafts,
      {
        rule: 'fallback-errno',
        severity: 'low',
        abi,
        message: `the default refuses ${listText(unnamed, 20)} with another answer than ENOSYS: programs that try them first fail instead of falling back`,
        reason: `name them with SCMP_ACT_ERRNO and errnoRet ${ENOSYS}`,
        path: ['defaultAction'],
        key: [answer, ...unnamed],
      },
    ];
  });
}

function fallsBackTo(view: View, abi: Abi, instead: string): boolean {
  const calls = instead.match(/[a-z_0-9]+/g)?.filter((word) => syscallNumber(abi, word) !== null);
  return calls?.some((name) => passing(view, abi, name) !== null) === true;
}

/** i386's two calls that carry others: a code in the first argument, the rest behind a pointer. */
const CARRIERS = [
  {
    carrier: 'socketcall',
    mask: 0xffff_ffffn,
    codes: { socket: 1, connect: 3, sendto: 11, setsockopt: 14, socketpair: 8 },
    where: 'its arguments lie in memory, where a filter reads nothing',
  },
  {
    carrier: 'ipc',
    // Above it is a version, which only some of the calls look at (ipc/syscall.c).
    mask: 0xffffn,
    codes: { shmat: 21, shmget: 23, shmctl: 24, semget: 2, semctl: 3, msgget: 13, msgctl: 14 },
    where: "a filter's conditions on the calls it carries do not hold for it",
  },
] as const;

export function multiplexers(view: View): Draft[] {
  if (!view.abis.includes('i386')) return [];
  return CARRIERS.flatMap(({ carrier, mask, codes, where }): Draft[] => {
    const open = Object.entries(codes).flatMap(([name, code]) => {
      const found = passing(view, 'i386', carrier, [{ index: 0, mask, value: BigInt(code) }]);
      if (found === null) return [];
      const bound = view.abis.some((abi) => refused(view, abi, name, [], isRefused) !== null);
      return bound && isDeliberate(view, name) ? [{ name, call: found.call }] : [];
    });
    const first = open[0];
    if (first === undefined) return [];
    const all = open.map(({ name }) => name);
    const direct = view.profile.syscalls.some((rule) => rule.names.includes(carrier));
    return [
      {
        rule: `${carrier}-open`,
        severity: 'medium',
        abi: 'i386',
        call: carrier,
        message: `${carrier} passes, and past it the rules for ${listText(all)}: ${where}`,
        reason: 'no rule can bound it: refuse 32-bit code, or the call as a whole',
        path: passingPath(view, direct ? carrier : first.name).path,
        key: all,
        witness: first.call,
      },
    ];
  });
}

export function defaults(view: View): Draft[] {
  const { defaultAction } = view.profile;
  if (!isPassingAction(defaultAction)) return [];
  const logged = defaultAction === 'SCMP_ACT_LOG';
  return [
    {
      rule: 'default-allows',
      severity: 'high',
      message: `calls that no rule names pass${logged ? ', logged' : ''}: a list of what is refused never has the calls that newer kernels bring`,
      reason: 'refuse by default, and name what may pass',
      path: ['defaultAction'],
      key: [defaultAction],
    },
  ];
}
