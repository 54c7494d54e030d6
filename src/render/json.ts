/** For programs: everything the report holds, under names that stay. */
import { escapeUnsafeJson } from '../errors/text';
import type { Finding, Report } from '../review';
import { totals } from '../review/totals';

export const JSON_VERSION = 1;

export function findingJson({ place, ...finding }: Finding): object {
  return {
    rule: finding.rule,
    severity: finding.severity,
    effect: finding.effect,
    abi: finding.abi,
    call: finding.call,
    before: finding.before,
    after: finding.after,
    values: finding.values,
    witness: finding.witness,
    message: finding.message,
    reason: finding.reason,
    cves: finding.cves,
    evidence: finding.evidence,
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    contexts: finding.contexts,
    fingerprint: finding.fingerprint,
    waiver: finding.waiver,
  };
}

export function json(report: Report): string {
  const diff = report.subject === 'diff';
  const document = {
    version: JSON_VERSION,
    ...(diff ? { verdict: report.verdict, before: report.before } : {}),
    after: report.after,
    headlines: report.headlines,
    ...(diff ? { contexts: report.contexts } : {}),
    cves: report.cves,
    totals: totals(report.findings),
    findings: report.findings.map(findingJson),
    notes: report.notes,
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}
