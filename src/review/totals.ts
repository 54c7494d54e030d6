/** How many findings there are of each sort. */
import { type Effect, type Finding, SEVERITIES, type Severity } from './types';

export interface Totals {
  /** By severity; without those that are waived. */
  readonly high: number;
  readonly medium: number;
  readonly low: number;
  readonly note: number;
  readonly waived: number;
  /** Waived or not: a waiver does not change what may pass. */
  readonly effects: Readonly<Record<Effect, number>>;
}

export function totals(findings: readonly Finding[]): Totals {
  const severities: Record<Severity, number> = { high: 0, medium: 0, low: 0, note: 0 };
  const effects: Record<Effect, number> = {
    widens: 0,
    narrows: 0,
    denial: 0,
    handling: 0,
    none: 0,
  };
  let waived = 0;
  for (const { severity, effect, waiver } of findings) {
    if (waiver === null) severities[severity] += 1;
    else waived += 1;
    effects[effect] += 1;
  }
  return { ...severities, waived, effects };
}

/** Most severe first, in the order given within one severity. */
export function bySeverity<T extends { readonly severity: Severity }>(findings: readonly T[]): T[] {
  return SEVERITIES.flatMap((severity) => findings.filter((f) => f.severity === severity));
}
