/** For a terminal: the verdict first, a line for each finding, totals at the end. */
import type { Effect, Group, Report, Severity, Verdict } from '../review';
import { totals } from '../review/totals';
import { type Layout, type Span, type Style, wrap } from './layout';
import type { Options } from './options';
import { sections } from './sections';
import {
  cvesText,
  detailsOf,
  evidenceText,
  first,
  hasEffects,
  MARKERS,
  messageOf,
  placeText,
  subjects,
  totalsLine,
  VALUES_SHOWN,
  verdictOf,
} from './words';

const ARROW = '->';
/** Below this nothing reads well; the terminal may wrap once more. */
const NARROWEST = 20;
const CVES_SHOWN = 24;

const LEGEND: readonly { readonly of: readonly Effect[]; readonly text: string }[] = [
  { of: ['widens'], text: '+ widens' },
  { of: ['narrows'], text: '- narrows' },
  { of: ['denial', 'handling'], text: '~ refused or handled otherwise' },
  { of: ['none'], text: '. no effect' },
];

const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = {
  identical: 'green',
  equivalent: 'green',
  narrows: 'yellow',
  widens: 'alarm',
  mixed: 'alarm',
};
const SEVERITY_STYLES: Readonly<Record<Severity, Style | undefined>> = {
  high: 'alarm',
  medium: 'yellow',
  low: undefined,
  note: 'dim',
};
const EFFECT_STYLES: Readonly<Record<Effect, Style | undefined>> = {
  widens: 'red',
  narrows: 'green',
  denial: 'yellow',
  handling: 'yellow',
  none: undefined,
};

/** What stands before a line, and what a line that is wrapped hangs under. */
type Lead = readonly Span[];
type Say = (lead: Lead, ...spans: Span[]) => void;

const MARGIN: Lead = [];
/** Untrusted text never begins a line, where it could pass for one of ours. */
const INDENT: Lead = [{ text: '  ' }];
const DETAIL: Lead = [{ text: '         ' }];

export function terminal(report: Report, { columns, colour }: Options): string {
  const layout: Layout = {
    columns: Number.isFinite(columns) ? Math.max(NARROWEST, Math.floor(columns)) : 80,
    colour,
  };
  const lines: string[] = [];
  const say: Say = (lead, ...spans) => {
    for (const line of wrap(lead, spans, layout)) lines.push(line);
  };

  for (const headline of report.headlines) {
    say([{ text: '!! ', style: 'alarm' }], { text: headline, style: 'bold' });
  }
  if (lines.length > 0) lines.push('');
  sayVerdict(report, say);
  const effects = hasEffects(report);
  for (const { heading, groups, waived } of sections(report)) {
    lines.push('');
    if (heading !== null)
      say([{ text: 'Where: ', style: 'bold' }], { text: heading, style: 'bold' });
    for (const group of groups) sayFinding(group, effects, say);
    for (const group of waived) sayWaived(group, effects, say);
  }
  lines.push('');
  sayEnd(report, say);
  return `${lines.join('\n')}\n`;
}

function sayVerdict(report: Report, say: Say): void {
  const { word, sentence } = verdictOf(report, totals(report.findings));
  const style = report.verdict === null ? 'bold' : VERDICT_STYLES[report.verdict];
  if (sentence === '') say(MARGIN, { text: word, style });
  else say(MARGIN, { text: `${word}:`, style }, { text: sentence });
  say(INDENT, { text: subjects(report, ARROW), style: 'dim' });
  const [only, ...others] = report.contexts;
  if (only === undefined) return;
  if (others.length === 0) {
    say(INDENT, { text: only.label });
    return;
  }
  say(INDENT, { text: `in ${report.contexts.length} contexts:` });
  for (const { label, verdict } of report.contexts) {
    const lead = { text: `    ${verdict.padEnd(10)} `, style: VERDICT_STYLES[verdict] };
    say([lead], { text: label });
  }
}

function leadOf({ finding: { effect, severity, waiver } }: Group, effects: boolean): Lead {
  const word = waiver === null ? severity : 'waived';
  return [
    { text: effects ? MARKERS[effect] : ' ', style: EFFECT_STYLES[effect] },
    { text: ' ' },
    { text: word.padEnd(6), style: waiver === null ? SEVERITY_STYLES[severity] : 'dim' },
    { text: ' ' },
  ];
}

function abisSpan({ abis }: Group): Span[] {
  return abis.length === 0 ? [] : [{ text: `[${abis.join(', ')}]`, style: 'dim' }];
}

function sayFinding(group: Group, effects: boolean, say: Say): void {
  const { place, reason, cves } = group.finding;
  const { change, added, removed } = detailsOf(group, ARROW);
  say(
    leadOf(group, effects),
    { text: messageOf(group) },
    ...(change === null ? [] : [{ text: `(${change})` }]),
    ...abisSpan(group),
    ...(place === null ? [] : [{ text: placeText(place), style: 'dim' as const, whole: true }]),
  );
  sayValues(added, '         + ', say);
  sayValues(removed, '         - ', say);
  if (reason !== null) say(DETAIL, { text: reason });
  const opened = cvesText(cves, VALUES_SHOWN);
  if (opened !== '') say(DETAIL, { text: opened });
  const evidence = evidenceText(group);
  if (evidence !== null) say(DETAIL, { text: `evidence: ${evidence}`, style: 'dim' });
}

function sayValues(values: readonly string[], lead: string, say: Say): void {
  if (values.length === 0) return;
  const { shown, more } = first(values, VALUES_SHOWN);
  const end = more > 0 ? ` and ${more} more` : '';
  say([{ text: lead }], { text: `${shown.join('; ')}${end}` });
}

function sayWaived(group: Group, effects: boolean, say: Say): void {
  const { waiver } = group.finding;
  if (waiver === null) return;
  say(leadOf(group, effects), { text: messageOf(group), style: 'dim' }, ...abisSpan(group), {
    text: `(until ${waiver.expires}: ${waiver.reason})`,
    style: 'dim',
  });
}

function sayEnd(report: Report, say: Say): void {
  const counts = totals(report.findings);
  const cves = cvesText(report.cves, CVES_SHOWN);
  if (cves !== '') say([{ text: 'CVEs: ', style: 'bold' }], { text: cves });
  const shown = LEGEND.filter(({ of }) => of.some((effect) => counts.effects[effect] > 0));
  if (hasEffects(report)) {
    const legend = shown.map(({ text }) => text).join(', ');
    say([{ text: 'Legend: ' }], { text: legend });
  }
  say([{ text: 'Totals: ', style: 'bold' }], { text: totalsLine(counts) });
  for (const note of report.notes) say([{ text: 'Note: ' }], { text: note });
}
