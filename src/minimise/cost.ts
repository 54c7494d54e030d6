/**
 * What argument rules cost the load that was recorded. The kernel keeps a bitmap of the calls whose
 * answer is ALLOW whatever their arguments are; a rule takes its call out of it, and the filter is
 * run each time.
 */
import type { Call as FilterCall } from '../policy';
import type { Run } from '../recording';
import { auditArch, syscallName, trackedArguments, X32_BIT } from '../tables';
import { worthOf } from './kinds';

/**
 * Measured by bench/filter-cost on x86_64, Linux 6.18, filters compiled by the kernel's JIT, medians of
 * 31 rounds on a quiet machine: what a call takes beyond the bitmap, in nanoseconds, and for each
 * instruction executed.
 */
export const LOST_BITMAP_NS = 95;
export const INSTRUCTION_NS = 0.12;

export interface RuleCost {
  name: string;
  /** Of the recorded load, over all of its runs' time. */
  callsPerSecond: number;
  /** Executed for such a call, on average. */
  instructions: number;
  nsPerSecond: number;
}

interface Load {
  calls: number;
  instructions: number;
}

/** `instructionsOf`: how many a filter executes for a call. */
export function costOfRules(
  runs: readonly Run[],
  ruled: ReadonlySet<string>,
  instructionsOf: (call: FilterCall) => number,
): RuleCost[] {
  const seconds = runs.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const loads = new Map<string, Load>();
  for (const { abi, number, count, denied, args } of runs.flatMap(({ calls }) => calls)) {
    const name = syscallName(abi, number);
    if (name === null || !ruled.has(name)) continue;
    const load = loads.get(name) ?? { calls: 0, instructions: 0 };
    loads.set(name, load);
    const nr = abi === 'x32' ? (number | X32_BIT) >>> 0 : number;
    const tracked = trackedArguments(abi, name) ?? [];
    const known = args?.tuples ?? [];
    const rest = count - denied.count - known.reduce((sum, tuple) => sum + tuple.count, 0);
    for (const tuple of [...known, { values: [], count: Math.max(0, rest) }]) {
      const registers = [0n, 0n, 0n, 0n, 0n, 0n];
      tracked.forEach(({ index }, at) => {
        registers[index] = BigInt(tuple.values[at] ?? 0);
      });
      load.calls += tuple.count;
      if (tuple.count === 0) continue;
      load.instructions +=
        tuple.count * instructionsOf({ arch: auditArch(abi), nr, args: registers });
    }
  }
  return [...loads]
    .filter(([, { calls }]) => calls > 0 && seconds > 0)
    .map(([name, { calls, instructions }]) => ({
      name,
      callsPerSecond: calls / seconds,
      instructions: instructions / calls,
      nsPerSecond: (calls * LOST_BITMAP_NS + instructions * INSTRUCTION_NS) / seconds,
    }))
    .sort((a, b) => b.nsPerSecond - a.nsPerSecond || (a.name < b.name ? -1 : 1));
}

/**
 * The rules to give up so that the rest costs no more than `budget` nanoseconds a second: those worth
 * least first, of equal worth the dearest; then back again what fits after all, the most worth first.
 */
export function giveUp(costs: readonly RuleCost[], budget: number): string[] {
  const order = [...costs].sort(
    (a, b) =>
      worthOf(a.name) - worthOf(b.name) ||
      b.nsPerSecond - a.nsPerSecond ||
      (a.name < b.name ? -1 : 1),
  );
  let total = costs.reduce((sum, { nsPerSecond }) => sum + nsPerSecond, 0);
  const given: RuleCost[] = [];
  for (const cost of order) {
    if (total <= budget) break;
    given.push(cost);
    total -= cost.nsPerSecond;
  }
  const kept = new Set<RuleCost>();
  for (const cost of [...given].reverse()) {
    if (total + cost.nsPerSecond > budget) continue;
    kept.add(cost);
    total += cost.nsPerSecond;
  }
  return given.filter((cost) => !kept.has(cost)).map(({ name }) => name);
}
