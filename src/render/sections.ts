/** Findings by the contexts they hold in, for formats that people read. */
import type { Finding, Group, Report } from '../review';
import { grouped } from '../review/grouped';
import { bySeverity } from '../review/totals';
import { SEVERITIES } from '../review/types';

export interface Section {
  /** Stands after "Where:": the contexts they hold in. null: nothing to tell apart. */
  readonly heading: string | null;
  /** Most severe first, without those that are waived. */
  readonly groups: readonly Group[];
  readonly waived: readonly Group[];
}

/** By their most severe finding; of two alike the one that holds in every context first. */
export function sections(report: Report): Section[] {
  const labels = new Map(report.contexts.map(({ label }, index) => [label, index]));
  const found = new Map<string, { contexts: string[]; findings: Finding[] }>();
  for (const finding of bySeverity(report.findings)) {
    const held = [...new Set(finding.contexts)].sort(
      (a, b) => (labels.get(a) ?? labels.size) - (labels.get(b) ?? labels.size),
    );
    const contexts = [...labels.keys()].every((label) => held.includes(label)) ? [] : held;
    const key = JSON.stringify(contexts);
    const section = found.get(key) ?? { contexts, findings: [] };
    section.findings.push(finding);
    found.set(key, section);
  }
  const severity = ({ findings }: { findings: Finding[] }) =>
    SEVERITIES.indexOf(findings[0]?.severity ?? 'note');
  const ordered = [...found.values()].sort(
    (a, b) =>
      severity(a) - severity(b) || Math.sign(a.contexts.length) - Math.sign(b.contexts.length),
  );
  return ordered.map(({ contexts, findings }) => {
    const groups = grouped(findings);
    return {
      heading:
        contexts.length === 0 && ordered.length === 1
          ? null
          : (contexts.length === 0 ? ['in every context'] : contexts).join('; '),
      groups: groups.filter(({ finding }) => finding.waiver === null),
      waived: groups.filter(({ finding }) => finding.waiver !== null),
    };
  });
}
