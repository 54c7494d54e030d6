/** The summary: what a reader wants to know first, a tile each. */
import type { Model, Permits, RiskyCall } from '../types';
import { bar } from './charts';
import { type Html, html, type Value } from './html';
import { count, duration, figure, instant, number } from './words';

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function tile(title: string, content: Value): Html {
  return html`<div class="tile"><h3>${title}</h3>${content}</div>\n`;
}

/** "Docker 29.7.2", where it is clear that its default is meant. */
const engineOf = ({ standard }: Permits) => standard.replace(/^the default of /, '');

function compared(permits: Permits, here: number, there: number, whole: number): Html {
  return html`<div class="compare"><span>Here</span>${bar(here, whole, 'bar')}<span class="num">${number(here)}</span>
<span>${engineOf(permits)}</span>${bar(there, whole, 'rest')}<span class="num">${number(there)}</span></div>`;
}

function callsTile(permits: Permits): Html | null {
  const [native] = permits.abis;
  if (native === undefined) return null;
  const { profile, standard, known, abi } = native;
  const bounded =
    profile.bounded === 0 ? '' : `; ${profile.bounded} of them with certain arguments only`;
  return tile(
    'Calls permitted',
    html`<p class="figure">${number(profile.permitted)} <small>of ${number(known)}</small></p>
${compared(permits, profile.permitted, standard.permitted, known)}
<p class="soft">${`System calls of ${abi} that may pass${bounded}. ${capital(permits.standard)} for comparison.`}</p>`,
  );
}

function cvesTile(permits: Permits): Html {
  const { cves } = permits;
  const closed = cves.filter(({ profile }) => profile === 'closed').length;
  const other = cves.filter(({ standard }) => standard === 'closed').length;
  const lost = cves.filter((cve) => cve.profile === 'open' && cve.standard === 'closed').length;
  return tile(
    'CVEs closed',
    html`<p class="figure">${closed} <small>of ${cves.length} known</small></p>
${compared(permits, closed, other, cves.length)}
<p class="soft">${`Closed: no exploit of it that is known here can make the calls it needs.${lost === 0 ? '' : ` The default closes ${lost} that are open here.`}`}</p>`,
  );
}

const openIn = (calls: readonly RiskyCall[], side: 'profile' | 'standard') =>
  calls.filter((call) => call[side] !== 'closed');

/** Of more, the table below has all. */
const NAMED = 6;

function tiersTile(permits: Permits): Html {
  const rows = permits.tiers.map(({ tier, calls }) => {
    const open = openIn(calls, 'profile').length;
    const there = openIn(calls, 'standard').length;
    const kind = open === 0 ? 'good' : tier === 3 ? 'warn' : 'bad';
    return html`<tr><th scope="row">Tier ${tier}</th><td class="num"><span class="${kind}">${open === 0 ? 'closed' : `${open} open`}</span></td><td class="num">${there === 0 ? 'closed' : `${there} open`}</td><td class="num">${calls.length}</td></tr>`;
  });
  const open = permits.tiers.flatMap(({ calls }) => openIn(calls, 'profile'));
  const names = open
    .slice(0, NAMED)
    .map(({ name, profile }) => `${name}${profile === 'bounded' ? ' (certain arguments)' : ''}`);
  const more = open.length > NAMED ? ` and ${open.length - NAMED} more` : '';
  return tile(
    'Risky calls',
    html`<table><thead><tr><th scope="col"><span class="hidden">Tier</span></th><th scope="col" class="num">Here</th><th scope="col" class="num">${engineOf(permits)}</th><th scope="col" class="num">Calls</th></tr></thead><tbody>${rows}</tbody></table>
<p class="soft">${open.length === 0 ? 'None of them may pass.' : `Open here: ${names.join(', ')}${more}.`} <a href="#risks">All of them</a></p>`,
  );
}

function costTile({ cost, rules }: Model): Html | null {
  if (cost === null) return null;
  if (!cost.known) {
    return tile('Cost', html`<p class="text">Not known</p><p>${capital(cost.reason)}.</p>`);
  }
  if (cost.nsPerSecond === 0) {
    return tile(
      'Cost',
      html`<p class="text">None</p><p>No call of the recorded load has an argument rule.</p>`,
    );
  }
  const each = cost.nsPerSecond / cost.callsPerSecond;
  const names = new Set(rules.filter((rule) => rule.cost !== null).map(({ name }) => name)).size;
  return tile(
    'Cost of argument rules',
    html`<p class="figure">${figure(each)} <small>ns a call</small></p>
<p>${`${figure(cost.callsPerSecond)} calls a second of the recorded load, under ${count(names, 'rule')}: ${figure(cost.nsPerSecond / 1e7)} % of a processor. All other calls cost nothing measurable.`}</p>`,
  );
}

function completenessTile({ completeness }: Model): Html | null {
  if (completeness === null) return null;
  const { runs, complete, blindSpots } = completeness;
  const spots = blindSpots.length === 0 ? 'no blind spot' : count(blindSpots.length, 'blind spot');
  return tile(
    'Completeness',
    html`${
      complete === runs
        ? html`<p class="text good">Complete</p>`
        : html`<p class="text bad">NOT complete</p>`
    }
<p>${`${complete} of ${count(runs, 'run')} saw a start and lost nothing; ${spots}.`} <a href="#completeness">What was missed</a></p>`,
  );
}

function saturationTile({ discovery }: Model): Html | null {
  if (discovery === null) return null;
  return tile('What is still unseen', html`<p>${capital(discovery.saturation)}.</p>`);
}

export function summary(model: Model): Html {
  const { permits } = model;
  const tiles = [
    permits && callsTile(permits),
    permits && tiersTile(permits),
    permits && cvesTile(permits),
    costTile(model),
    completenessTile(model),
    saturationTile(model),
  ];
  const refused =
    model.withoutProfile !== null &&
    html`<div class="note"><p><strong>No profile could be made of this recording:</strong> ${model.withoutProfile}</p><p class="soft">So nothing is said of what it would permit.</p></div>`;
  return html`${refused}<div class="tiles">${tiles}</div>
${permits && html`<p class="soft">${`Held against ${permits.standard}: ${permits.context}.`}</p>`}`;
}

/** What this is about: one line under the heading. */
export function subtitle({ runs, profile, sources }: Model): Html {
  const [first] = runs;
  const total = runs.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const recorded =
    first === undefined
      ? ''
      : `${count(runs.length, 'run')}, ${duration(total)} recorded, from ${instant(first.start)}. `;
  const made =
    profile === null
      ? ''
      : profile.origin === 'made'
        ? 'Profile: made of it by minimise with its default options. '
        : `Profile: ${profile.label}. `;
  const others = sources.filter((source) => source !== profile?.label);
  const from =
    others.length === 0
      ? ''
      : `${others.length === 1 ? 'Recording' : 'Recordings'}: ${others.join(', ')}`;
  return html`<p class="soft">${recorded}${made}${from}</p>`;
}
