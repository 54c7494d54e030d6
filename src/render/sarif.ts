/** SARIF 2.1.0 (OASIS, with errata 01), within what GitHub code scanning takes. */
import { escapeUnsafe, escapeUnsafeJson } from '../errors/text';
import type { Finding, Group, Report, Severity } from '../review';
import { ruleText } from '../review/rules';
import { bySeverity, totals } from '../review/totals';
import { anyPath, locationOf } from './location';
import type { Options } from './options';
import { detailsOf, first, messageOf, VALUES_SHOWN } from './words';

const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** GitHub refuses a run with more. */
const RESULTS_LIMIT = 25_000;
/** What GitHub keeps of a rule's name, and of its descriptions. */
const NAME_LIMIT = 255;
const DESCRIPTION_LIMIT = 1024;

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  high: 'error',
  medium: 'warning',
  low: 'note',
  note: 'note',
};

/**
 * Text of a message: braces would be placeholders (3.11.5), and `](` would make a link of what stands
 * in front of it (3.11.6).
 */
function messageText(text: string): string {
  return escapeUnsafe(text)
    .replace(/[{}]/g, '$&$&')
    .replace(/\](?=\()/g, '] ');
}

/** A relative reference, or a file URI of an absolute path. RFC 3986, a segment at a time. */
export function uriOf(path: string): string {
  const wellFormed = path.replace(/\p{Cs}/gu, '\ufffd');
  const drive = /^[A-Za-z]:[\\/]/.test(wellFormed);
  const segments = (drive ? wellFormed.replace(/\\/g, '/') : wellFormed).split('/');
  if (path === '') return '.';
  const encoded = segments.map(encodeURIComponent).join('/');
  if (drive) return `file:///${encoded.replace('%3A', ':')}`;
  return wellFormed.startsWith('/') ? `file://${encoded.replace(/^\/*/, '/')}` : encoded;
}

function rule(id: string): object {
  const text = ruleText(id) ?? `Findings of the rule ${id}.`;
  const description = { text: messageText(text).slice(0, DESCRIPTION_LIMIT) };
  return {
    id,
    name: id.slice(0, NAME_LIMIT),
    shortDescription: description,
    fullDescription: description,
    help: description,
    properties: { tags: ['security', 'seccomp'] },
  };
}

function location(finding: Finding, report: Report): object {
  const place = locationOf(finding, report);
  // Code scanning shows nothing without a location and its first line.
  const line = place?.line ?? 1;
  const column = place?.column ?? 1;
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(place?.path ?? anyPath(report)) },
      region: { startLine: line, startColumn: column, endLine: line, endColumn: column + 1 },
    },
  };
}

function textOf(finding: Finding): string {
  const group: Group = { finding, abis: [], findings: [finding] };
  const { change, added, removed } = detailsOf(group, '->');
  const values = (texts: readonly string[], verb: string) => {
    const { shown, more } = first(texts, VALUES_SHOWN);
    return texts.length === 0
      ? []
      : [`${verb}: ${shown.join('; ')}${more > 0 ? ` and ${more} more` : ''}.`];
  };
  const about = [change, finding.abi].filter((text) => text !== null).join(', ');
  return [
    `${messageOf(group)}${about === '' ? '' : ` (${about})`}.`,
    ...values(added, 'Now passes'),
    ...values(removed, 'No longer passes'),
    finding.reason ?? '',
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function result(
  finding: Finding,
  rules: readonly string[],
  waivers: boolean,
  report: Report,
): object {
  const { waiver } = finding;
  return {
    ruleId: finding.rule,
    ruleIndex: rules.indexOf(finding.rule),
    kind: 'fail',
    level: LEVELS[finding.severity],
    message: { text: messageText(textOf(finding)) },
    locations: [location(finding, report)],
    partialFingerprints: {
      'sysieveFinding/v1': finding.fingerprint,
      // The only one that code scanning looks at; without it, two findings on a line are one alert.
      primaryLocationLineHash: `${finding.fingerprint}:1`,
    },
    // All results of a run have it, or none (3.27.23).
    ...(waivers
      ? {
          suppressions:
            waiver === null
              ? []
              : [
                  {
                    kind: 'external',
                    status: 'accepted',
                    justification: `${waiver.reason} (until ${waiver.expires})`,
                  },
                ],
        }
      : {}),
    properties: {
      severity: finding.severity,
      effect: finding.effect,
      abi: finding.abi,
      call: finding.call,
      before: finding.before,
      after: finding.after,
      values: finding.values,
      witness: finding.witness,
      reason: finding.reason,
      cves: finding.cves,
      evidence: finding.evidence,
      place: finding.place,
      contexts: finding.contexts,
    },
  };
}

export function sarif(report: Report, { tool }: Options): string {
  // The limit takes from what weighs least.
  const findings = bySeverity(report.findings).slice(0, RESULTS_LIMIT);
  const rules = [...new Set(findings.map((finding) => finding.rule))].sort();
  const waivers = findings.some(({ waiver }) => waiver !== null);
  const leftOut = report.findings.length - findings.length;
  const notes = [
    ...report.notes,
    ...(leftOut > 0 ? [`${leftOut} findings are left out: code scanning takes 25,000`] : []),
  ];
  const diff = report.subject === 'diff';
  const document = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: tool.name, version: tool.version, rules: rules.map(rule) },
        },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: notes.map((note) => ({
              level: 'note',
              message: { text: messageText(note) },
            })),
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => result(finding, rules, waivers, report)),
        properties: {
          ...(diff
            ? { verdict: report.verdict, before: report.before, contexts: report.contexts }
            : {}),
          after: report.after,
          headlines: report.headlines,
          cves: report.cves,
          totals: totals(report.findings),
          leftOut,
        },
      },
    ],
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}
