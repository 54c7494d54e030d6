/** From the application's calls to what the profile permits and answers. */
import { SysieveError } from '../errors';
import {
  ABIS,
  type Abi,
  abisOfMachine,
  archOf,
  ENOSYS,
  essentials,
  FALLBACKS,
  names,
  riskTier,
  syscallNumber,
  trackedArguments,
} from '../tables';
import { type Baseline, baselineId } from './baseline';
import { anyNeed, entryKey, needsOf, permitted, permittedAbis, withEntries } from './entries';
import type { Tuple } from './kinds';
import { callLabel, excluding, wasToldEnosys } from './observe';
import type { Context, Findings, Need, ObservedCall, Pass, State } from './types';

/** The tier that keeps a call out unless someone asked for it; null: it may enter. */
function barred(name: string, { options }: Context): 1 | 2 | null {
  const tier = riskTier(name);
  if (tier === null || tier === 3) return null;
  if (options.allow.includes(name) || Object.hasOwn(options.justifications, name)) return null;
  return tier;
}

export const risk: Pass = {
  name: 'risk',
  about: 'calls of risk tier 1 and 2 enter only by --allow or a written justification',
  off: 'calls that take over the kernel or open its largest attack surface enter unasked',
  run(state, context) {
    const out = state.observed.filter((call) => barred(callLabel(call), context) !== null);
    const kept = state.observed.filter((call) => !out.includes(call));
    const asked = kept.filter((call) => (riskTier(callLabel(call)) ?? 3) < 3);
    const tier = (call: ObservedCall) => `risk tier ${riskTier(callLabel(call))}`;
    return {
      state: {
        ...state,
        observed: kept,
        excluded: [...state.excluded, ...out.flatMap((call) => excluding([call], tier(call)))],
      },
      findings: {
        removed: out.map((call) => ({
          abi: call.abi,
          name: callLabel(call),
          reason: tier(call),
        })),
        notes: asked.map((call) => `${callLabel(call)}: ${tier(call)}, permitted on request`),
        warnings: out.map(
          (call) =>
            `left out: ${callLabel(call)} (${tier(call)}), made by ` +
            `${call.executables.join(', ') || 'an unknown executable'}; if the application needs ` +
            `it, say --allow ${callLabel(call)}`,
        ),
      },
    };
  },
};

/** What is left of the application's calls is permitted. No pass: without it there is no profile. */
export function observed(state: State): { state: State; findings: Partial<Findings> } {
  const kept = state.observed.filter((call) => call.name !== null);
  if (kept.length === 0) {
    throw new SysieveError(
      'input',
      'recording-empty',
      'the recordings hold no call of the application that a profile could permit',
      {
        remedy:
          "Record the application itself at work; 'sysieve record --json' shows what was seen.",
      },
    );
  }
  return {
    state: withEntries(
      state,
      kept.map((call) => ({
        abi: call.abi,
        name: callLabel(call),
        answer: 'allow',
        why: 'observed',
        phases: call.phases,
        executables: call.executables,
        needs: needsOf(call),
      })),
    ),
    findings: {
      added: kept.map((call) => ({ abi: call.abi, name: callLabel(call), reason: 'observed' })),
    },
  };
}

export const essential: Pass = {
  name: 'essentials',
  about: 'calls that the kernel or the vDSO makes a program do, seen or not',
  off: 'a program may fail as it ends, handles a signal or runs on another clock source',
  run(state) {
    const added = ABIS.filter((abi) => permittedAbis(state).has(abi)).flatMap((abi) =>
      essentials(abi).map(({ name, reason }) => ({ abi, name, reason })),
    );
    return {
      state: withEntries(
        state,
        added.map(({ abi, name, reason }) => ({
          abi,
          name,
          answer: 'allow',
          why: 'essential',
          needs: [anyNeed('essential', reason)],
        })),
      ),
      findings: { added: added.filter(({ abi, name }) => !state.entries.has(entryKey(abi, name))) },
    };
  },
};

interface Measured {
  abi: Abi;
  name: string;
  by: Set<string>;
  /** Distinct tuples by their text; null: one baseline does not know them. */
  tuples: Map<string, Tuple> | null;
}

/**
 * A call that shows once in hundreds of starts may have been seen before its arguments were kept, and
 * not again under that condition: what the same runtime's other measurements say of it holds there.
 */
function tuplesByRuntime(baselines: readonly Baseline[]): Map<string, string[][]> {
  const known = new Map<string, string[][]>();
  for (const { runtime: name, conditions } of baselines) {
    for (const call of conditions.flatMap(({ calls }) => calls)) {
      if (call.tuples === undefined) continue;
      const key = `${name} ${entryKey(call.abi, call.name)}`;
      known.set(key, [...(known.get(key) ?? []), ...call.tuples]);
    }
  }
  return known;
}

/** The chosen baselines' calls in the ABIs of the machines recorded on: which baseline asks for each. */
export function baselineCalls(
  baselines: readonly Baseline[],
  machines: readonly string[],
): Map<string, Measured> {
  const wanted = new Set(machines.flatMap((machine) => abisOfMachine(machine) ?? []));
  const elsewhere = tuplesByRuntime(baselines);
  const calls = new Map<string, Measured>();
  for (const baseline of baselines) {
    for (const call of baseline.conditions.flatMap(({ calls }) => calls)) {
      const { abi, name } = call;
      if (!wanted.has(abi)) continue;
      const key = entryKey(abi, name);
      const known = calls.get(key) ?? { abi, name, by: new Set<string>(), tuples: new Map() };
      known.by.add(baselineId(baseline));
      const tuples = call.tuples ?? elsewhere.get(`${baseline.runtime} ${key}`);
      if (tuples === undefined) known.tuples = null;
      else for (const tuple of tuples) known.tuples?.set(tuple.join(), tuple.map(BigInt));
      calls.set(key, known);
    }
  }
  return calls;
}

/** What a runtime does with a call's arguments. A measurement without them leaves them open. */
export function baselineNeeds({ abi, name, tuples }: Measured): Need[] {
  const tracked = trackedArguments(abi, name);
  if (tracked === null) return [];
  const fits = tuples !== null && [...tuples.values()].every((t) => t.length === tracked.length);
  if (!fits) return [anyNeed('runtime', 'a runtime baseline does not say with which arguments')];
  return [...tuples.values()].map((tuple) => ({
    values: tuple.map((value, at) => value & (tracked[at]?.mask ?? 0n)),
    why: 'runtime',
    reason: 'baseline',
    phases: [],
    executables: [],
  }));
}

/** Those with one reason, in one line. */
function together(
  out: readonly { name: string; reason: string }[],
): { names: string[]; reason: string }[] {
  const reasons = new Map<string, string[]>();
  for (const { name, reason } of out) {
    const why = `risk tier ${riskTier(name)}; ${reason}`;
    reasons.set(why, [...(reasons.get(why) ?? []), name]);
  }
  return [...reasons].map(([reason, names]) => ({ reason, names }));
}

export const runtime: Pass = {
  name: 'runtime',
  about: 'what the container runtime calls under the filter before the entrypoint runs',
  off: 'no container may start under the profile, nor be entered with exec',
  run(state, context) {
    const measured = baselineCalls(context.baselines, context.machines);
    if (context.baselines.length > 0 && measured.size === 0) {
      throw new SysieveError(
        'system',
        'baseline-missing',
        `no runtime baseline was measured on ${context.machines.join(', ')}`,
        { remedy: 'Measure one into profiles/baselines, or say --runtime none.' },
      );
    }
    const recorded = state.runtimeSeen.filter(
      (call) => call.name !== null && !measured.has(entryKey(call.abi, call.name)),
    );
    // What the recording itself shows of a runtime counts beside what was measured of others.
    const recordedNeeds = new Map(
      state.runtimeSeen.map((call) => [entryKey(call.abi, callLabel(call)), needsOf(call)]),
    );
    const wanted = [
      ...[...measured.values()].map((call) => ({
        abi: call.abi,
        name: call.name,
        reason: `baseline of ${[...call.by].sort().join(', ')}`,
        fromRecording: false,
        needs: [
          ...baselineNeeds(call),
          ...(recordedNeeds.get(entryKey(call.abi, call.name)) ?? []),
        ],
      })),
      ...recorded.map((call) => ({
        abi: call.abi,
        name: callLabel(call),
        reason: 'recorded from a runtime, in no baseline chosen',
        fromRecording: true,
        needs: needsOf(call),
      })),
    ];
    const out = wanted.filter(({ name }) => barred(name, context) !== null);
    const kept = wanted.filter((call) => !out.includes(call));
    const fresh = kept.filter(({ abi, name }) => !state.entries.has(entryKey(abi, name)));
    const unknown = fresh.filter((call) => call.fromRecording).map(({ name }) => name);
    const unknownText = `recorded from the runtime, in no baseline chosen, permitted: ${unknown.join(', ')}`;
    const after = withEntries(
      state,
      kept.map(({ abi, name, needs }) => ({ abi, name, answer: 'allow', why: 'runtime', needs })),
    );
    const entered = new Set(permitted(after).map((entry) => entry.name));
    const leftOut = state.runtimeSeen.filter((call) => barred(callLabel(call), context) !== null);
    return {
      state: {
        ...after,
        excluded: [
          ...after.excluded,
          ...leftOut.flatMap((call) =>
            excluding([call], `the runtime's; risk tier ${riskTier(callLabel(call))}`),
          ),
        ],
      },
      findings: {
        added: fresh.map(({ abi, name, reason }) => ({ abi, name, reason })),
        removed: out.map(({ abi, name }) => ({ abi, name, reason: `risk tier ${riskTier(name)}` })),
        notes: [
          context.baselines.length === 0
            ? 'no baseline was asked for'
            : `baselines: ${context.baselines.map(baselineId).sort().join(', ')}`,
          ...(unknown.length > 0 && context.baselines.length === 0 ? [unknownText] : []),
        ],
        warnings: [
          ...(unknown.length > 0 && context.baselines.length > 0 ? [unknownText] : []),
          ...together(out).map(
            ({ names, reason }) =>
              `left out: ${names.join(', ')} (${reason}); if no container starts without, say ` +
              `--allow ${names.join(',')}`,
          ),
          ...context.options.allow
            .filter((name) => !entered.has(name))
            .map((name) => `--allow ${name}: not recorded from the application, so not added`),
        ],
      },
    };
  },
};

interface Answered {
  readonly name: string;
  readonly reason: string;
}

/** What the application was told does not exist, and did without: another errno may end it. */
function toldEnosys({ deniedSeen }: State, isListed: (abi: Abi) => boolean): Answered[] {
  const told = deniedSeen.filter(
    (call) => call.name !== null && isListed(call.abi) && wasToldEnosys(call),
  );
  return [...new Set(told.map(callLabel))].sort().map((name) => ({
    name,
    reason: 'recorded as answered ENOSYS, by a filter that did not know it',
  }));
}

/**
 * The calls between what is named already and these. runc answers ENOSYS above the largest number
 * named: naming one must not take that from those below it.
 */
function below(told: readonly Answered[], named: readonly string[], abi: Abi): Answered[] {
  const numberOf = (name: string): number => syscallNumber(abi, name) ?? 0;
  const largest = Math.max(0, ...named.map(numberOf));
  const last = Math.max(0, ...told.map(({ name }) => numberOf(name)));
  return names(abi)
    .filter((name) => numberOf(name) > largest && numberOf(name) < last)
    .map((name) => ({
      name,
      reason: 'below such a call; as runc answers it where that is not named',
    }));
}

export const fallback: Pass = {
  name: 'fallback',
  about: 'calls that libc, or the recorded application, does without when told ENOSYS',
  off: 'a libc that tries such a call first fails instead of falling back',
  run(state, { options }) {
    if (options.defaultAction === 'errno' && options.denyErrno === ENOSYS) {
      return { state, findings: { notes: ['the default is ENOSYS already'] } };
    }
    const allowed = new Set(permitted(state).map((entry) => entry.name));
    const abis = permittedAbis(state);
    const listed = ABIS.filter((abi) => abis.has(abi));
    const libc = FALLBACKS.map(({ name, instead, source }) => ({
      name,
      reason: `ENOSYS makes callers use ${instead}: ${source}`,
    }));
    // For another architecture the calls are those recorded, by name.
    const told = toldEnosys(state, (abi) => options.arch !== null || abis.has(abi));
    const named = [...allowed, ...libc.map(({ name }) => name)];
    // By name over all ABIs: an OCI profile cannot permit a name under one and refuse it under another.
    const wanted = new Map(
      [...listed.flatMap((abi) => below(told, named, abi)), ...told, ...libc]
        .filter(({ name }) => !allowed.has(name))
        .map(({ name, reason }) => [name, reason]),
    );
    const added = listed.flatMap((abi) =>
      [...wanted]
        .filter(([name]) => syscallNumber(abi, name) !== null)
        .map(([name, reason]) => ({ abi, name, reason })),
    );
    return {
      state: withEntries(
        state,
        added.map(({ abi, name }) => ({ abi, name, answer: 'enosys', why: 'fallback' })),
      ),
      findings: { added: added.filter(({ abi, name }) => !state.entries.has(entryKey(abi, name))) },
    };
  },
};

export const architectures: Pass = {
  name: 'architectures',
  about: 'only the ABIs that something is permitted under; a call in any other is killed',
  off: 'every ABI of the machine is listed, with all of its numbers for the names permitted',
  run(state) {
    const abis = permittedAbis(state);
    const listed = ABIS.filter((abi) => abis.has(abi));
    const notes = [`listed: ${listed.map(archOf).join(', ')}`];
    const entries = permitted(state);
    for (const abi of listed) {
      const wider = new Set(
        entries
          .filter(({ name }) => !state.entries.has(entryKey(abi, name)))
          .filter(({ name }) => syscallNumber(abi, name) !== null)
          .map(({ name }) => name),
      );
      if (wider.size > 0) {
        notes.push(
          `an OCI profile permits names, not ABIs: ${abi} also gets ${[...wider].sort().join(', ')}`,
        );
      }
    }
    return { state: { ...state, architectures: listed }, findings: { notes } };
  },
};
