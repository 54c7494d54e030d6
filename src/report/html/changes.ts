/** What changed from another profile, in the words that every format of a diff has. */

import { sections } from '../../render/sections';
import {
  cvesText,
  detailsOf,
  EFFECTS,
  evidenceText,
  hasEffects,
  messageOf,
  placeText,
  totalsLine,
  VALUES_SHOWN,
  verdictOf,
} from '../../render/words';
import type { Group, Report } from '../../review';
import { totals } from '../../review/totals';
import { type Html, html } from './html';
import { folded, list, table } from './tables';
import { cut } from './words';

const LONG = 2000;

function values(texts: readonly string[], what: string): Html | null {
  if (texts.length === 0) return null;
  const codes = texts.map((text) => html`<code>${text}</code>`);
  return html`<br>${what}: ${folded(codes, VALUES_SHOWN, 'values')}`;
}

function finding(group: Group): Html {
  const { change, added, removed } = detailsOf(group, '→');
  const { reason, cves } = group.finding;
  const said = [reason, cvesText(cves, VALUES_SHOWN)].filter(
    (text) => text !== null && text !== '',
  );
  const evidence = evidenceText(group);
  return html`${cut(messageOf(group), LONG)}${change !== null && html`<br><code>${change}</code>`}${values(added, 'Now passes')}${values(removed, 'No longer passes')}${said.map((text) => html`<br><span class="soft">${text}</span>`)}${evidence !== null && html`<br><span class="soft">Evidence: ${cut(evidence, LONG)}</span>`}`;
}

const SEVERITIES = ['high', 'medium', 'low', 'note'];
const CLASS = { high: 'bad', medium: 'warn', low: '', note: 'soft' } as const;

export function changes(report: Report): Html {
  const counts = totals(report.findings);
  const { word, sentence } = verdictOf(report, counts);
  const effects = hasEffects(report);
  const columns = [
    { head: 'Severity' },
    ...(effects ? [{ head: 'Effect' }] : []),
    { head: 'Finding', kind: 'path' as const },
    { head: 'Where' },
  ];
  const parts = sections(report).map(({ heading, groups }) => {
    const rows = groups.map((group) => {
      const { severity, effect, place } = group.finding;
      return [
        {
          content: html`<span class="${CLASS[severity]}">${severity}</span>`,
          sort: SEVERITIES.indexOf(severity),
        },
        ...(effects ? [EFFECTS[effect]] : []),
        finding(group),
        html`${place !== null && html`<code>${placeText(place)}</code><br>`}${group.abis.join(', ')}`,
      ];
    });
    const where = heading === null ? 'Changes' : `Changes ${heading}`;
    return html`${heading !== null && html`<h3>Where: ${heading}</h3>`}${table(where, columns, rows)}`;
  });
  return html`<p>From <code>${cut(report.before ?? '', 300)}</code> to <code>${cut(report.after, 300)}</code>.</p>
${report.headlines.map((headline) => html`<div class="note"><p><strong>${headline}</strong></p></div>`)}<p><strong>${word}</strong>${sentence === '' ? '' : `: ${sentence}`}. ${totalsLine(counts)}.</p>
${parts}${report.notes.length > 0 && list(report.notes)}`;
}
