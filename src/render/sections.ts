/** Findings by the contexts they hold in, for formats that people read. */
import { bySeverity, type Finding, type Group, grouped, type Report, SEVERITIES } from '../review';

export interface Section {
  /** null: every context there is, or whatever the context. */
  readonly contexts: readonly string[] | null;
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
      contexts: contexts.length === 0 ? null : contexts,
      groups: groups.filter(({ finding }) => finding.waiver === null),
      waived: groups.filter(({ finding }) => finding.waiver !== null),
    };
  });
}

/** Above the findings of a section; null: there is nothing to tell apart. */
export function headingOf(section: Section, all: readonly Section[]): readonly string[] | null {
  if (section.contexts !== null) return section.contexts;
  return all.length > 1 ? ['every context'] : null;
}
