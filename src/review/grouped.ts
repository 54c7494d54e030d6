/** Findings that differ in nothing but their ABI, for output that people read. */
import type { Abi } from '../tables';
import type { Finding } from './types';

export interface Group {
  /** The first of them. */
  readonly finding: Finding;
  /** Empty: not about an ABI. */
  readonly abis: readonly Abi[];
  readonly findings: readonly Finding[];
}

/** What a group's findings may differ in. */
const APART: readonly (keyof Finding)[] = ['abi', 'witness', 'fingerprint'];

/** In the order of the findings' first ones. */
export function grouped(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, { finding: Finding; abis: Abi[]; findings: Finding[] }>();
  for (const finding of findings) {
    const { abi } = finding;
    // By name, so that a fingerprint is not made for this.
    const fields = (Object.keys(finding) as (keyof Finding)[]).filter(
      (field) => !APART.includes(field),
    );
    const key = JSON.stringify(fields.map((field) => [field, finding[field]]));
    const group = groups.get(key) ?? { finding, abis: [], findings: [] };
    if (abi !== null && !group.abis.includes(abi)) group.abis.push(abi);
    group.findings.push(finding);
    groups.set(key, group);
  }
  return [...groups.values()];
}
