/** Which published exploits' calls become reachable, or stop to be. */
import { findCall, mayPass, type Policy } from '../policy';
import { ABIS, type Cve, cves, syscallName, syscallNumber, X32_BIT } from '../tables';

export type CveStates = readonly {
  readonly cve: Cve;
  readonly change: 'opens' | 'closes';
}[];

/** Those whose exploits make one of these calls. */
export function cvesOf(names: ReadonlySet<string>): Cve[] {
  return cves().filter(({ calls }) => calls.some(({ name }) => names.has(name)));
}

export function namesOfCves(list: readonly Cve[]): string[] {
  return list.flatMap(({ calls }) => calls.map(({ name }) => name));
}

/** The named calls of an ABI in a range of numbers as a filter sees them. */
export function namedIn(
  abi: (typeof ABIS)[number],
  first: number,
  last: number,
): { name: string; nr: number }[] {
  const bit = abi === 'x32' ? X32_BIT : 0;
  const made: { name: string; nr: number }[] = [];
  // No table reaches further than arm's own calls; an unbounded range is not walked.
  for (let nr = first; nr <= Math.min(last, bit + LAST_NUMBER); nr += 1) {
    const name = syscallName(abi, nr - bit);
    if (name !== null) made.push({ name, nr });
    if (nr - bit === LAST_COMMON) nr = Math.max(nr, bit + FIRST_ARM - 1);
  }
  return made;
}

/** Common numbers end far below; arm's private calls begin at 0xf0000. */
const LAST_COMMON = 4096;
const FIRST_ARM = 0xf0000;
const LAST_NUMBER = 0xf0010;

function reachable(policy: Policy, { calls, mode }: Cve): boolean {
  const open = (call: Cve['calls'][number]): boolean =>
    ABIS.some((abi) => {
      const number = syscallNumber(abi, call.name);
      if (number === null) return false;
      const constraints = call.bits === null ? [] : [call.bits];
      return findCall(policy, { abi, number, constraints }, mayPass) !== null;
    });
  return mode === 'any_of' ? calls.some(open) : calls.every(open);
}

/** Of those in `list` the ones that one side alone leaves open. */
export function cveStates(before: Policy, after: Policy, list: readonly Cve[]): CveStates {
  return list.flatMap((cve) => {
    const was = reachable(before, cve);
    const is = reachable(after, cve);
    if (was === is) return [];
    return [{ cve, change: is ? ('opens' as const) : ('closes' as const) }];
  });
}
