/** One page that needs nothing else: no script, no font, no image, and a policy that permits none. */

import { createHash } from 'node:crypto';
import type { Effect, Group, Report, Severity } from '../review';
import { totals } from '../review/totals';
import { STYLE } from './html-style';
import { htmlText } from './html-text';
import type { Options } from './options';
import { type Section, sections } from './sections';
import {
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
  subjects,
  totalsLine,
  VALUES_SHOWN,
  verdictOf,
} from './words';

const code = (text: string) => `<code>${htmlText(text)}</code>`;

const CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/** `<p>`, or nothing for nothing. */
const paragraph = (html: string, kind = '') =>
  html === '' ? '' : `<p${kind === '' ? '' : ` class="${kind}"`}>${html}</p>`;

function values(texts: readonly string[], what: string): string {
  if (texts.length === 0) return '';
  const { shown, more } = first(texts, VALUES_SHOWN);
  const items = shown.map((text) => `<li>${code(text)}</li>`);
  if (more > 0) items.push(`<li>and ${more} more</li>`);
  return `<p>${what}:</p><ul>${items.join('')}</ul>`;
}

function finding(group: Group): string {
  const { change, added, removed } = detailsOf(group, '→');
  const { reason, cves, waiver, rule } = group.finding;
  const evidence = evidenceText(group);
  const ids = group.findings.map(({ fingerprint }) => code(fingerprint)).join(', ');
  return [
    htmlText(messageOf(group)),
    paragraph(change === null ? '' : code(change)),
    values(added, 'Now passes'),
    values(removed, 'No longer passes'),
    paragraph(reason === null ? '' : htmlText(reason)),
    paragraph(htmlText(cvesText(cves, VALUES_SHOWN))),
    paragraph(evidence === null ? '' : `Evidence: ${htmlText(evidence)}`, 'soft'),
    waiver === null
      ? ''
      : paragraph(`Waived until ${htmlText(waiver.expires)}: ${htmlText(waiver.reason)}`),
    paragraph(`${code(rule)}, fingerprint ${ids}`, 'soft'),
  ].join('');
}

function where({ finding: { place }, abis }: Group): string {
  const parts = [place === null ? '' : code(placeText(place)), abis.join(', ')];
  return parts.filter((part) => part !== '').join('<br>');
}

function row(group: Group, effects: boolean): string {
  const { effect, severity } = group.finding;
  // The roles are what the elements are; some browsers forget them where tables become blocks.
  return `<tr role="row"><td role="cell" class="severity ${severity}">${severity}</td>${effects ? `<td role="cell" class="kind">${kind(effect)}</td>` : ''}<td role="cell">${finding(group)}</td><td role="cell" class="where">${where(group)}</td></tr>\n`;
}

function kind(effect: Effect): string {
  return `<code aria-hidden="true">${htmlText(MARKERS[effect])}</code> ${EFFECTS[effect]}`;
}

function table(groups: readonly Group[], caption: string, effects: boolean): string {
  const heads = ['Severity', ...(effects ? ['Effect'] : []), 'Finding', 'Where']
    .map((head) => `<th role="columnheader" scope="col">${head}</th>`)
    .join('');
  return `<table role="table" class="findings" aria-label="${htmlText(caption)}"><thead role="rowgroup"><tr role="row">${heads}</tr></thead><tbody role="rowgroup">\n${groups.map((group) => row(group, effects)).join('')}</tbody></table>\n`;
}

function folded(groups: readonly Group[], summary: string, effects: boolean): string {
  if (groups.length === 0) return '';
  return `<details><summary>${summary}</summary>\n${table(groups, summary, effects)}</details>\n`;
}

const LIGHT: ReadonlySet<Severity> = new Set(['low', 'note']);

function section(part: Section, effects: boolean): string {
  const { heading } = part;
  const title = heading === null ? '' : `Where: ${heading}`;
  const light = part.groups.filter((group) => LIGHT.has(group.finding.severity));
  const heavy = part.groups.filter((group) => !LIGHT.has(group.finding.severity));
  const of = (severity: Severity) =>
    light
      .filter((group) => group.finding.severity === severity)
      .reduce((sum, { findings }) => sum + findings.length, 0);
  const waived = part.waived.reduce((sum, { findings }) => sum + findings.length, 0);
  return [
    title === '' ? '' : `<h3>${htmlText(title)}</h3>\n`,
    heavy.length === 0 ? '' : table(heavy, title === '' ? 'Findings' : title, effects),
    folded(
      light,
      severities({ high: 0, medium: 0, low: of('low'), note: of('note'), waived: 0 }),
      effects,
    ),
    folded(part.waived, `${waived} waived`, effects),
  ].join('');
}

function contexts(report: Report): string {
  const [only, ...others] = report.contexts;
  if (only === undefined) return '';
  if (others.length === 0) return `<p class="soft">${htmlText(`Where: ${only.label}`)}</p>\n`;
  const rows = report.contexts.map(
    ({ label, verdict }) =>
      `<tr><th scope="row">${htmlText(label)}</th><td class="verdicts ${verdict}">${verdict}</td></tr>\n`,
  );
  return `<h2>Contexts</h2>\n<table><thead><tr><th scope="col">Context</th><th scope="col">Verdict</th></tr></thead><tbody>\n${rows.join('')}</tbody></table>\n`;
}

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const entries = items.map((item) => `<li>${htmlText(item)}</li>\n`).join('');
  return `<h2>${title}</h2>\n<ul>\n${entries}</ul>\n`;
}

function cveList({ opens, closes }: Report['cves']): string {
  return list('CVEs', [
    ...opens.map((cve) => `${cve}: its calls can be reached now`),
    ...closes.map((cve) => `${cve}: its calls can no longer be reached`),
  ]);
}

export function html(report: Report, { tool }: Options): string {
  const counts = totals(report.findings);
  const { word, sentence } = verdictOf(report, counts);
  const all = sections(report);
  const effects = hasEffects(report);
  const title = `${tool.name} ${report.subject}: ${subjects(report, '→')}`;
  const before = report.before === null ? '' : `${code(report.before)} → `;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CSP}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${htmlText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${htmlText(tool.name)} ${report.subject}</h1>
${report.headlines.map((headline) => `<p class="headline">${htmlText(headline)}</p>\n`).join('')}<p class="verdict"><strong class="${report.verdict ?? ''}">${htmlText(word)}</strong>${sentence === '' ? '' : `: ${htmlText(sentence)}`}</p>
<p class="soft">${before}${code(report.after)}</p>
<p>Totals: ${totalsLine(counts)}</p>
${contexts(report)}${all.length === 0 ? '' : '<h2>Findings</h2>\n'}${all.map((part) => section(part, effects)).join('')}${cveList(report.cves)}${list('Notes', report.notes)}</main>
<footer>Made by ${htmlText(tool.name)} ${htmlText(tool.version)}.</footer>
</body>
</html>
`;
}
