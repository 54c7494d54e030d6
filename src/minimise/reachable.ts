/** Calls that no run made and the program's own files can make: permitted where that was asked for. */
import { findCall, isPassing } from '../policy';
import { LIKELIHOODS } from '../profile';
import { CLONE_NAMESPACES, riskTier, syscallNumber } from '../tables';
import { anyNeed, entryKey, withEntries } from './entries';
import type { Change, Context, Pass, ReachableCall, Rule, State } from './types';

/** Calls that are many in one: which of their privileges would be used, no scan can tell. */
const MANY_IN_ONE: ReadonlySet<string> = new Set(
  `arch_prctl bpf ioctl keyctl mmap mmap2 mprotect personality pkey_mprotect prctl ptrace
   seccomp socket`.split(/\s+/),
);

/** Why a call that was asked for stays out; null: it may enter. */
function barred({ abi, name }: ReachableCall, { options, filters }: Context): string | null {
  const asked = options.allow.includes(name) || Object.hasOwn(options.justifications, name);
  // As FORKING has it.
  if (asked || name === 'clone') return null;
  const tier = riskTier(name);
  if (tier !== null && (tier < 3 || options.reach === 'likely')) return `risk tier ${tier}`;
  const number = syscallNumber(abi, name);
  if (number === null) return 'no number under this ABI';
  const region = { abi, number, constraints: [] };
  if (filters.some(({ policy }) => findCall(policy, region, isPassing) === null))
    return `beyond the default filter of ${filters.map((filter) => filter.name).join(' and ')}`;
  if (options.reach === 'likely' && MANY_IN_ONE.has(name))
    return 'its arguments decide what it may do, and no run showed them';
  return null;
}

/**
 * A new process or thread, with no namespace of its own: no more than a program gets that forks. clone3
 * is answered ENOSYS then, as its flags lie in memory.
 */
const FORKING: Rule = {
  alternatives: [
    {
      cube: [{ index: 0, mask: CLONE_NAMESPACES, value: 0n }],
      covers: 'new processes and threads without namespaces of their own',
      kind: 'reachable',
    },
  ],
  note: null,
};

/** What is permitted where clone3 can be reached: clone. */
function asClone(call: ReachableCall): ReachableCall {
  return call.name === 'clone3' ? { ...call, name: 'clone' } : call;
}

function known(state: State, { abi, name }: ReachableCall): boolean {
  return state.entries.has(entryKey(abi, name));
}

export const reachable: Pass = {
  name: 'reachable',
  about: 'calls that the files of the program can make, though no run did (--reach)',
  off: 'as with --reach report',
  run(state, context) {
    const { reach, reachable: calls } = context.options;
    if (reach === 'none') return { state, findings: { notes: ['not asked for (--reach)'] } };
    const fresh = [
      ...new Map(
        calls
          .filter((call) => call.name !== 'clone3' || !known(state, call))
          .map(asClone)
          .filter((call) => !known(state, call))
          .sort((a, b) => LIKELIHOODS.indexOf(b.likelihood) - LIKELIHOODS.indexOf(a.likelihood))
          .map((call) => [`${call.abi} ${call.name}`, call] as const),
      ).values(),
    ];
    const wanted = fresh.filter(
      ({ likelihood }) => reach === 'all' || (reach === 'likely' && likelihood === 'likely'),
    );
    const out = wanted.flatMap((call) => {
      const why = barred(call, context);
      return why === null ? [] : [{ call, why }];
    });
    const added = wanted.filter((call) => out.every((one) => one.call !== call));
    const change = ({ abi, name, chain }: ReachableCall): Change => ({
      abi,
      name,
      reason: chain.join(' > '),
    });
    const rules = new Map(state.rules);
    for (const { name, chain } of added) {
      if (rules.has(name)) continue;
      rules.set(name, name === 'clone' ? FORKING : { alternatives: null, note: chain.join(' > ') });
    }
    return {
      state: {
        ...withEntries(
          state,
          added.map(({ abi, name, executables }) => ({
            abi,
            name,
            answer: 'allow',
            why: 'reachable',
            executables,
            needs: [anyNeed('reachable', 'reachable')],
          })),
        ),
        rules,
      },
      findings: {
        added: added.map(change),
        notes: [
          ...fresh
            .filter((call) => !added.includes(call))
            .map((call) => `${call.name}: reachable, not added: ${call.chain.join(' > ')}`),
        ],
        warnings: out.map(({ call, why }) => `reachable, but left out: ${call.name} (${why})`),
      },
    };
  },
};
