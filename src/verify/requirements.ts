/** What recordings and baselines ask of a profile, as regions of calls. */
import {
  type Baseline,
  baselineCalls,
  baselineNeeds,
  type ObservedCall,
  observe,
} from '../minimise';
import type { Region } from '../policy';
import type { ExcludedCall, Profile } from '../profile';
import type { Phase, Run } from '../recording';
import {
  type Abi,
  abiOf,
  EQUIVALENTS,
  essentials,
  syscallNumber,
  trackedArguments,
} from '../tables';

export type Constraints = Region['constraints'];

/** A call of the application or of a runtime, by name, with one set of arguments. */
export interface Requirement {
  readonly abi: Abi;
  readonly name: string | null;
  readonly number: number;
  readonly constraints: Constraints;
  readonly passed: boolean;
  /** Of the call as recorded; where a profile is for another architecture, not that of `abi`. */
  readonly recorded: Abi;
  /** Who made it with these arguments, and when. Untrusted paths. */
  readonly executables: readonly string[];
  readonly phases: readonly Phase[];
}

const UPPER_HALF = 0xffff_ffff_0000_0000n;

/** The registers of 32-bit ABIs have no upper half. */
function constraintsOf(abi: Abi, name: string, values: readonly bigint[]): Constraints {
  const narrow = abi === 'i386' || abi === 'arm';
  return (trackedArguments(abi, name) ?? []).map(({ index, mask }, at) => ({
    index,
    mask: narrow ? mask | UPPER_HALF : mask,
    value: (values[at] ?? 0n) & mask,
  }));
}

type Made = Pick<Requirement, 'constraints' | 'executables' | 'phases'>;

/** The sets of arguments a recorded call was made with; one without constraints where any may be. */
function argumentSets(call: ObservedCall): Made[] {
  const { args, name, abi, executables, phases } = call;
  if (args === null || name === null || args.unknown.length > 0) {
    return [{ constraints: [], executables, phases }];
  }
  return args.tuples.map(({ values, ...who }) => ({
    ...who,
    constraints: constraintsOf(abi, name, values),
  }));
}

function isExcluded(
  excluded: readonly ExcludedCall[],
  call: ObservedCall,
  constraints: Constraints,
): boolean {
  const name = call.name ?? `#${call.number}`;
  return excluded.some(
    (left) =>
      left.abi === call.abi &&
      left.name === name &&
      (left.values === null ||
        (constraints.length > 0 &&
          left.values.every((value, at) => BigInt(value) === constraints[at]?.value))),
  );
}

export interface Requirements {
  required: Requirement[];
  /** Left out on purpose, by the evidence's own account. */
  leftOut: string[];
}

/** The one ABI a profile is for when it lists none of those recorded. */
export function translation(profile: Profile, calls: readonly ObservedCall[]): Abi | null {
  const listed = profile.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const [first] = listed;
  if (first === undefined || calls.some(({ abi }) => listed.includes(abi))) return null;
  return first;
}

export function recorded(
  runs: readonly Run[],
  profile: Profile,
  excluded: readonly ExcludedCall[],
): Requirements {
  const calls = observe(runs);
  const target = translation(profile, calls);
  const required: Requirement[] = [];
  const leftOut = new Set<string>();
  for (const call of calls) {
    for (const { constraints, executables, phases } of argumentSets(call)) {
      const { abi, name, passed } = call;
      if (passed && isExcluded(excluded, call, constraints)) {
        leftOut.add(`${abi} ${name ?? `#${call.number}`}`);
        continue;
      }
      const base = { name, passed, recorded: abi, executables, phases };
      if (target === null) required.push({ ...base, abi, number: call.number, constraints });
      else required.push(...translated(base, target, constraints));
    }
  }
  return { required, leftOut: [...leftOut].sort() };
}

/** The call under another architecture, or what stands for it there. */
function translated(
  base: Omit<Requirement, 'abi' | 'number' | 'constraints'>,
  target: Abi,
  constraints: Constraints,
): Requirement[] {
  const { name } = base;
  const number = name === null ? null : syscallNumber(target, name);
  if (name === null) return [{ ...base, abi: target, number: -1, constraints }];
  if (number !== null) return [{ ...base, abi: target, number, constraints }];
  return EQUIVALENTS.filter(({ from }) => from === name).flatMap(({ to, only, carry, within }) => {
    const there = syscallNumber(target, to);
    if (there === null || within !== null) return [];
    const moved = constraints.flatMap((bits) => {
      const index = carry.get(bits.index);
      return index === undefined ? [] : [{ ...bits, index }];
    });
    return [
      { ...base, abi: target, name: to, number: there, constraints: [...(only ?? []), ...moved] },
    ];
  });
}

/** What essentials and baselines account for, by name. */
export function provided(
  profile: Profile,
  baselines: readonly Baseline[],
  machines: readonly string[],
): { name: string; constraints: Constraints }[] {
  const listed = profile.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const measured = [...baselineCalls(baselines, machines).values()].flatMap((call) => {
    const needs = baselineNeeds(call);
    if (needs.length === 0) return [{ name: call.name, constraints: [] }];
    return needs.map(({ values }) => ({
      name: call.name,
      constraints: values === null ? [] : constraintsOf(call.abi, call.name, values),
    }));
  });
  return [
    ...listed.flatMap((abi) => essentials(abi).map(({ name }) => ({ name, constraints: [] }))),
    ...measured,
  ];
}
