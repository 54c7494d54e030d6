/** From what the passes decided to the profile and the evidence beside it. */

import {
  canonicalProfile,
  type EvidenceCall,
  type ExcludedCall,
  LIKELIHOODS,
  type Profile,
  type Rule as ProfileRule,
  type UnseenEvidence,
  WHYS,
  type Why,
} from '../profile';
import { Phase } from '../recording';
import { ABIS, archOf, ENOSYS, trackedArguments } from '../tables';
import { type Cube, conditionsOf, cubeKey, holds } from './cubes';
import { entryKey } from './entries';
import { type Alternative, hasKinds } from './kinds';
import type { Entry, MinimiseOptions, Need, ReachableCall, State } from './types';

function defaults(options: MinimiseOptions): Pick<Profile, 'defaultAction' | 'defaultErrnoRet'> {
  switch (options.defaultAction) {
    case 'errno':
      return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: options.denyErrno };
    case 'log':
      return { defaultAction: 'SCMP_ACT_LOG' };
    case 'kill':
      return { defaultAction: 'SCMP_ACT_KILL_PROCESS' };
  }
}

/**
 * One entry for each alternative, which every runtime reads alike. Names share entries only where
 * all their alternatives are the same: two calls that happen to have one number in common would
 * make an entry nobody can read.
 */
function conditional(state: State, names: readonly string[]): ProfileRule[] {
  const groups = new Map<string, { names: string[]; cubes: readonly Cube[] }>();
  for (const name of names) {
    const cubes = state.rules.get(name)?.alternatives?.map(({ cube }) => cube) ?? [];
    const key = cubes.map(cubeKey).join(' | ');
    const group = groups.get(key) ?? { names: [], cubes };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) =>
    group.cubes.map((cube) => ({
      names: group.names,
      action: 'SCMP_ACT_ALLOW' as const,
      args: conditionsOf(cube),
    })),
  );
}

export function buildProfile(state: State, options: MinimiseOptions): Profile {
  const namesOf = (answer: Entry['answer']) => [
    ...new Set([...state.entries.values()].filter((e) => e.answer === answer).map((e) => e.name)),
  ];
  const refused = namesOf('enosys');
  const allowed = namesOf('allow');
  const ruled = allowed.filter((name) => (state.rules.get(name)?.alternatives ?? null) !== null);
  const open = allowed.filter((name) => !ruled.includes(name));
  return canonicalProfile({
    ...defaults(options),
    architectures: state.architectures.map(archOf) as Profile['architectures'],
    syscalls: [
      ...(open.length === 0 ? [] : [{ names: open, action: 'SCMP_ACT_ALLOW' as const, args: [] }]),
      ...conditional(state, ruled),
      ...(refused.length === 0
        ? []
        : [{ names: refused, action: 'SCMP_ACT_ERRNO' as const, errnoRet: ENOSYS, args: [] }]),
    ],
  });
}

function fits(entry: Entry, cubes: readonly Cube[]): Need[] {
  const tracked = trackedArguments(entry.abi, entry.name);
  if (tracked === null) return [];
  return entry.needs.filter(({ values }) => {
    if (values === null) return false;
    const exact = tracked.map(({ index, mask }, at) => ({ index, mask, value: values[at] ?? 0n }));
    return cubes.some((cube) => holds(cube, exact));
  });
}

function isExact(entry: Entry, cube: Cube): boolean {
  const tracked = trackedArguments(entry.abi, entry.name) ?? [];
  return tracked.every(({ index, mask }) =>
    cube.some((bits) => bits.index === index && (bits.mask & mask) === mask),
  );
}

function alternativesOf(
  entry: Entry,
  alternatives: readonly Alternative[],
): NonNullable<EvidenceCall['alternatives']> {
  return alternatives.map(({ cube, covers, kind }) => {
    // By kind, so that another value of a kind that was seen leaves the evidence as it is.
    const cubes = alternatives.filter((a) => a.kind === kind).map((a) => a.cube);
    const needs = fits(entry, cubes);
    const why = new Set<Why>(needs.map((need) => need.why));
    const added = (['equivalent', 'reachable'] as const).find((one) => entry.why.includes(one));
    if (why.size === 0) why.add(added ?? 'generalised');
    else if (cubes.length > 1 || !isExact(entry, cube)) why.add('generalised');
    return {
      args: cube.map(({ index, mask, value }) => ({
        index,
        mask: `0x${mask.toString(16)}`,
        value: `0x${value.toString(16)}`,
      })),
      covers,
      why: WHYS.filter((option) => why.has(option)),
      executables: [...new Set(needs.flatMap((need) => need.executables))].sort(),
      phases: Phase.options.filter((phase) => needs.some((need) => need.phases.includes(phase))),
    };
  });
}

function evidenceCall(entry: Entry, state: State): EvidenceCall {
  const rule = entry.answer === 'allow' ? state.rules.get(entry.name) : undefined;
  const alternatives = rule?.alternatives ?? null;
  const open = entry.answer === 'allow' && alternatives === null && hasKinds(entry.name);
  const why: Why[] = open ? [...entry.why, 'generalised'] : [...entry.why];
  return {
    abi: entry.abi,
    name: entry.name,
    action: entry.answer === 'allow' ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_ERRNO',
    errnoRet: entry.answer === 'allow' ? null : ENOSYS,
    why: WHYS.filter((option) => why.includes(option)),
    executables: [...entry.executables].sort(),
    phases: Phase.options.filter((phase) => entry.phases.includes(phase)),
    ...(alternatives === null ? {} : { alternatives: alternativesOf(entry, alternatives) }),
    ...(rule === undefined || rule.note === null ? {} : { note: rule.note }),
  };
}

export function buildEvidence(state: State): EvidenceCall[] {
  return [...state.entries.values()]
    .map((entry) => evidenceCall(entry, state))
    .sort(
      (a, b) =>
        ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) ||
        Number(a.name > b.name) - Number(a.name < b.name),
    );
}

export function buildExcluded(state: State): ExcludedCall[] {
  const excluded = new Map<string, ExcludedCall>();
  for (const { abi, name, values, reason } of state.excluded) {
    const hex = values?.map((value) => `0x${value.toString(16)}`) ?? null;
    excluded.set(`${abi} ${name} ${hex?.join() ?? ''}`, { abi, name, values: hex, reason });
  }
  return [...excluded.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, call]) => call);
}

/** Functions without a name are left out of the ways: their addresses change with every build. */
export function buildUnseen(state: State, reachable: readonly ReachableCall[]): UnseenEvidence[] {
  return reachable
    .filter(({ abi, name }) => state.entries.get(entryKey(abi, name))?.answer !== 'allow')
    .map(({ abi, name, likelihood, chain }) => ({
      abi,
      name,
      likelihood,
      chain: chain.filter((word) => !word.startsWith('+0x')),
    }))
    .sort(
      (a, b) =>
        LIKELIHOODS.indexOf(a.likelihood) - LIKELIHOODS.indexOf(b.likelihood) ||
        Number(a.name > b.name) - Number(a.name < b.name) ||
        ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi),
    );
}
