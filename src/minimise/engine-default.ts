/**
 * An application staged with more than its engine's default filter allows must not train its own
 * permission: what lies beyond that filter enters a profile only by name.
 */
import { findCall, isPassing, policyOfProfile } from '../policy';
import { defaultProfile } from '../profile';
import type { Run } from '../recording';
import {
  type Abi,
  abisOfMachine,
  ENGINE_CAPABILITIES,
  syscallNumber,
  trackedArguments,
} from '../tables';
import { type Bits, WORD } from './cubes';
import type { Tuple } from './kinds';
import { callLabel } from './observe';
import type {
  Context,
  Engine,
  EngineDefaults,
  EngineFilter,
  Excluded,
  ObservedCall,
  Pass,
  SeenTuple,
} from './types';

/** The default filters to hold a recording against. Throws SysieveError for a version not known. */
export function engineFilters(runs: readonly Run[], wanted: EngineDefaults): EngineFilter[] {
  const recordedUnder = [...new Set(runs.map(({ target }) => target.engine))].sort();
  const chosen =
    wanted ??
    recordedUnder
      .filter((engine): engine is Engine => engine === 'docker' || engine === 'podman')
      .map((engine) => ({ engine, version: null }));
  const [host] = runs.map((run) => run.host).sort((a, b) => (a.kernel < b.kernel ? 1 : -1));
  if (host === undefined) return [];
  const machine = host.machine === 'aarch64' ? 'aarch64' : 'x86_64';
  const architecture: Abi = abisOfMachine(machine)?.[0] ?? 'x86_64';
  return chosen.map(({ engine, version }) => {
    const profile = defaultProfile(engine, version ?? undefined, {
      capabilities: ENGINE_CAPABILITIES[engine],
      kernelVersion: host.kernel,
      architecture,
    });
    const name = version === null ? engine : `${engine}@${version}`;
    return { name, policy: policyOfProfile(profile, { runtime: 'runc', machine }) };
  });
}

/** The flags clone and clone3 have in common. */
const SHARED_FLAGS = 0xffff_ff00n;

/** No filter lets it pass with these arguments; clone3 is held against the rule of clone. */
function isBeyond(
  filters: readonly EngineFilter[],
  { abi, name, number }: Pick<ObservedCall, 'abi' | 'name' | 'number'>,
  values: Tuple | null,
): boolean {
  const constraints: Bits[] = (trackedArguments(abi, name ?? '') ?? []).flatMap(
    // As programs pass them, the bits that no tuple keeps 0: some defaults compare all 64 bits, and
    // let a domain they refuse pass once there is something in the upper half.
    ({ index }, at) => (values === null ? [] : [{ index, mask: WORD, value: values[at] ?? 0n }]),
  );
  let region = { abi, number, constraints };
  if (name === 'clone3') {
    const flags = (values?.[0] ?? 0n) & SHARED_FLAGS;
    const number = syscallNumber(abi, 'clone') ?? region.number;
    const bits = values === null ? [] : [{ index: 0, mask: WORD, value: flags }];
    region = { abi, number, constraints: bits };
  }
  return filters.every(({ policy }) => findCall(policy, region, isPassing) === null);
}

function isAsked(call: ObservedCall, { options }: Context): boolean {
  const name = callLabel(call);
  return options.allow.includes(name) || Object.hasOwn(options.justifications, name);
}

function hex(values: Tuple): string {
  return values.map((value) => `0x${value.toString(16)}`).join(', ');
}

export const engineDefault: Pass = {
  name: 'engine-default',
  about: "what the engine's default filter refuses enters only by --allow or a justification",
  off: 'what was recorded under a wider filter than the default permits itself',
  run(state, context) {
    const { filters } = context;
    if (filters.length === 0) {
      return { state, findings: { notes: ['recorded under no engine with a default filter'] } };
    }
    const under = filters.map(({ name }) => name).join(' and ');
    const reason = `beyond the default filter of ${under}`;
    const excluded: Excluded[] = [];
    const observed = state.observed.flatMap((call): ObservedCall[] => {
      if (!call.passed || isAsked(call, context)) return [call];
      const { abi, args } = call;
      const leave = (values: Tuple | null) =>
        excluded.push({ abi, name: callLabel(call), values, reason });
      if (args === null || args.unknown.length > 0 || args.tuples.length === 0) {
        if (!isBeyond(filters, call, null)) return [call];
        leave(null);
        return [];
      }
      const kept: SeenTuple[] = [];
      for (const tuple of args.tuples) {
        if (isBeyond(filters, call, tuple.values)) leave(tuple.values);
        else kept.push(tuple);
      }
      return kept.length === 0 ? [] : [{ ...call, args: { ...args, tuples: kept } }];
    });
    return {
      state: { ...state, observed, excluded: [...state.excluded, ...excluded] },
      findings: {
        removed: excluded.map(({ abi, name }) => ({ abi, name, reason })),
        notes: [`held against the default filter of ${under}`],
        warnings: excluded.map(
          ({ name, values }) =>
            `left out: ${name}${values === null ? '' : `(${hex(values)})`}, ${reason}; if the ` +
            `application needs it, say --allow ${name}`,
        ),
      },
    };
  },
};
