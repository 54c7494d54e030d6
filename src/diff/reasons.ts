/** What the evidence beside a profile says of a call, or of some of its arguments. */
import type { Area } from '../policy';
import type { Evidence, EvidenceAlternative } from '../profile';
import type { Reasons } from '../review';
import type { Abi } from '../tables';

/** null: nothing, of these arguments at least. `areas`: null for more than can be looked at. */
export function reasonsIn(
  evidence: Evidence | null,
  abi: Abi,
  name: string,
  areas: readonly Area[] | null,
): Reasons | null {
  if (evidence === null) return null;
  const call = evidence.calls.find((one) => one.abi === abi && one.name === name);
  const justification = Object.hasOwn(evidence.justifications, name)
    ? (evidence.justifications[name] ?? null)
    : null;
  const sources =
    call === undefined
      ? []
      : (call.alternatives?.filter((one) => areas === null || meets(one, areas)) ?? [call]);
  if (sources.length === 0 && justification === null) return null;
  const all = (key: 'why' | 'executables' | 'phases'): string[] => [
    ...new Set(sources.flatMap((source): readonly string[] => source[key])),
  ];
  return { why: all('why'), executables: all('executables'), phases: all('phases'), justification };
}

/** Whether some call of the alternative may lie in one of the areas. */
function meets({ args }: EvidenceAlternative, areas: readonly Area[]): boolean {
  return areas.some((area) =>
    area.every(({ index, set }) => {
      const bits = args.find((one) => one.index === index);
      return bits === undefined || cubeMeets(BigInt(bits.mask), BigInt(bits.value), set);
    }),
  );
}

const INT = 0xffff_ffffn;

function cubeMeets(mask: bigint, value: bigint, set: Area[number]['set']): boolean {
  // Registers of 32 bits are looked at with 32.
  const single = (mask & INT) === INT ? value : null;
  switch (set.kind) {
    case 'values':
      return set.values.some((one) => (one & mask) === value);
    case 'bits':
      return set.cubes.some((cube) => (cube.mask & mask & (cube.value ^ value)) === 0n);
    case 'ranges':
      return (
        single === null || set.ranges.some(([first, last]) => first <= single && single <= last)
      );
    case 'except':
      return !(single !== null && cubeMeets(mask, value, set.set) && isWhole(single, set.set));
  }
}

/** Whether the set holds every word with these low 32 bits, or the one that has no others. */
function isWhole(value: bigint, set: Area[number]['set']): boolean {
  if (set.kind === 'values') return set.values.includes(value);
  return set.kind === 'bits' && set.cubes.some(({ mask }) => (mask & ~INT) === 0n);
}
