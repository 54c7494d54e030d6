/** A comment on a pull request: the verdict first, what weighs less folded, never above the limit. */
import { escapeUnsafe } from '../errors/text';
import type { Group, Report, Severity } from '../review';
import { totals } from '../review/totals';
import { code, prose } from './markdown-text';
import { type Section, sections } from './sections';
import {
  clip,
  count,
  cvesText,
  detailsOf,
  EFFECTS,
  evidenceText,
  first,
  hasEffects,
  MARKERS,
  messageOf,
  placeText,
  severities,
  totalsLine,
  VALUES_SHOWN,
  verdictOf,
} from './words';

/**
 * GitHub takes 65,536 characters in the body of a pull request and says so of a comment, where it was
 * seen to take 262,144 bytes. Bytes are never fewer than characters: what keeps to this is never
 * refused.
 */
const LIMIT_BYTES = 65_536;
/** What stands around the findings is bounded too, each list by itself; there is at least one of each. */
const LIST_BYTES = 8192;
/** UTF-16 units of one text, before markdown makes it longer: at most sixfold. */
const TEXT_LIMIT = 400;
const CVES_SHOWN = 24;
/** One value, path or name in a row. */
const CELL_LIMIT = 160;

const FOLDED: ReadonlySet<Severity> = new Set(['low', 'note']);

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

const say = (text: string, call: string | null = null) =>
  prose(clip(escapeUnsafe(text), TEXT_LIMIT), call);
const name = (text: string) => code(clip(escapeUnsafe(text), CELL_LIMIT));

/** As many of them as are in bounds. */
function bounded(texts: readonly string[]): { shown: string[]; more: number } {
  let used = 0;
  const shown = texts.filter((text, index) => {
    used += bytes(text) + 16;
    return index === 0 || used <= LIST_BYTES;
  });
  return { shown, more: texts.length - shown.length };
}

/** A table of findings: the headings of its section, and rows. */
interface Block {
  readonly section: Section;
  readonly kind: 'open' | 'folded' | 'waived';
  readonly table: string;
  readonly rows: {
    readonly text: string;
    readonly findings: number;
    readonly severity: Severity;
  }[];
}

const TABLE = '| Severity | Effect | Finding | ABI | Where |\n| --- | --- | --- | --- | --- |\n';
const TABLE_WITHOUT_EFFECT = '| Severity | Finding | ABI | Where |\n| --- | --- | --- | --- |\n';

function values(texts: readonly string[], sign: string): string[] {
  if (texts.length === 0) return [];
  const { shown, more } = first(texts, VALUES_SHOWN);
  return [`${sign} ${shown.map(name).join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}

function row(group: Group, effects: boolean): string {
  const { finding, abis } = group;
  const { change, added, removed } = detailsOf(group, '→');
  const evidence = evidenceText(group);
  const cves = cvesText(finding.cves, VALUES_SHOWN);
  const { waiver } = finding;
  const cell = (
    waiver === null
      ? [
          say(messageOf(group), finding.call),
          change === null ? '' : name(change),
          ...values(added, 'now passes:'),
          ...values(removed, 'no longer passes:'),
          finding.reason === null ? '' : say(finding.reason),
          cves === '' ? '' : say(cves),
          evidence === null ? '' : `evidence: ${say(evidence)}`,
        ]
      : [
          say(messageOf(group), finding.call),
          `waived until ${waiver.expires}: ${say(waiver.reason)}`,
        ]
  ).filter((text) => text !== '');
  const where = finding.place === null ? '' : place(placeText(finding.place));
  const ways = abis.length === 0 ? '' : code(abis.join(', '));
  const effect = effects ? ` ${code(MARKERS[finding.effect])} ${EFFECTS[finding.effect]} |` : '';
  return `| ${finding.severity} |${effect} ${cell.join('<br>')} | ${ways} | ${where} |\n`;
}

/** A path's end, with the line, says more than its beginning. */
function place(text: string): string {
  const safe = escapeUnsafe(text);
  if (safe.length <= CELL_LIMIT) return code(safe);
  const half = Math.floor(CELL_LIMIT / 2);
  const end = safe.slice(-half).replace(/^[\udc00-\udfff]/, '');
  return code(`${clip(safe, half)}${end}`);
}

function blocksOf(all: readonly Section[], effects: boolean): Block[] {
  const rows = (groups: readonly Group[]) =>
    groups.map((group) => ({
      text: row(group, effects),
      findings: group.findings.length,
      severity: group.finding.severity,
    }));
  const table = effects ? TABLE : TABLE_WITHOUT_EFFECT;
  const folded = ({ finding }: Group) => FOLDED.has(finding.severity);
  return all
    .flatMap((section): Block[] => [
      {
        section,
        table,
        kind: 'open',
        rows: rows(section.groups.filter((group) => !folded(group))),
      },
      { section, table, kind: 'folded', rows: rows(section.groups.filter(folded)) },
      { section, table, kind: 'waived', rows: rows(section.waived) },
    ])
    .filter((block) => block.rows.length > 0);
}

function blockHead({ section: { heading }, kind, rows, table }: Block): string {
  const contexts = heading === null ? '' : `Where: ${say(heading)}`;
  if (kind === 'open') return `${heading === null ? '' : `**${contexts}**\n\n`}${table}`;
  const of = (severity: Severity) =>
    rows.reduce((sum, row) => sum + (row.severity === severity ? row.findings : 0), 0);
  const number = of('high') + of('medium') + of('low') + of('note');
  const summary =
    kind === 'waived'
      ? `${number} waived`
      : severities({ high: 0, medium: 0, low: of('low'), note: of('note'), waived: 0 });
  return `<details>\n<summary>${summary}</summary>\n\n${heading === null ? '' : `${contexts}\n\n`}${table}`;
}

const tail = ({ kind }: Block) => (kind === 'open' ? '\n' : '\n</details>\n\n');

/** How many rows of each block fit in `budget` bytes: the most severe first, waived ones last. */
function fitting(blocks: readonly Block[], budget: number): number[] {
  const taken = blocks.map(() => 0);
  let left = budget;
  const order: readonly ((block: Block, severity: Severity) => boolean)[] = [
    (block, severity) => block.kind === 'open' && severity === 'high',
    (block, severity) => block.kind === 'open' && severity === 'medium',
    (block, severity) => block.kind === 'folded' && severity === 'low',
    (block, severity) => block.kind === 'folded' && severity === 'note',
    (block) => block.kind === 'waived',
  ];
  for (const wanted of order) {
    for (const [index, block] of blocks.entries()) {
      for (const { text, severity } of block.rows.slice(taken[index])) {
        if (!wanted(block, severity)) continue;
        const around = taken[index] === 0 ? bytes(blockHead(block)) + bytes(tail(block)) : 0;
        const cost = bytes(text) + around;
        // What comes later weighs less: it does not slip in where this did not fit.
        if (cost > left) return taken;
        left -= cost;
        taken[index] = (taken[index] ?? 0) + 1;
      }
    }
  }
  return taken;
}

function headOf(report: Report): string {
  const counts = totals(report.findings);
  const { word, sentence } = verdictOf(report, counts);
  const parts: string[] = [];
  const headlines = bounded(report.headlines.map((headline) => say(headline)));
  for (const headline of headlines.shown) parts.push(`> **${headline}**\n\n`);
  if (headlines.more > 0) parts.push(`> and ${headlines.more} more\n\n`);
  parts.push(`**${word}**${sentence === '' ? '' : `: ${sentence}`}\n\n`);
  const before = report.before === null ? '' : `${name(report.before)} → `;
  parts.push(`${before}${name(report.after)}\n\n`);
  const [only] = report.contexts;
  if (only !== undefined && report.contexts.length === 1)
    parts.push(`${say(`Where: ${only.label}`)}\n\n`);
  if (report.contexts.length > 1) {
    const { shown, more } = bounded(
      report.contexts.map(({ label, verdict }) => `| ${say(label)} | ${verdict} |\n`),
    );
    parts.push(`| Context | Verdict |\n| --- | --- |\n${shown.join('')}`);
    if (more > 0) parts.push(`| and ${more} more | |\n`);
    parts.push('\n');
  }
  const cves = cvesText(report.cves, CVES_SHOWN);
  if (cves !== '') parts.push(`CVEs: ${prose(clip(escapeUnsafe(cves), 4 * TEXT_LIMIT))}\n\n`);
  return parts.join('');
}

function endOf(report: Report): string {
  const { shown, more } = bounded(report.notes.map((note) => `- ${say(note)}\n`));
  const notes = shown.length === 0 ? '' : `\nNotes:\n\n${shown.join('')}`;
  const rest = more > 0 ? `- and ${more} more\n` : '';
  return `Totals: ${totalsLine(totals(report.findings))}\n${notes}${rest}`;
}

function leftOut(findings: number): string {
  return findings === 0
    ? ''
    : `**${count(findings, 'finding')} left out** to stay within the length of a comment; the other formats show all of them.\n\n`;
}

export function markdown(report: Report): string {
  const blocks = blocksOf(sections(report), hasEffects(report));
  const head = headOf(report);
  const end = endOf(report);
  const budget = LIMIT_BYTES - bytes(head) - bytes(end) - bytes(leftOut(report.findings.length));
  const taken = fitting(blocks, budget);
  const missing = blocks
    .flatMap(({ rows }, index) => rows.slice(taken[index]))
    .reduce((sum, { findings }) => sum + findings, 0);
  const body = blocks.map((block, index) => {
    const rows = block.rows.slice(0, taken[index]);
    if (rows.length === 0) return '';
    return `${blockHead(block)}${rows.map(({ text }) => text).join('')}${tail(block)}`;
  });
  return `${head}${body.join('')}${leftOut(missing)}${end}`;
}
