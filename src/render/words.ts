/** What every format says in the same words. Nothing here is escaped: each format does that itself. */
import type { Effect, Group, Place, Report, Totals } from '../review';
import { grouped } from '../review/grouped';

/** More of them are cut with a count. */
export const VALUES_SHOWN = 8;

/** Never by colour alone. */
export const MARKERS: Readonly<Record<Effect, string>> = {
  widens: '+',
  narrows: '-',
  denial: '~',
  handling: '~',
  none: '.',
};

export const EFFECTS: Readonly<Record<Effect, string>> = {
  widens: 'widens',
  narrows: 'narrows',
  denial: 'refused otherwise',
  handling: 'handled otherwise',
  none: 'no effect',
};

/** Those of lint have none. */
export function hasEffects({ findings }: Report): boolean {
  return findings.some(({ effect }) => effect !== 'none');
}

export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

/** The first of `texts`, and how many more there are. */
export function first(texts: readonly string[], limit: number): { shown: string[]; more: number } {
  return { shown: texts.slice(0, limit), more: Math.max(0, texts.length - limit) };
}

/** At most `limit` UTF-16 units, cut between characters. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

interface Changed {
  /** Calls with a name; `some` of them for some arguments only. */
  readonly calls: number;
  readonly some: number;
  /** Findings about more than one call. */
  readonly more: number;
}

function changed(groups: readonly Group[], effect: Effect): Changed {
  const calls = new Map<string, boolean>();
  let more = 0;
  for (const { finding } of groups) {
    if (finding.effect !== effect) continue;
    if (finding.call === null || /^\d/.test(finding.call)) more += 1;
    else {
      const some = finding.values !== null && calls.get(finding.call) !== false;
      calls.set(finding.call, some);
    }
  }
  return { calls: calls.size, some: [...calls.values()].filter((some) => some).length, more };
}

function forSome({ calls, some }: Changed): string {
  if (some === 0) return '';
  return some === calls ? ' (for some arguments)' : ` (${some} for some arguments)`;
}

/** The verdict of a diff in one sentence, without the word itself. */
function whatChanged(report: Report): string {
  if (report.verdict === 'identical') return 'both sides are the same text';
  const groups = grouped(report.findings);
  const denial = groups.filter(({ finding }) => finding.effect === 'denial').length;
  if (report.verdict === 'equivalent') {
    const rest = denial === 0 ? '' : `; ${count(denial, 'finding')} about how others are refused`;
    return `exactly the same calls may pass${rest}`;
  }
  const wider = changed(groups, 'widens');
  const narrower = changed(groups, 'narrows');
  const parts: string[] = [];
  if (wider.calls > 0) {
    parts.push(`${count(wider.calls, 'call')} may pass that could not${forSome(wider)}`);
  }
  if (narrower.calls > 0) {
    const what =
      wider.calls > 0
        ? `${narrower.calls} no longer`
        : `${count(narrower.calls, 'call')} may no longer pass`;
    parts.push(`${what}${forSome(narrower)}`);
  }
  const sides = [
    wider.more > 0 ? `${wider.more} wider` : '',
    narrower.more > 0 ? `${narrower.more} narrower` : '',
  ].filter((side) => side !== '');
  if (sides.length > 0) {
    const more = count(wider.more + narrower.more, 'change');
    parts.push(`${more} of more than one call at once (${sides.join(', ')})`);
  }
  return parts.length === 0 ? 'other calls may pass than before' : parts.join(', ');
}

export interface Verdict {
  /** The verdict itself; of lint "findings" or "no findings". */
  readonly word: string;
  readonly sentence: string;
}

/** What the report says, in plain words. */
export function verdictOf(report: Report, { high, medium, low, note, waived }: Totals): Verdict {
  if (report.verdict !== null) return { word: report.verdict, sentence: whatChanged(report) };
  const all = high + medium + low + note;
  if (all === 0) {
    return { word: 'no findings', sentence: waived === 0 ? '' : `${waived} waived` };
  }
  return { word: count(all, 'finding'), sentence: severities({ high, medium, low, note, waived }) };
}

export function verdictLine({ word, sentence }: Verdict): string {
  return sentence === '' ? word : `${word}: ${sentence}`;
}

type Counts = Omit<Totals, 'effects'>;

/** "1 high, 2 low, 1 waived"; what there is none of is left out. */
export function severities(counts: Counts): string {
  const parts = (['high', 'medium', 'low'] as const).map((severity) =>
    counts[severity] === 0 ? '' : `${counts[severity]} ${severity}`,
  );
  if (counts.note > 0) parts.push(count(counts.note, 'note'));
  if (counts.waived > 0) parts.push(`${counts.waived} waived`);
  return parts.filter((part) => part !== '').join(', ');
}

/** All totals in one line. */
export function totalsLine(counts: Totals): string {
  const { effects } = counts;
  const kinds = [
    effects.widens > 0 ? `${effects.widens} widening` : '',
    effects.narrows > 0 ? `${effects.narrows} narrowing` : '',
    effects.denial > 0 ? `${effects.denial} refused otherwise` : '',
    effects.handling > 0 ? `${effects.handling} handled otherwise` : '',
  ].filter((kind) => kind !== '');
  const by = severities(counts);
  if (by === '') return 'no findings';
  return kinds.length === 0 ? by : `${by}; ${kinds.join(', ')}`;
}

/** "old.json -> new.json", or what was linted. */
export function subjects({ before, after }: Report, arrow: string): string {
  return before === null ? after : `${before} ${arrow} ${after}`;
}

/** What a finding says beside its message: only what the message does not say already. */
export interface Details {
  /** "errno EPERM -> allow". */
  readonly change: string | null;
  /** Values that pass now, and that no longer do. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function detailsOf({ finding }: Group, arrow: string): Details {
  const { message, before, after, values } = finding;
  const unsaid = (text: string) => !message.includes(text);
  const change =
    (before !== null && unsaid(before)) || (after !== null && unsaid(after))
      ? `${before ?? 'nothing'} ${arrow} ${after ?? 'nothing'}`
      : null;
  const added = values?.added ?? [];
  const removed = values?.removed ?? [];
  return {
    change,
    added: added.some(unsaid) ? added : [],
    removed: removed.some(unsaid) ? removed : [],
  };
}

/** The message without its full stop, with the call in front if it does not name it. */
export function messageOf({ finding: { call, message } }: Group): string {
  const text = message.replace(/\.$/, '');
  if (call === null) return text;
  // "read" is not named by "pread64".
  const named = /\W/.test(call) ? text.includes(call) : text.split(/\W+/).includes(call);
  return named ? text : `${call}: ${text}`;
}

/** Why the call is in the profile; null: nothing is known. */
export function evidenceText({ finding: { evidence } }: Group): string | null {
  if (evidence === null) return null;
  const { shown, more } = first(evidence.executables, 4);
  const parts = [
    evidence.why.join(', '),
    shown.length === 0 ? '' : `by ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    evidence.phases.length === 0 ? '' : `in ${evidence.phases.join(', ')}`,
  ].filter((part) => part !== '');
  if (evidence.justification !== null) parts.push(`justified: ${evidence.justification}`);
  return parts.length === 0 ? null : parts.join('; ');
}

export function cvesText({ opens, closes }: Report['cves'], limit: number): string {
  const side = (verb: string, names: readonly string[]) => {
    const { shown, more } = first(names, limit);
    return names.length === 0
      ? ''
      : `${verb} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  };
  return [side('opens', opens), side('closes', closes)].filter((text) => text !== '').join('; ');
}
