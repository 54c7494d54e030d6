/** A report of what a change of a profile means. */
import {
  type ContextResult,
  type Finding,
  NOTHING,
  type Report,
  SEVERITIES,
  type Verdict,
} from '../review';
import { ABIS } from '../tables';
import { type CompareOptions, type Comparison, type Comparisons, compare } from './compare';
import type { DiffContext } from './contexts';
import { type EntryDraft, entryDrafts } from './dead-entries';
import { type Draft, fingerprintOf, mergedDraft, mergeKey } from './draft';
import { draftsOf, type Memory } from './findings';
import { type Folded, foldDraft, foldKey } from './folds';
import { EVERY, Labels } from './labels';
import type { ProfileSide, Side } from './side';
import { textDrafts } from './text';
import { engineOf } from './view';

export type DiffOptions = CompareOptions;

/**
 * Throws a SysieveError of kind input where something cannot be decided or installed: then there is
 * no report, and never one that says "no change".
 */
export function diff(before: Side, after: Side, options: DiffOptions = {}): Report {
  const notes = [...new Set([...before.notes, ...after.notes])];
  if (sameText(before, after)) return unchanged(before, after, notes);
  const compared = compare(before, after, options);
  const merged = merge(compared, { before, after });
  const refusals = compared.refusals.map(({ side, error, runtime }) => ({
    key: `${runtime} ${side}`,
    draft: {
      ...NOTHING,
      rule: 'runtime-refuses',
      severity: side === 'after' ? 'high' : 'low',
      effect: 'none',
      message: `${runtime} refuses ${side === 'after' ? 'the new' : 'the old'} profile: ${error.message}`,
      reason: side === 'after' ? 'no container starts under it' : null,
    } satisfies Draft,
  }));
  const findings = [
    ...merged.findings,
    ...textDrafts(before, after).map((draft) => finished(draft, [EVERY])),
    ...[...refusals, ...entries(before, after, options)].map(({ draft, key }) =>
      finished(draft, [EVERY], key),
    ),
  ].sort(byWeight);
  return {
    subject: 'diff',
    before: before.label,
    after: after.label,
    verdict: verdictOf(findings.map(({ effect }) => effect)),
    headlines: headlines(before, after, merged.findings),
    contexts: withEvery(merged, findings),
    cves: cvesOf(findings),
    findings,
    notes: [...notes, ...compared.notes],
  };
}

/** The same bytes mean the same, even where they cannot be decided. */
function unchanged(before: Side, after: Side, notes: readonly string[]): Report {
  return {
    subject: 'diff',
    before: before.label,
    after: after.label,
    verdict: 'identical',
    headlines: [],
    contexts: [{ label: EVERY, verdict: 'identical' }],
    cves: { opens: [], closes: [] },
    findings: [],
    notes,
  };
}

function sameText(before: Side, after: Side): boolean {
  return (
    before.kind === 'profile' &&
    after.kind === 'profile' &&
    before.text !== null &&
    before.text === after.text &&
    sameEngine(before, after)
  );
}

function sameEngine(a: ProfileSide, b: ProfileSide): boolean {
  return a.engine?.name === b.engine?.name && a.engine?.version === b.engine?.version;
}

function entries(before: Side, after: Side, { engine }: DiffOptions): EntryDraft[] {
  if (before.kind !== 'profile' || after.kind !== 'profile') return [];
  const engines = {
    before: engineOf(before, engine ?? null),
    after: engineOf(after, engine ?? null),
  };
  return entryDrafts(before, after, engines);
}

function finished(draft: Draft, contexts: readonly string[], key = ''): Finding {
  const label = [contexts.join('; '), key].join('');
  let made: string | undefined;
  return {
    ...draft,
    contexts,
    // Where it is asked for: hashing has to be loaded first, and people's eyes do without.
    get fingerprint() {
      made ??= fingerprintOf(draft, label);
      return made;
    },
    waiver: null,
  };
}

/** What is not about the filter holds everywhere, also where nothing else does. */
function withEvery(
  { contexts, everywhere }: Merged,
  findings: readonly Finding[],
): readonly ContextResult[] {
  const needed = findings.some((finding) => finding.contexts.includes(EVERY));
  if (!needed || contexts.some(({ label }) => label === EVERY)) return contexts;
  return [{ label: EVERY, verdict: everywhere }, ...contexts];
}

interface Merged {
  contexts: ContextResult[];
  /** Of every context taken together, as of the others. */
  everywhere: Verdict;
  findings: Finding[];
}

/** What a context is apart from its machine, which the ABIs of findings tell. */
function circumstances({ runtime, kernelVersion, capabilities }: DiffContext): string {
  return JSON.stringify([runtime, kernelVersion, capabilities]);
}

/** Contexts with the same findings become one, named by what they have in common. */
function merge({ compared }: Comparisons, sides: { before: Side; after: Side }): Merged {
  const universe = new Map<string, DiffContext>();
  const drafts = new Map<string, Draft>();
  const folded = new Map<string, Folded[]>();
  const holds = new Map<string, Set<string>>();
  const byComparison = new Map<Comparison, string[]>();
  const memory: Memory = new WeakMap();
  const keyOf = remembering(mergeKey);
  for (const { context, comparison } of compared) {
    const here = circumstances(context);
    if (!universe.has(here)) universe.set(here, context);
    let keys = byComparison.get(comparison);
    if (keys === undefined) {
      const made = draftsOf(comparison, sides, memory);
      const calls = made.calls.map((draft) => {
        const key = keyOf(draft);
        const known = drafts.get(key);
        if (known !== draft) drafts.set(key, known ? (mergedDraft(known, draft) ?? known) : draft);
        return key;
      });
      const folds = made.folded.map((one) => {
        const key = foldKey(one);
        folded.set(key, [...(folded.get(key) ?? []), one]);
        return key;
      });
      keys = [...calls, ...folds];
      byComparison.set(comparison, keys);
    }
    for (const key of keys) holds.set(key, (holds.get(key) ?? new Set()).add(here));
  }
  for (const [key, all] of folded) drafts.set(key, foldDraft(all, sides));
  const labels = new Labels([...universe.values()]);
  const places = new Map([...universe.keys()].map((here, at) => [here, at]));
  // By where they hold: findings that hold in the same contexts are told together.
  const groups = new Map<string, { where: ReadonlySet<string>; drafts: Draft[] }>();
  for (const [key, where] of holds) {
    const label = labels.of([...where].map((here) => places.get(here) as number));
    const group = groups.get(label) ?? { where, drafts: [] };
    group.drafts.push(drafts.get(key) as Draft);
    groups.set(label, group);
  }
  const effects = new Map([...universe.keys()].map((here) => [here, new Set<Draft['effect']>()]));
  for (const { where, drafts: all } of groups.values()) {
    for (const here of where) for (const { effect } of all) effects.get(here)?.add(effect);
  }
  // What holds in all of them, be it by other calls in each.
  const verdictIn = (where: Iterable<string>): Verdict => {
    const [first, ...rest] = [...where].map((here) => effects.get(here) as Set<Draft['effect']>);
    return verdictOf([...(first ?? [])].filter((effect) => rest.every((some) => some.has(effect))));
  };
  const contexts = [...groups].map(
    ([label, { where }]): ContextResult => ({ label, verdict: verdictIn(where) }),
  );
  const untouched = [...universe.keys()].filter(
    (here) => ![...groups.values()].some(({ where }) => where.has(here)),
  );
  if (untouched.length > 0) {
    const label = labels.of(untouched.map((here) => places.get(here) as number));
    contexts.push({ label, verdict: 'equivalent' });
  }
  return {
    contexts,
    everywhere: verdictIn(universe.keys()),
    findings: [...groups].flatMap(([label, group]) =>
      group.drafts.map((draft) => finished(draft, [label])),
    ),
  };
}

function remembering<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { value: Value }>();
  return (key) => {
    const found = known.get(key) ?? { value: make(key) };
    known.set(key, found);
    return found.value;
  };
}

function verdictOf(effects: readonly Draft['effect'][]): Verdict {
  const widens = effects.includes('widens');
  const narrows = effects.includes('narrows');
  if (widens && narrows) return 'mixed';
  if (widens) return 'widens';
  return narrows ? 'narrows' : 'equivalent';
}

function headlines(before: Side, after: Side, findings: readonly Finding[]): string[] {
  const made: string[] = [];
  if (after.kind === 'unfiltered' && before.kind !== 'unfiltered') {
    made.push(
      `${after.label} runs without any seccomp filter: no system call is refused (privileged, or seccomp=unconfined).`,
    );
  }
  if (before.kind === 'unfiltered' && after.kind !== 'unfiltered') {
    made.push(`${before.label} runs without any seccomp filter: ${after.label} is stricter.`);
  }
  if (findings.some(({ rule }) => rule === 'default-widened')) {
    made.push('The default action is more permissive: calls that no rule names may pass.');
  }
  return made;
}

/** High first; widening before narrowing before the rest; then as the tables have ABIs, and by name. */
function byWeight(a: Finding, b: Finding): number {
  const effects = ['widens', 'narrows', 'denial', 'handling', 'none'];
  const abi = (finding: Finding): number => (finding.abi === null ? -1 : ABIS.indexOf(finding.abi));
  const text = (finding: Finding): string => `${finding.call ?? ''} ${finding.message}`;
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    effects.indexOf(a.effect) - effects.indexOf(b.effect) ||
    abi(a) - abi(b) ||
    (text(a) < text(b) ? -1 : Number(text(a) > text(b)))
  );
}

function cvesOf(findings: readonly Finding[]): Report['cves'] {
  const ids = (which: 'opens' | 'closes') =>
    [...new Set(findings.flatMap(({ cves }) => cves[which]))].sort();
  return { opens: ids('opens'), closes: ids('closes') };
}
