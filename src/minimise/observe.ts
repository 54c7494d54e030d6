/** From runs to the application's calls: by ABI and name, without what is the runtime's. */
import type { Phase, Run } from '../recording';
import { ABIS, syscallName } from '../tables';
import type { Change, ObservedCall, Pass } from './types';

export function callLabel(call: Pick<ObservedCall, 'name' | 'number'>): string {
  return call.name ?? `#${call.number}`;
}

function change(call: ObservedCall, reason: string): Change {
  return { abi: call.abi, name: callLabel(call), reason };
}

function union<T>(a: readonly T[], b: readonly T[]): T[] {
  return [...new Set([...a, ...b])];
}

/** Folds all runs by (ABI, number). The number decides; a recorded name only helps where no table has one. */
export function observe(runs: readonly Run[]): ObservedCall[] {
  const calls = new Map<string, ObservedCall>();
  for (const run of runs) {
    for (const call of run.calls) {
      const key = `${call.abi} ${call.number}`;
      const known = calls.get(key);
      calls.set(key, {
        abi: call.abi,
        number: call.number,
        name: syscallName(call.abi, call.number) ?? known?.name ?? call.name,
        passed: (known?.passed ?? false) || call.count > call.denied.count,
        deniedWith: union(known?.deniedWith ?? [], Object.keys(call.denied.errnos).map(Number)),
        phases: union(known?.phases ?? [], call.phases),
        executables: union(
          known?.executables ?? [],
          call.executables.flatMap((index) => run.executables[index] ?? []),
        ),
      });
    }
  }
  return [...calls.values()].sort(
    (a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.number - b.number,
  );
}

const UNDER_FILTER: readonly Phase[] = ['runtime', 'exec'];

/** A call without any phase counts as the application's: leaving it out could break the program. */
function isApplication(call: ObservedCall): boolean {
  return call.phases.length === 0 || call.phases.some((phase) => !UNDER_FILTER.includes(phase));
}

export const names: Pass = {
  name: 'names',
  about: 'a profile permits names; a number without one cannot be permitted',
  run(state) {
    const unnamed = state.observed.filter((call) => call.name === null);
    return {
      state: { ...state, observed: state.observed.filter((call) => call.name !== null) },
      findings: {
        removed: unnamed.map((call) => change(call, 'no table names this number')),
        warnings: unnamed
          .filter((call) => call.passed)
          .map(
            (call) =>
              `${call.abi} number ${call.number} has no name and cannot be permitted; ` +
              `made by ${call.executables.join(', ') || 'an unknown executable'}`,
          ),
      },
    };
  },
};

export const application: Pass = {
  name: 'application',
  about: 'only what the application itself calls',
  run(state) {
    const foreign = state.observed.filter((call) => !isApplication(call));
    return {
      state: {
        ...state,
        observed: state.observed.filter(isApplication),
        runtimeSeen: foreign.filter((call) => call.passed),
      },
      findings: {
        removed: foreign.map((call) =>
          change(
            call,
            `only from a runtime under the filter${call.passed ? '' : ', and only ever denied'}`,
          ),
        ),
      },
    };
  },
};

function isAsked(
  name: string,
  options: { allow: readonly string[]; justifications: object },
): boolean {
  return options.allow.includes(name) || Object.hasOwn(options.justifications, name);
}

export const denied: Pass = {
  name: 'denied',
  about: 'a call that was only ever denied is not needed',
  run(state, { options }) {
    const dropped = state.observed.filter(
      (call) => !call.passed && !isAsked(callLabel(call), options),
    );
    const answers = (call: ObservedCall) =>
      call.deniedWith.map((errno) => (errno === 0 ? 'a signal' : `errno ${errno}`)).join(', ');
    return {
      state: { ...state, observed: state.observed.filter((call) => !dropped.includes(call)) },
      findings: {
        removed: dropped.map((call) => change(call, `only ever denied, with ${answers(call)}`)),
        notes: state.observed
          .filter((call) => !call.passed && !dropped.includes(call))
          .map((call) => `${call.abi} ${callLabel(call)}: only ever denied, permitted on request`),
      },
    };
  },
};
