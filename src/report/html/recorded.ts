/** What the recordings show: how calls came to be known, what was denied, what was missed. */
import type { Model } from '../types';
import { callName, LONG_PATH, MOST_ROWS, type Names, state, who } from './cells';
import { curve, perRun } from './charts';
import { html } from './html';
import { type Column, list, type Section, table } from './tables';
import { count, cut, duration, instant, number } from './words';

export function discovery({ discovery: found }: Model): Section | null {
  if (found === null) return null;
  const { runs, reached, saturation, notes } = found;
  const several = runs.length > 1;
  const shown = runs.slice(0, MOST_ROWS);
  const rows = shown.map((run, at) => [
    { content: at + 1, sort: at },
    instant(run.start),
    { content: duration(run.durationMs), sort: run.durationMs },
    { content: number(run.calls), sort: run.calls },
    { content: number(run.newCalls), sort: run.newCalls },
    { content: number(run.newTuples), sort: run.newTuples },
    {
      content: run.lastNewMs === null ? '–' : duration(run.lastNewMs),
      sort: run.lastNewMs ?? -1,
    },
  ]);
  const columns: Column[] = [
    { head: 'Run', kind: 'num' },
    { head: 'Began', kind: 'name' },
    { head: 'Duration', kind: 'num' },
    { head: 'Calls', kind: 'num' },
    { head: 'New calls', kind: 'num' },
    { head: 'New argument tuples', kind: 'num' },
    { head: 'Last new after', kind: 'num' },
  ];
  return {
    id: 'discovery',
    title: 'How the calls came to be known',
    content: html`<p>${saturation}.</p>
${notes.length > 0 && list(notes)}<div class="charts"><figure><figcaption>Distinct calls over the recorded time</figcaption>${curve(found)}</figure>
${several && html`<figure><figcaption>New calls by run</figcaption>${perRun(found)}</figure>`}</div>
<p class="soft">${reached.map(({ percent, calls, atMs }) => `${percent} % (${calls}) after ${duration(atMs)}`).join(' · ')}</p>
${table('Runs', columns, rows)}${runs.length > shown.length && html`<p class="soft">${count(runs.length - shown.length, 'more run')} are not listed; <code>--json</code> has all.</p>`}`,
  };
}

export function denied(model: Model, names: Names): Section | null {
  const { completeness, runs, machine } = model;
  if (completeness === null || runs.length === 0) return null;
  const remark = completeness.remarks.filter((text) => text.startsWith('denied calls'));
  if (model.denied.length === 0) {
    return {
      id: 'denied',
      title: 'Denied calls',
      content: html`<p>No denied call was recorded${remark.length === 0 ? '' : `; ${remark.join('; ')}`}.</p>`,
    };
  }
  const columns: Column[] = [
    { head: 'Call', kind: 'name' },
    { head: 'Denied', kind: 'num' },
    { head: 'Of attempts', kind: 'num' },
    { head: 'Answered' },
    { head: 'Executables', kind: 'path' },
    ...(model.profile === null ? [] : [{ head: 'In the profile' }]),
  ];
  const rows = model.denied.map((call) => [
    callName(call, machine),
    { content: number(call.attempts), sort: call.attempts },
    { content: number(call.of), sort: call.of },
    call.errnos.join(', '),
    who(call.executables, names),
    ...(model.profile === null ? [] : [state(call.profile)]),
  ]);
  return {
    id: 'denied',
    title: 'Denied calls',
    content: html`<p>A filter refused these when they were recorded.${remark.length > 0 && ` ${remark.join('; ')}.`}</p>
${table('Denied calls', columns, rows)}`,
  };
}

export function completeness({ completeness: found }: Model): Section | null {
  if (found === null) return null;
  const { runs, complete, incomplete, counters, blindSpots, remarks } = found;
  const shown = incomplete.slice(0, MOST_ROWS);
  const inRuns = (some: number) => (runs === 1 ? '' : ` (in ${count(some, 'run')})`);
  const verdict =
    complete === runs
      ? html`<span class="good">Complete:</span> ${runs === 1 ? 'a start was seen and nothing was lost.' : `in all ${runs} runs a start was seen and nothing was lost.`}`
      : html`<span class="bad">NOT complete:</span> ${`${runs - complete} of ${count(runs, 'run')} missed something that matters.`}`;
  return {
    id: 'completeness',
    title: 'Completeness: what was missed',
    content: html`<p>${verdict}</p>
${shown.length > 0 && list(shown.map(({ run, reasons }) => html`${cut(run, LONG_PATH)}: ${reasons.join('; ')}`))}
${incomplete.length > shown.length && html`<p>and ${count(incomplete.length - shown.length, 'more run')}</p>`}
<h3>Counted</h3>
${counters.length === 0 ? html`<p>Every counter of what may be missed is 0.</p>` : list(counters.map(({ text, total, runs: some }) => html`<strong>${number(total)}</strong> ${text}${inRuns(some)}`))}
<h3>Blind spots</h3>
${blindSpots.length === 0 ? html`<p>None was declared by the tracer.</p>` : list(blindSpots.map(({ spot, text, runs: some }) => html`<code>${spot}</code>: ${text}${inRuns(some)}`))}
${remarks.length > 0 && html`<h3>Remarks</h3>${list(remarks)}`}`,
  };
}
