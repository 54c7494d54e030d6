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
  riskTier,
  syscallNumber,
} from '../tables';
import { baselineId } from './baseline';
import { entryKey, permitted, permittedAbis, withEntries } from './entries';
import { callLabel } from './observe';
import type { Context, Pass } from './types';

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
  run(state, context) {
    const out = state.observed.filter((call) => barred(callLabel(call), context) !== null);
    const kept = state.observed.filter((call) => !out.includes(call));
    if (kept.length === 0) {
      throw new SysieveError(
        'input',
        'recording-empty',
        'the recordings hold no call of the application that a profile could permit',
        {
          remedy: 'Record the application itself at work; `--json` of record shows what was seen.',
        },
      );
    }
    const asked = kept.filter((call) => (riskTier(callLabel(call)) ?? 3) < 3);
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
        })),
      ),
      findings: {
        added: kept.map((call) => ({ abi: call.abi, name: callLabel(call), reason: 'observed' })),
        removed: out.map((call) => ({
          abi: call.abi,
          name: callLabel(call),
          reason: `risk tier ${riskTier(callLabel(call))}`,
        })),
        notes: asked.map(
          (call) =>
            `${callLabel(call)}: risk tier ${riskTier(callLabel(call))}, permitted on request`,
        ),
        warnings: out.map(
          (call) =>
            `left out: ${callLabel(call)} (risk tier ${riskTier(callLabel(call))}), made by ` +
            `${call.executables.join(', ') || 'an unknown executable'}; if the application needs ` +
            `it, say --allow ${callLabel(call)}`,
        ),
      },
    };
  },
};

export const essential: Pass = {
  name: 'essentials',
  about: 'calls that the kernel or the vDSO makes a program do, seen or not',
  run(state) {
    const added = ABIS.filter((abi) => permittedAbis(state).has(abi)).flatMap((abi) =>
      essentials(abi).map(({ name, reason }) => ({ abi, name, reason })),
    );
    return {
      state: withEntries(
        state,
        added.map(({ abi, name }) => ({ abi, name, answer: 'allow', why: 'essential' })),
      ),
      findings: { added: added.filter(({ abi, name }) => !state.entries.has(entryKey(abi, name))) },
    };
  },
};

/** The chosen baselines' calls in the ABIs of the machines recorded on: which baseline asks for each. */
function baselineCalls(context: Context): Map<string, { abi: Abi; name: string; by: Set<string> }> {
  const wanted = new Set(context.machines.flatMap((machine) => abisOfMachine(machine) ?? []));
  const calls = new Map<string, { abi: Abi; name: string; by: Set<string> }>();
  for (const baseline of context.baselines) {
    for (const { abi, name } of baseline.conditions.flatMap((condition) => condition.calls)) {
      if (!wanted.has(abi)) continue;
      const key = entryKey(abi, name);
      const known = calls.get(key) ?? { abi, name, by: new Set<string>() };
      known.by.add(baselineId(baseline));
      calls.set(key, known);
    }
  }
  return calls;
}

export const runtime: Pass = {
  name: 'runtime',
  about: 'what the container runtime calls under the filter before the entrypoint runs',
  run(state, context) {
    const measured = baselineCalls(context);
    if (context.baselines.length > 0 && measured.size === 0) {
      throw new SysieveError(
        'system',
        'baseline-missing',
        `no runtime baseline was measured on ${context.machines.join(', ')}`,
        { remedy: 'Measure one into profiles/baselines, or say --runtime none.' },
      );
    }
    const recorded = state.runtimeSeen.filter(
      (call) => !measured.has(entryKey(call.abi, callLabel(call))),
    );
    const wanted = [
      ...[...measured.values()].map(({ abi, name, by }) => ({
        abi,
        name,
        reason: `baseline of ${[...by].sort().join(', ')}`,
        fromRecording: false,
      })),
      ...recorded.map((call) => ({
        abi: call.abi,
        name: callLabel(call),
        reason: 'recorded from a runtime, in no baseline chosen',
        fromRecording: true,
      })),
    ];
    const out = wanted.filter(({ name }) => barred(name, context) !== null);
    const kept = wanted.filter((call) => !out.includes(call));
    const fresh = kept.filter(({ abi, name }) => !state.entries.has(entryKey(abi, name)));
    const unknown = fresh.filter((call) => call.fromRecording).map(({ name }) => name);
    const unknownText = `recorded from the runtime, in no baseline chosen, permitted: ${unknown.join(', ')}`;
    const after = withEntries(
      state,
      kept.map(({ abi, name }) => ({ abi, name, answer: 'allow', why: 'runtime' })),
    );
    const entered = new Set(permitted(after).map((entry) => entry.name));
    return {
      state: after,
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
          ...out.map(
            ({ name, reason }) =>
              `left out: ${name} (risk tier ${riskTier(name)}; ${reason}); if no container starts ` +
              `without it, say --allow ${name}`,
          ),
          ...context.options.allow
            .filter((name) => !entered.has(name))
            .map((name) => `--allow ${name}: not recorded from the application, so not added`),
        ],
      },
    };
  },
};

export const fallback: Pass = {
  name: 'fallback',
  about: 'calls that libc does without when told ENOSYS, if nothing permits them',
  run(state, { options }) {
    if (options.defaultAction === 'errno' && options.denyErrno === ENOSYS) {
      return { state, findings: { notes: ['the default is ENOSYS already'] } };
    }
    const allowed = new Set(permitted(state).map((entry) => entry.name));
    const abis = permittedAbis(state);
    // By name over all ABIs: an OCI profile cannot permit a name under one and refuse it under another.
    const wanted = FALLBACKS.filter(({ name }) => !allowed.has(name));
    const added = ABIS.filter((abi) => abis.has(abi)).flatMap((abi) =>
      wanted
        .filter(({ name }) => syscallNumber(abi, name) !== null)
        .map(({ name, instead, source }) => ({
          abi,
          name,
          reason: `ENOSYS makes callers use ${instead}: ${source}`,
        })),
    );
    return {
      state: withEntries(
        state,
        added.map(({ abi, name }) => ({ abi, name, answer: 'enosys', why: 'fallback' })),
      ),
      findings: {
        added,
        warnings: allowed.has('clone3')
          ? [
              'clone3 was seen to pass and stays permitted: a filter cannot read its flags, so it can ' +
                'make namespaces; under an engine whose default filter answers ENOSYS it is not used',
            ]
          : [],
      },
    };
  },
};

export const architectures: Pass = {
  name: 'architectures',
  about: 'only the ABIs that something is permitted under; a call in any other is killed',
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
