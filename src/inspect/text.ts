/** For a terminal: a paragraph for each line, with its remedy behind an arrow. */

import { type Layout, type Span, type Style, wrap } from '../render/layout';
import { totalsLine } from '../render/words';
import type { Finding, Severity } from '../review';
import { totals } from '../review/totals';
import { type Line, TOPICS } from './types';

const STYLES: Readonly<Record<Severity, Style | undefined>> = {
  high: 'alarm',
  medium: 'yellow',
  low: undefined,
  note: 'dim',
};
const NARROWEST = 40;

function lead({ known, finding }: Line, waived: boolean): Span[] {
  const word = !known ? 'untold' : finding === null ? 'ok' : waived ? 'waived' : finding.severity;
  const style = finding === null || waived ? 'dim' : STYLES[finding.severity];
  return [{ text: '  ' }, { text: word.padEnd(6), style: known ? style : 'yellow' }, { text: ' ' }];
}

/** For one reason, which ends what is said: the first file stands for the others. */
function isUntoldAlike(a: Line, b: Line): boolean {
  const why = ({ value }: Line) => value.slice(value.lastIndexOf(': '));
  return !a.known && !b.known && a.remedy === b.remedy && why(a) === why(b);
}

/** Those that are well and say the same stand together, so that all fits on a screen. */
function joined(lines: readonly Line[]): Line[] {
  const made: Line[] = [];
  for (const line of lines) {
    const last = made.at(-1);
    if (last !== undefined && isUntoldAlike(last, line)) {
      made.splice(-1, 1, { ...last, name: `${last.name}, ${line.name}` });
      continue;
    }
    const alike = last?.value === line.value && line.finding === null && last.finding === null;
    if (last !== undefined && alike && line.known && last.known) {
      const meaning = `${last.meaning}; ${line.meaning}`;
      made.splice(-1, 1, { ...last, name: `${last.name}, ${line.name}`, meaning });
    } else {
      made.push(line);
    }
  }
  return made;
}

/** `findings`: those of the lines, in the lines' order where they are of one rule and message. */
export function postureText(
  label: string,
  lines: readonly Line[],
  findings: readonly Finding[],
  notes: readonly string[],
  { columns, colour }: { columns: number; colour: boolean },
): string {
  const layout: Layout = { columns: Math.max(NARROWEST, columns), colour };
  const out: string[] = [];
  const say = (before: readonly Span[], ...spans: Span[]) => {
    for (const row of wrap(before, spans, layout)) out.push(row);
  };
  say([{ text: 'Isolation of ', style: 'bold' }], { text: label, style: 'bold' });
  const waived = new Set(
    findings.flatMap(({ waiver, message }) => (waiver === null ? [] : [message])),
  );
  for (const topic of TOPICS) {
    const here = joined(lines.filter((line) => line.topic === topic));
    if (here.length === 0) continue;
    say([{ text: `${topic}`, style: 'bold' }]);
    for (const line of here) {
      const accepted = waived.has(messageOf(line));
      const remedy = accepted || (line.remedy ?? '') === '' ? [] : [{ text: `-> ${line.remedy}` }];
      say(
        lead(line, accepted),
        { text: `${line.name}:` },
        { text: `${line.value};` },
        // Of what cannot be told it is always the same.
        ...(line.known ? [{ text: line.meaning, style: 'dim' as const }] : []),
        ...remedy,
      );
    }
  }
  say([{ text: 'Totals: ', style: 'bold' }], { text: totalsLine(totals(findings)) });
  for (const note of notes) say([{ text: 'Note: ' }], { text: note });
  return `${out.join('\n')}\n`;
}

/** As the finding of the line says it. */
export function messageOf({ topic, name, value, meaning }: Line): string {
  return `${topic}, ${name}: ${value}: ${meaning}.`;
}
