/** An explanation for people: lines no longer than a width, as far as words let them. */
// Not by its index, which brings zod.
import { suggestion } from '../reach/words';
import type { CallEvidence, CapabilityRules, CveOfCall, Explanation, InProfile } from './explain';
import { type Case, type Rule, TOO_MANY } from './rules';

/** A line, and whether it heads a section. */
export interface Line {
  readonly text: string;
  readonly heading: boolean;
}

function wrapped(text: string, width: number, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

class Page {
  readonly lines: Line[] = [];

  constructor(private readonly width: number) {}

  heading(text: string): void {
    if (this.lines.length > 0) this.lines.push({ text: '', heading: false });
    for (const line of wrapped(text, this.width, '', '    ')) {
      this.lines.push({ text: line, heading: true });
    }
  }

  paragraph(text: string, indent = 2): void {
    const margin = ' '.repeat(indent);
    this.push(wrapped(text, this.width, margin, margin));
  }

  item(text: string, indent = 2): void {
    const margin = ' '.repeat(indent);
    this.push(wrapped(text, this.width, `${margin}- `, `${margin}  `));
  }

  private push(lines: readonly string[]): void {
    this.lines.push(...lines.map((text) => ({ text, heading: false })));
  }
}

function and(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join('');
  return `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

const VERBS: readonly (readonly [RegExp, string])[] = [
  [/^allow$/, 'passes'],
  [/^log$/, 'passes, and is logged'],
  [/^notify$/, 'is left to a listener'],
  [/^trace/, 'is left to a tracer'],
  [/^errno 0$/, 'is not carried out, and told to have succeeded'],
  [/^errno (.*)$/, 'is refused with $1'],
  [/^trap/, 'is refused with the signal SIGSYS'],
  [/^kill thread$/, 'kills the thread'],
  [/^kill process$/, 'kills the process'],
];

function verb(answer: string): string {
  const found = VERBS.find(([pattern]) => pattern.test(answer));
  return found === undefined ? answer : answer.replace(found[0], found[1]);
}

/** Of several cases the one that takes most words, or has none, is told as "anything else". */
function restOf(cases: readonly Case[]): Case {
  const length = ({ values }: Case): number =>
    values?.includes(TOO_MANY) ? Number.POSITIVE_INFINITY : (values ?? []).join('; ').length;
  return cases.reduce((rest, one) => (length(one) > length(rest) ? one : rest));
}

/** What is said of a rule, without where it holds. */
export interface Told {
  readonly sentence: string;
  /** Alternatives, each on a line of its own, of the case before it. */
  readonly lists: readonly { readonly lead: string; readonly values: readonly string[] }[];
  readonly end: string | null;
}

function withValues({ answer, passes }: Case): string {
  return `${verb(answer)} ${passes === 'no' ? 'for' : 'with'}`;
}

export function told({ unlisted, cases }: Rule): Told {
  const [only] = cases as [Case];
  if (unlisted) {
    const sentence = `${verb(only.answer)}, as every call not of an ABI listed`;
    return { sentence, lists: [], end: null };
  }
  if (cases.length === 1) {
    const any = only.passes === 'no' ? '' : ' with any arguments';
    return { sentence: `${verb(only.answer)}${any}`, lists: [], end: null };
  }
  const rest = restOf(cases);
  const others = cases.filter((one) => one !== rest);
  const end = `anything else ${verb(rest.answer)}`;
  const [first] = others;
  if (others.length === 1 && first?.values?.length === 1) {
    return { sentence: `${withValues(first)} ${first.values[0]}; ${end}`, lists: [], end: null };
  }
  const lists = others.map((one) => ({ lead: withValues(one), values: one.values ?? [] }));
  return { sentence: '', lists, end };
}

function sayRules(page: Page, rules: readonly Rule[], indent = 2): void {
  const alike = new Map<string, { abis: string[]; rule: Rule }>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.runtimes, told(rule)]);
    const known = alike.get(key) ?? { abis: [], rule };
    known.abis.push(...rule.abis);
    alike.set(key, known);
  }
  const listed = rules.filter(({ unlisted }) => !unlisted);
  const runtimesTell = new Set(listed.map(({ runtimes }) => runtimes.join())).size > 1;
  const inOrder = [...alike.values()].sort(
    (a, b) => Number(a.rule.unlisted) - Number(b.rule.unlisted),
  );
  for (const { abis, rule } of inOrder) {
    const tells = runtimesTell && !rule.unlisted && rule.runtimes.length > 0;
    const under = tells ? `, under ${and(rule.runtimes)}` : '';
    const { sentence, lists, end } = told(rule);
    const head = `${and(abis)}${under}: `;
    if (sentence !== '') page.paragraph(head + sentence, indent);
    lists.forEach(({ lead, values }, at) => {
      page.paragraph(`${at === 0 ? head : ''}${lead}`, indent);
      for (const value of values) page.item(value, indent + 2);
    });
    if (end !== null) page.paragraph(end, indent);
  }
}

function sayCapabilities(
  page: Page,
  list: readonly CapabilityRules[],
  usual: readonly Rule[],
  indent = 2,
): void {
  const alike = new Map<string, { names: string[]; one: CapabilityRules }>();
  for (const one of list) {
    const key = JSON.stringify([one.held, one.rules]);
    const known = alike.get(key) ?? { names: [], one };
    known.names.push(one.capability);
    alike.set(key, known);
  }
  for (const { names, one } of alike.values()) {
    const rules = one.rules.filter(
      (rule) => !usual.some((other) => JSON.stringify(other) === JSON.stringify(rule)),
    );
    const either =
      names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names[0];
    const about = one.held ? `without ${either}, which containers have` : `with ${either}`;
    page.paragraph(`${about}:`, indent);
    sayRules(page, rules, indent + 2);
  }
}

const WHY: Readonly<Record<string, string>> = {
  observed: 'the application was seen to make it',
  essential: 'the kernel or the vDSO makes programs call it',
  runtime: 'a container runtime calls it as it starts the container',
  generalised: 'it is of a kind that was seen',
  equivalent: 'it does the same as a call that was seen',
  reachable: 'no run made it, and the files of the application can',
  fallback: 'libc, or the application, goes on without it when told ENOSYS',
};

function by({ executables, phases }: Pick<CallEvidence, 'executables' | 'phases'>): string {
  const who = executables.length === 0 ? '' : `: ${and(executables)}`;
  const when = phases.length === 0 ? '' : ` (${phases.join(', ')})`;
  return `${who}${when}`;
}

function sayEvidence(page: Page, { evidence, excluded, justification, unseen }: InProfile): void {
  page.heading('Why it is there');
  if (evidence === null) {
    page.paragraph('no evidence lies beside the profile');
    return;
  }
  if (evidence.length === 0 && unseen === null) page.paragraph('the evidence does not name it');
  for (const one of evidence) {
    const whys = one.why.map((why) => WHY[why] ?? why);
    page.paragraph(`${one.abi}: ${whys.join('; ')}${by(one)}`);
    // Several alternatives may be one kind.
    const alternatives = one.alternatives.map(
      ({ covers, why, ...rest }) => `${covers}, ${why.join(', ')}${by(rest)}`,
    );
    for (const text of new Set(alternatives)) page.item(text, 4);
    if (one.note !== null) page.item(one.note, 4);
  }
  for (const { abi, values, reason } of excluded) {
    const what = values === null ? 'it' : `it with ${values.join(', ')}`;
    page.paragraph(`${abi}: ${what} was recorded, and left out: ${reason}`);
  }
  if (unseen !== null) {
    const hint = suggestion(unseen.chain);
    page.paragraph(
      `no run made it, and the program can: ${unseen.chain.join(' > ')} (${unseen.likelihood})` +
        (hint === null ? '' : `; to see whether it does: ${hint}`),
    );
  }
  if (justification !== null) page.paragraph(`justified: ${justification}`);
}

function sayDenying(page: Page, { denying, profile }: Explanation): void {
  const { essential, fallback, instead } = denying;
  page.heading('If it is denied');
  if (essential !== null)
    page.paragraph(`programs need it, whether seen to call it or not: ${essential}`);
  const seen = profile?.evidence?.filter(({ why }) => why.includes('observed')) ?? [];
  const who = [...new Set(seen.flatMap(({ executables }) => executables))];
  if (seen.length > 0) {
    const whom = who.length === 0 ? 'the application' : and(who);
    page.paragraph(`${whom} was seen to make it, and gets an error instead`);
  }
  if (fallback !== null) {
    page.paragraph(
      `libc or the library behind it goes on with ${fallback.instead} when told ENOSYS; another ` +
        `errno may break it (${fallback.source})`,
    );
  }
  if (instead.length > 0) {
    page.paragraph('another libc, or an attacker, does the same by');
    for (const { name, only, passes } of instead) {
      const state = passes === null ? '' : passes ? ': may pass here' : ': does not pass here';
      page.item(`${name}${only === null ? '' : ` with ${only}`}${state}`, 4);
    }
  }
  if (essential === null && fallback === null && instead.length === 0 && seen.length === 0) {
    page.paragraph('nothing that sysieve knows does without it, or does the same');
  }
}

function sayCves(page: Page, cves: readonly CveOfCall[], looked: boolean): void {
  if (cves.length === 0) return;
  page.heading(
    cves.length === 1
      ? 'One CVE has an exploit that uses it'
      : `${cves.length} CVEs have exploits that use it`,
  );
  const alike = new Map<string, string[]>();
  for (const { id, mode, others, reachable, ...cve } of cves) {
    const joint = mode === 'any_of' ? 'or by' : 'together with';
    const needs = [
      ...(cve.with === null ? [] : [cve.with]),
      ...(others.length === 0 ? [] : [`${joint} ${others.join(', ')}`]),
      ...(looked ? [reachable === true ? 'reachable here' : 'closed here'] : []),
    ];
    const key = needs.join('; ');
    alike.set(key, [...(alike.get(key) ?? []), id]);
  }
  for (const [needs, ids] of alike) {
    page.item(`${needs === '' ? '' : `${needs}: `}${ids.join(', ')}`);
  }
}

/** `width`: of the terminal, in columns. Untrusted texts are in it as they are. */
export function explanationLines(explanation: Explanation, width: number): Line[] {
  const { call, summary, parameters, numbers, risk, profile, cves, defaults } = explanation;
  const page = new Page(width);
  page.heading(parameters === null ? call : `${call}(${parameters.join(', ')})`);
  page.paragraph(summary);
  page.paragraph(`Numbers: ${numbers.map(({ abi, number }) => `${abi} ${number}`).join(', ')}.`);
  page.paragraph(
    risk === null
      ? 'Risk: in none of the three tiers.'
      : `Risk: tier ${risk.tier}; it ${risk.reason}.`,
  );
  if (profile !== null) {
    page.heading(`In ${profile.label}`);
    sayRules(page, profile.rules);
    if (profile.rules.length === 0 && profile.refusals.length === 0) {
      page.paragraph(`no ABI of ${explanation.machine} has this call`);
    }
    for (const { runtime, message } of profile.refusals) {
      page.paragraph(`${runtime} does not take the profile: ${message}`);
    }
    sayCapabilities(page, profile.capabilities, profile.rules);
    sayEvidence(page, profile);
  }
  sayDenying(page, explanation);
  sayCves(page, cves, profile !== null);
  if (defaults.some(({ rules }) => rules.length > 0)) page.heading('In the default profiles');
  for (const { releases, rules, capabilities } of defaults) {
    if (rules.length === 0) continue;
    page.paragraph(releases.join('; '));
    sayRules(page, rules, 4);
    sayCapabilities(page, capabilities, rules, 4);
  }
  return page.lines;
}
