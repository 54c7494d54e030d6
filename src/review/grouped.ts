/** Findings that differ in nothing but their ABI, for output that people read. */
import type { Abi } from '../tables';
import type { Finding } from './types';

export interface Group {
  /** The first of them. */
  readonly finding: Finding;
  /** Empty: not about an ABI. */
  readonly abis: readonly Abi[];
  readonly fingerprints: readonly string[];
}

/** In the order of the findings' first ones. */
export function grouped(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, { finding: Finding; abis: Abi[]; fingerprints: string[] }>();
  for (const finding of findings) {
    const { abi, witness: _, fingerprint, ...rest } = finding;
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { finding, abis: [], fingerprints: [] };
    if (abi !== null && !group.abis.includes(abi)) group.abis.push(abi);
    group.fingerprints.push(fingerprint);
    groups.set(key, group);
  }
  return [...groups.values()];
}
