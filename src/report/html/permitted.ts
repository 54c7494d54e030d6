/** What the profile permits: argument rules, what was decided by hand, risky calls and CVEs. */
import type { Model } from '../types';
import { callName, type Names, RISK, risk, state, who } from './cells';
import { html } from './html';
import { type Column, folded, foldedNames, type Section, table } from './tables';
import { count, cut, figure, number } from './words';

const VALUES = 8;

export function rules(model: Model, names: Names): Section | null {
  const { rules: all, cost } = model;
  if (all.length === 0) return null;
  const costs = cost?.known === true && cost.nsPerSecond > 0;
  const columns: Column[] = [
    { head: 'Call', kind: 'name' },
    { head: 'Rule', kind: 'path' },
    { head: 'Needed by' },
    ...(costs
      ? [
          { head: 'Calls a second', kind: 'num' as const },
          { head: 'ns a call', kind: 'num' as const },
          { head: 'ns a second', kind: 'num' as const },
        ]
      : []),
  ];
  const rows = all.map((rule) => {
    const each =
      rule.cost === null ? 0 : rule.cost.nsPerSecond / Math.max(rule.cost.callsPerSecond, 1e-12);
    const figures = [rule.cost?.callsPerSecond, each, rule.cost?.nsPerSecond];
    const where = [...(rule.runtimes.length === 0 ? [] : [`under ${rule.runtimes.join(', ')}`])];
    return [
      html`<code>${rule.name}</code><span class="about">${[rule.abis.join(', '), ...where].join(', ')}</span>`,
      html`${rule.cases.map(
        ({ lead, values }) =>
          html`<div class="values">${lead} ${folded(values, VALUES, 'values')}</div>`,
      )}<div class="soft">${rule.end}</div>${rule.note !== null && html`<div class="soft">${cut(rule.note, 2000)}</div>`}`,
      who(rule.executables, names),
      ...(costs
        ? figures.map((value) => ({
            content: rule.cost === null ? '' : figure(value ?? 0),
            sort: rule.cost === null ? -1 : (value ?? 0),
          }))
        : []),
    ];
  });
  return {
    id: 'arguments',
    title: 'Argument rules',
    content: html`<p>${`${count(new Set(all.map(({ name }) => name)).size, 'call')} may be made with certain arguments only.`}</p>
${table('Argument rules', columns, rows)}`,
  };
}

export function leftOut({ leftOut: excluded, justifications, machine }: Model): Section | null {
  if (excluded.length === 0 && justifications.length === 0) return null;
  const rows = excluded.map(({ abi, name, values, reason }) => [
    callName({ abi, name }, machine),
    values === null ? 'any' : html`<code>${values.join(', ')}</code>`,
    reason,
  ]);
  const reasons = justifications.map(({ name, reason }) => [
    html`<code>${name}</code>`,
    cut(reason, 2000),
  ]);
  return {
    id: 'decided',
    title: 'Decided by hand or by rule',
    content: html`${rows.length > 0 && html`<p>Recorded, and left out of the profile:</p>${table('Left out', [{ head: 'Call', kind: 'name' }, { head: 'Arguments' }, { head: 'Why', kind: 'path' }], rows)}`}${
      reasons.length > 0 &&
      html`<p>Justified in the evidence:</p>${table(
        'Justifications',
        [
          { head: 'Call', kind: 'name' },
          { head: 'Justification', kind: 'path' },
        ],
        reasons,
      )}`
    }`,
  };
}

export function risks({ permits }: Model): Section | null {
  if (permits === null) return null;
  const { tiers, cves, abis, beyond } = permits;
  const of = ({ permitted, bounded }: { permitted: number; bounded: number }) =>
    bounded === 0 ? number(permitted) : `${number(permitted)} (${bounded} bounded)`;
  const byAbi = abis.map(({ abi, known, profile, standard }) => [
    abi,
    { content: number(known), sort: known },
    { content: of(profile), sort: profile.permitted },
    { content: of(standard), sort: standard.permitted },
  ]);
  const risky = tiers.flatMap(({ tier, calls: some }) =>
    some.map(({ name, reason, profile, standard }) => [
      html`<code>${name}</code><span class="about">${reason}</span>`,
      { content: tier, sort: tier },
      risk(profile),
      state(standard),
    ]),
  );
  const CVE = ['open', 'closed'];
  const cveRows = cves.map(({ id, calls: some, mode, profile, standard }) => [
    id,
    foldedNames(some, 6, 'calls'),
    some.length === 1 ? '' : mode === 'any_of' ? 'each is enough' : 'all are needed',
    {
      content: html`<span class="${RISK[profile]}">${profile}</span>`,
      sort: CVE.indexOf(profile),
    },
    { content: standard, sort: CVE.indexOf(standard) },
  ]);
  return {
    id: 'risks',
    title: 'Risk: what is open, what is closed',
    content: html`<p>${`"Default" is ${permits.standard}; ${permits.context}.`}</p>
${beyond.length > 0 && html`<div class="note"><p><strong>Permitted here and not by the default:</strong> ${beyond.map((name, at) => html`${at > 0 && ', '}<code>${name}</code>`)}</p></div>`}
<h3>Calls permitted</h3>
${table(
  'Calls permitted by ABI',
  [
    { head: 'ABI', kind: 'name' },
    { head: 'Known', kind: 'num' },
    { head: 'Profile', kind: 'num' },
    { head: 'Default', kind: 'num' },
  ],
  byAbi,
  'fit',
)}
<h3>Risky calls</h3>
<p class="soft">Tier 1 takes over the kernel or other processes, tier 2 opens its largest attack surface, tier 3 is seldom needed.</p>
${table('Risky calls', [{ head: 'Call', kind: 'path' }, { head: 'Tier', kind: 'num' }, { head: 'Profile' }, { head: 'Default' }], risky)}
<h3>CVEs</h3>
<p class="soft">Closed: no exploit of it that is known here can make the calls it needs. Other ways to the same fault may be open.</p>
${table('CVEs', [{ head: 'CVE', kind: 'name' }, { head: 'Calls its exploits make', kind: 'path' }, { head: 'Of several' }, { head: 'Profile' }, { head: 'Default' }], cveRows)}`,
  };
}
