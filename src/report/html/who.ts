/** Who calls what, and when. */
import type { CallRow, Model } from '../types';
import { callName, LONG_PATH, type Names, state, who } from './cells';
import { type Html, html } from './html';
import { type Cell, type Column, folded, foldedNames, type Section, table } from './tables';
import { count, cut, duration, number, told } from './words';

function firstSeen({ firstSeen: first }: CallRow, several: boolean): Cell {
  if (first === null) return { content: '', sort: Number.MAX_SAFE_INTEGER };
  const time = duration(first.ms);
  return {
    content: several ? html`<span class="soft">run ${first.run},</span> ${time}` : time,
    sort: first.run * 1e11 + first.ms,
  };
}

/** What passed when it was recorded, and would not under the profile. */
function refused({ calls: all, machine }: Model): Html | null {
  const some = all.filter(
    ({ count: made, denied: not, profile }) => made !== null && made > not && profile === 'closed',
  );
  if (some.length === 0) return null;
  const names = some.map((call) => callName(call, machine));
  return html`<div class="note"><p><strong>Recorded, and refused by the profile:</strong> ${folded(names, 12, 'calls')}</p></div>`;
}

export function calls(model: Model, names: Names): Section | null {
  const { machine, runs, profile } = model;
  if (model.calls.length === 0) return null;
  const recorded = runs.length > 0;
  const tiers = model.calls.some(({ tier }) => tier !== null);
  const columns: Column[] = [
    { head: 'Call', kind: 'name' },
    ...(profile === null ? [] : [{ head: 'Profile' }]),
    { head: 'Because' },
    ...(tiers ? [{ head: 'Risk tier', kind: 'num' as const }] : []),
    { head: 'Phases' },
    { head: 'Executables', kind: 'path' },
    ...(recorded
      ? [
          { head: 'Attempts', kind: 'num' as const },
          { head: 'First seen', kind: 'num' as const },
        ]
      : []),
  ];
  const rows = model.calls.map((call) => [
    html`${callName(call, machine)}${call.summary !== null && html`<span class="about">${call.summary}</span>`}`,
    ...(profile === null ? [] : [state(call.profile)]),
    html`${call.why.join(', ')}${call.note !== null && html`<span class="about">${cut(call.note, 500)}</span>`}`,
    ...(tiers ? [{ content: call.tier, sort: call.tier ?? 9 }] : []),
    call.phases.join(', '),
    who(call.executables, names),
    ...(recorded
      ? [
          { content: call.count === null ? '' : number(call.count), sort: call.count ?? -1 },
          firstSeen(call, runs.length > 1),
        ]
      : []),
  ]);
  return {
    id: 'calls',
    title: 'Calls',
    content: html`<p>${`${count(model.calls.length, 'call')}: what each does, what the profile makes of it, why it is there, and who makes it when.`}</p>
${refused(model)}
${table('Calls', columns, rows)}`,
  };
}

/** In a row of names: the ABI stands with those that are not the machine's own. */
function callNames({ calls: all, machine }: Model, places: readonly number[]): string[] {
  return places.flatMap((place) => {
    const call = all[place];
    if (call === undefined) return [];
    return told(call.abi === machine ? call.name : `${call.abi}:${call.name}`);
  });
}

export function executables(model: Model): Section | null {
  if (model.executables.length === 0) return null;
  const columns: Column[] = [
    { head: 'Executable', kind: 'path' },
    { head: 'Calls', kind: 'num' },
    { head: 'It alone', kind: 'num' },
    { head: 'Only it makes' },
    { head: 'All it makes' },
  ];
  const rows = [...model.executables]
    .sort((a, b) => b.calls.length - a.calls.length || (a.path < b.path ? -1 : 1))
    .map(({ path, calls: made, alone }) => [
      html`<code>${path === '' ? '(empty)' : cut(path, LONG_PATH)}</code>`,
      { content: made.length, sort: made.length },
      { content: alone.length, sort: alone.length },
      foldedNames(callNames(model, alone), 8, 'calls'),
      made.length > 0 &&
        html`<details><summary>${count(made.length, 'call')}</summary><span class="mono">${callNames(model, made).join(', ')}</span></details>`,
    ]);
  return {
    id: 'executables',
    title: 'Who needs what',
    content: html`<p>Without an executable in the image, the calls that it alone makes could be closed.</p>
${table('Executables', columns, rows)}`,
  };
}

const PHASES: Readonly<Record<string, string>> = {
  runtime: 'the container runtime, under the filter, up to the start of the program',
  exec: 'what entered the running container, up to the start of its own program',
  startup: 'the application until it was ready',
  steady: 'the application at work; all of it where no phases were marked',
  shutdown: 'the application as it ends',
};

export function phases(model: Model): Section | null {
  if (model.phases.length === 0) return null;
  const columns: Column[] = [
    { head: 'Phase', kind: 'name' },
    { head: 'Calls', kind: 'num' },
    { head: 'Only there', kind: 'num' },
    { head: 'Made only there', kind: 'path' },
  ];
  const rows = model.phases.map(({ phase, calls: made, only }) => [
    html`${phase}<span class="about">${PHASES[phase] ?? ''}</span>`,
    { content: made, sort: made },
    { content: only.length, sort: only.length },
    foldedNames(only.map(told), 12, 'calls'),
  ]);
  return { id: 'phases', title: 'Phases', content: table('Phases', columns, rows) };
}
