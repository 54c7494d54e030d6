/** From runs to the application's calls: by ABI and name, without what is the runtime's. */
import type { Call, Phase, Run } from '../recording';
import {
  ABIS,
  type Abi,
  ENOSYS,
  FALLBACKS,
  syscallName,
  type TrackedArgument,
  trackedArguments,
} from '../tables';
import { hasKinds } from './kinds';
import type { Change, Excluded, MinimiseOptions, ObservedCall, Pass, SeenArguments } from './types';

export function callLabel(call: Pick<ObservedCall, 'name' | 'number'>): string {
  return call.name ?? `#${call.number}`;
}

function change(call: ObservedCall, reason: string): Change {
  return { abi: call.abi, name: callLabel(call), reason };
}

const TOO_MANY = 'more distinct arguments than the tracer keeps';
const UNREADABLE = 'its flags lie in memory that could not be read';
const NOT_RECORDED = 'its arguments were not recorded';

class Arguments {
  private readonly tuples = new Map<
    string,
    { values: bigint[]; phases: Set<Phase>; executables: Set<string> }
  >();
  private readonly unknown = new Set<string>();

  constructor(private readonly tracked: readonly TrackedArgument[]) {}

  add(run: Run, call: Call): void {
    const passed = call.count - call.denied.count;
    if (passed === 0) return;
    const { args } = call;
    if (args === null || !args.indexes.every((index, at) => this.tracked[at]?.index === index)) {
      this.unknown.add(NOT_RECORDED);
      return;
    }
    let known = args.overflow + args.unreadable;
    for (const tuple of args.tuples) {
      known += tuple.count;
      const key = tuple.values.join();
      let seen = this.tuples.get(key);
      if (seen === undefined) {
        seen = {
          values: tuple.values.map((value, at) => BigInt(value) & (this.tracked[at]?.mask ?? 0n)),
          phases: new Set(),
          executables: new Set(),
        };
        this.tuples.set(key, seen);
      }
      for (const phase of tuple.phases ?? call.phases) seen.phases.add(phase);
      for (const index of tuple.executables ?? call.executables) {
        const path = run.executables[index];
        if (path !== undefined) seen.executables.add(path);
      }
    }
    if (args.overflow > 0) this.unknown.add(TOO_MANY);
    if (args.unreadable > 0) this.unknown.add(UNREADABLE);
    if (known < passed) this.unknown.add(NOT_RECORDED);
  }

  seen(): SeenArguments {
    const tuples = [...this.tuples.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      tuples: tuples.map(([, { values, phases, executables }]) => ({
        values,
        phases: [...phases],
        executables: [...executables],
      })),
      unknown: [...this.unknown].sort(),
    };
  }
}

interface Folded {
  abi: Abi;
  number: number;
  name: string | null;
  passed: boolean;
  deniedWith: Set<number>;
  phases: Set<Phase>;
  executables: Set<string>;
  args: Arguments | null;
}

/** Folds all runs by (ABI, number). The number decides; a recorded name only helps where no table has one. */
export function observe(runs: readonly Run[]): ObservedCall[] {
  const calls = new Map<string, Folded>();
  for (const run of runs) {
    for (const call of run.calls) {
      const key = `${call.abi} ${call.number}`;
      let folded = calls.get(key);
      if (folded === undefined) {
        const name = syscallName(call.abi, call.number);
        const tracked = name === null ? null : trackedArguments(call.abi, name);
        folded = {
          abi: call.abi,
          number: call.number,
          name,
          passed: false,
          deniedWith: new Set(),
          phases: new Set(),
          executables: new Set(),
          args: tracked === null ? null : new Arguments(tracked),
        };
        calls.set(key, folded);
      }
      folded.name ??= call.name;
      folded.passed ||= call.count > call.denied.count;
      for (const errno of Object.keys(call.denied.errnos)) folded.deniedWith.add(Number(errno));
      for (const phase of call.phases) folded.phases.add(phase);
      for (const index of call.executables) {
        const path = run.executables[index];
        if (path !== undefined) folded.executables.add(path);
      }
      folded.args?.add(run, call);
    }
  }
  return [...calls.values()]
    .sort((a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.number - b.number)
    .map(({ deniedWith, phases, executables, args, ...call }) => ({
      ...call,
      deniedWith: [...deniedWith].sort((a, b) => a - b),
      phases: [...phases],
      executables: [...executables],
      args: args?.seen() ?? null,
    }));
}

const UNDER_FILTER: readonly Phase[] = ['runtime', 'exec'];

/** A call without any phase counts as the application's: leaving it out could break the program. */
export function isApplication({ phases }: Pick<ObservedCall, 'phases'>): boolean {
  return phases.length === 0 || phases.some((phase) => !UNDER_FILTER.includes(phase));
}

/** What passed when it was recorded and is left out all the same. */
export function excluding(calls: readonly ObservedCall[], reason: string): Excluded[] {
  return calls
    .filter((call) => call.passed)
    .map((call) => ({ abi: call.abi, name: callLabel(call), values: null, reason }));
}

export const names: Pass = {
  name: 'names',
  about: 'a profile permits names; a number without one cannot be permitted',
  off: 'numbers without a name are still left out, but nobody is told',
  run(state) {
    const unnamed = state.observed.filter((call) => call.name === null);
    return {
      state: {
        ...state,
        observed: state.observed.filter((call) => call.name !== null),
        excluded: [...state.excluded, ...excluding(unnamed, 'no table names this number')],
      },
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
  off: "a runtime's calls count as the application's, whichever runtime will start it",
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

function labels(calls: readonly ObservedCall[]): string[] {
  return [...new Set(calls.map(callLabel))].sort();
}

/** Its callers were told that it does not exist; a profile tells them the same. */
export function wasToldEnosys({ deniedWith }: Pick<ObservedCall, 'deniedWith'>): boolean {
  return deniedWith.includes(ENOSYS);
}

/**
 * The application was told an errno, or caught a signal, and went on; a default that kills outranks
 * both.
 */
function killed(
  observed: readonly ObservedCall[],
  dropped: readonly ObservedCall[],
  options: Pick<MinimiseOptions, 'args'>,
): string[] {
  // The pass `fallback` answers the others.
  const whole = dropped.filter(
    (call) => !wasToldEnosys(call) && !FALLBACKS.some(({ name }) => name === call.name),
  );
  // Without a rule all of it is permitted.
  const inPart = observed.filter(
    ({ passed, deniedWith, name, args }) =>
      passed &&
      deniedWith.length > 0 &&
      options.args !== 'none' &&
      (hasKinds(name ?? '') || (options.args === 'strict' && args !== null)),
  );
  const words = [
    ...labels(whole),
    ...labels(inPart).map((label) => `${label} with some arguments`),
  ];
  if (words.length === 0) return [];
  return [
    `recorded as denied, and the application went on: ${words.join(', ')}. The default kills it ` +
      'there: say --default errno, or permit them with --allow',
  ];
}

export const denied: Pass = {
  name: 'denied',
  about: 'a call that was only ever denied is not needed',
  off: 'calls that only ever failed are permitted',
  run(state, { options }) {
    const dropped = state.observed.filter(
      (call) => !call.passed && !isAsked(callLabel(call), options),
    );
    const answers = (call: ObservedCall) =>
      call.deniedWith.map((errno) => (errno === 0 ? 'a signal' : `errno ${errno}`)).join(', ');
    return {
      state: {
        ...state,
        observed: state.observed.filter((call) => !dropped.includes(call)),
        deniedSeen: dropped,
      },
      findings: {
        removed: dropped.map((call) => change(call, `only ever denied, with ${answers(call)}`)),
        warnings: options.defaultAction === 'kill' ? killed(state.observed, dropped, options) : [],
        notes: state.observed
          .filter((call) => !call.passed && !dropped.includes(call))
          .map((call) => `${call.abi} ${callLabel(call)}: only ever denied, permitted on request`),
      },
    };
  },
};
