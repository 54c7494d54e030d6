/** From facts to lines and findings. */
import { type Finding, fingerprint, type Report, SEVERITIES } from '../review';
import { accessControlLines } from './access-control';
import { cgroupLines } from './cgroups';
import { deviceLines } from './devices';
import { capabilityLines, userLines } from './identity';
import { mountLines } from './mounts';
import { namespaceLines } from './namespaces';
import { privilegedLine } from './privileged';
import { seccompLines } from './seccomp';
import { messageOf } from './text';
import type { Line, ProcessFacts, SeccompFacts, Target } from './types';

/** Everything that was looked at, by topic, the conclusion first. */
export function inspect(facts: ProcessFacts, seccomp: SeccompFacts): Line[] {
  return [
    privilegedLine(facts, seccomp),
    ...namespaceLines(facts),
    ...userLines(facts),
    ...capabilityLines(facts),
    ...seccompLines(seccomp, facts),
    ...accessControlLines(facts),
    ...cgroupLines(facts),
    ...mountLines(facts),
    ...deviceLines(facts),
  ];
}

function findingOf(line: Line, target: Target): Finding[] {
  if (line.finding === null) return [];
  const { rule, severity, key } = line.finding;
  return [
    {
      rule,
      severity,
      effect: 'none',
      abi: null,
      call: null,
      before: null,
      after: null,
      values: null,
      witness: null,
      message: messageOf(line),
      reason: line.remedy === null || line.remedy === '' ? null : `Remedy: ${line.remedy}.`,
      cves: { opens: [], closes: [] },
      evidence: null,
      place: null,
      contexts: [],
      fingerprint: fingerprint([rule, target.identity, ...key]),
      waiver: null,
    },
  ];
}

/** The findings as every format shows them, the gravest first; what cannot be told is a note. */
export function reportOf(lines: readonly Line[], target: Target, notes: readonly string[]): Report {
  const findings = lines.flatMap((line) => findingOf(line, target));
  return {
    subject: 'inspect',
    before: null,
    after: target.label,
    verdict: null,
    headlines: lines
      .filter(({ finding }) => finding?.rule === 'inspect-privileged')
      .map(({ value }) => `${target.label} is privileged: ${value}`),
    contexts: [],
    cves: { opens: [], closes: [] },
    findings: SEVERITIES.flatMap((severity) =>
      findings.filter((finding) => finding.severity === severity),
    ),
    notes: [
      ...notes,
      ...lines
        .filter(({ known }) => !known)
        .map(({ topic, name, value }) => `${topic}, ${name}: ${value}`),
    ],
  };
}
