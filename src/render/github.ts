/**
 * Workflow commands that GitHub makes annotations of. Of one step it keeps the first ten errors, ten
 * warnings and ten notices (docs.github.com, actions/runner's ExecutionContext), so the most severe
 * ones come first and the last notice says what is missing.
 */
import { escapeUnsafe } from '../errors/text';
import type { Group, Report, Severity } from '../review';
import { grouped } from '../review/grouped';
import { bySeverity, totals } from '../review/totals';
import { locationOf } from './location';
import type { Options } from './options';
import {
  clip,
  count,
  cvesText,
  detailsOf,
  first,
  messageOf,
  placeText,
  severities,
  subjects,
  VALUES_SHOWN,
  verdictLine,
  verdictOf,
} from './words';

type Level = 'error' | 'warning' | 'notice';

const PER_LEVEL = 10;
/** What actions/runner passes on of a message, in UTF-16 units. */
const MESSAGE_LIMIT = 4096;
/** Of an annotation's title (REST API, check runs). */
const TITLE_LIMIT = 255;

const LEVELS: Readonly<Record<Severity, Level>> = {
  high: 'error',
  medium: 'warning',
  low: 'notice',
  note: 'notice',
};

function data(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function property(text: string): string {
  return data(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}

interface Annotation {
  readonly level: Level;
  readonly title: string;
  readonly message: string;
  readonly file?: string | undefined;
  readonly line?: number | null | undefined;
  readonly column?: number | null | undefined;
}

function command({ level, title, message, file, line, column }: Annotation): string {
  const properties: string[] = [];
  if (file !== undefined) properties.push(`file=${property(file)}`);
  if (typeof line === 'number') properties.push(`line=${line}`);
  if (typeof column === 'number') properties.push(`col=${column}`);
  properties.push(`title=${property(clip(title, TITLE_LIMIT))}`);
  return `::${level} ${properties.join(',')}::${data(clip(message, MESSAGE_LIMIT))}\n`;
}

/** Escapes each line by itself: line breaks are ours alone. */
function lines(texts: readonly (string | null)[]): string {
  return texts
    .flatMap((text) => (text === null || text === '' ? [] : [escapeUnsafe(text)]))
    .join('\n');
}

function annotationOf(group: Group, report: Report): Annotation {
  const { finding, abis } = group;
  const { change, added, removed } = detailsOf(group, '->');
  const values = (texts: readonly string[], verb: string) => {
    const { shown, more } = first(texts, VALUES_SHOWN);
    return texts.length === 0
      ? null
      : `${verb}: ${shown.join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  const location = locationOf(finding, report);
  return {
    level: LEVELS[finding.severity],
    title: `${finding.severity}: ${escapeUnsafe(finding.rule)}`,
    message: lines([
      messageOf(group),
      change,
      values(added, 'now passes'),
      values(removed, 'no longer passes'),
      finding.reason,
      cvesText(finding.cves, VALUES_SHOWN),
      abis.length === 0 ? null : `ABIs: ${abis.join(', ')}`,
      finding.contexts.length === 0 || finding.contexts.length === report.contexts.length
        ? null
        : finding.contexts.join('; '),
      location?.line === null && finding.place !== null ? placeText(finding.place) : null,
    ]),
    file: location === null ? undefined : escapeUnsafe(location.path),
    line: location?.line,
    column: location?.column,
  };
}

/** What of the report GitHub does not show. */
function leftOut(left: Record<Severity, number>, headlines: number): string | null {
  const findings = left.high + left.medium + left.low + left.note;
  const parts = [
    findings > 0 ? `${count(findings, 'finding')} (${severities({ ...left, waived: 0 })})` : '',
    headlines > 0 ? count(headlines, 'headline') : '',
  ].filter((part) => part !== '');
  return parts.length === 0
    ? null
    : `Left out, since GitHub shows ten annotations of a level for a step: ${parts.join(' and ')}. The other formats show everything.`;
}

export function github(report: Report, { tool }: Options): string {
  const title = `${tool.name} ${report.subject}`;
  const verdict = verdictLine(verdictOf(report, totals(report.findings)));
  const headlines = report.headlines
    .slice(0, PER_LEVEL - 1)
    .map((headline): Annotation => ({ level: 'error', title, message: escapeUnsafe(headline) }));
  const shown: Annotation[] = [
    ...headlines,
    // Said even where nothing was found: silence could be a step that failed.
    { level: 'notice', title, message: lines([verdict, subjects(report, '->')]) },
  ];
  // Two notices are the verdict and what is left out.
  const room: Record<Level, number> = {
    error: PER_LEVEL - headlines.length,
    warning: PER_LEVEL,
    notice: PER_LEVEL - 2,
  };
  const left: Record<Severity, number> = { high: 0, medium: 0, low: 0, note: 0 };
  const found = report.findings.filter(({ waiver }) => waiver === null);
  for (const group of grouped(bySeverity(found))) {
    const { severity } = group.finding;
    const level = LEVELS[severity];
    if (room[level] > 0) {
      room[level] -= 1;
      shown.push(annotationOf(group, report));
    } else {
      left[severity] += group.findings.length;
    }
  }
  const missing = leftOut(left, report.headlines.length - headlines.length);
  if (missing !== null) shown.push({ level: 'notice', title, message: missing });
  return shown.map(command).join('');
}
