/** A report of what a change of a profile means. */
import { type ContextResult, type Finding, type Report, SEVERITIES, type Verdict } from '../review';
import { ABIS } from '../tables';
import { type CompareOptions, type Comparison, type Comparisons, compare } from './compare';
import type { DiffContext } from './contexts';
import { type Draft, draftsOf, fingerprintOf, NOTHING } from './findings';
import { labelOf } from './labels';
import type { ProfileSide, Side } from './side';
import { textDrafts } from './text';

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
  const refusals = compared.refusals.map(
    ({ side, error, runtime }): Draft => ({
      ...NOTHING,
      rule: 'runtime-refuses',
      severity: side === 'after' ? 'high' : 'low',
      effect: 'none',
      message: `${runtime} refuses ${side === 'after' ? 'the new' : 'the old'} profile: ${error.message}`,
      reason: side === 'after' ? 'no container starts under it' : null,
    }),
  );
  const everywhere = merged.contexts.map(({ label }) => label);
  const findings = [
    ...merged.findings,
    ...[...textDrafts(before, after), ...refusals].map((draft) => finished(draft, everywhere, '')),
  ].sort(byWeight);
  return {
    subject: 'diff',
    before: before.label,
    after: after.label,
    verdict: overall(merged.contexts.map((context) => context.verdict)),
    headlines: headlines(before, after, merged.findings),
    contexts: merged.contexts,
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
    contexts: [{ label: 'every context', verdict: 'identical' }],
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

function finished(draft: Draft, contexts: readonly string[], label: string): Finding {
  return { ...draft, contexts, fingerprint: fingerprintOf(draft, label), waiver: null };
}

interface Merged {
  contexts: ContextResult[];
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
  const holds = new Map<string, Set<string>>();
  const byComparison = new Map<Comparison, string[]>();
  for (const { context, comparison } of compared) {
    const here = circumstances(context);
    if (!universe.has(here)) universe.set(here, context);
    let keys = byComparison.get(comparison);
    if (keys === undefined) {
      keys = draftsOf(comparison, sides).map((draft) => {
        const { place: _, witness: __, ...rest } = draft;
        const key = JSON.stringify(rest);
        if (!drafts.has(key)) drafts.set(key, draft);
        return key;
      });
      byComparison.set(comparison, keys);
    }
    for (const key of keys) holds.set(key, (holds.get(key) ?? new Set()).add(here));
  }
  const classes = new Map<string, string[]>();
  for (const here of universe.keys()) {
    const found = [...holds].filter(([, where]) => where.has(here)).map(([key]) => key);
    const key = JSON.stringify(found.sort());
    classes.set(key, [...(classes.get(key) ?? []), here]);
  }
  const all = [...universe.values()];
  const label = (members: Iterable<string>): string =>
    labelOf(
      [...members].map((here) => universe.get(here) as DiffContext),
      all,
    );
  const contexts = [...classes.values()].map((members) => {
    const first = members[0] as string;
    const effects = [...holds]
      .filter(([, where]) => where.has(first))
      .map(([key]) => (drafts.get(key) as Draft).effect);
    return { label: label(members), verdict: verdictOf(effects), members };
  });
  return {
    contexts: contexts.map(({ label: text, verdict }) => ({ label: text, verdict })),
    findings: [...holds].map(([key, where]) => {
      const labels = contexts.filter(({ members }) => where.has(members[0] as string));
      return finished(
        drafts.get(key) as Draft,
        labels.map((context) => context.label),
        label(where),
      );
    }),
  };
}

function verdictOf(effects: readonly Draft['effect'][]): Verdict {
  const widens = effects.includes('widens');
  const narrows = effects.includes('narrows');
  if (widens && narrows) return 'mixed';
  if (widens) return 'widens';
  return narrows ? 'narrows' : 'equivalent';
}

function overall(verdicts: readonly Verdict[]): Verdict {
  const some = (wanted: Verdict): boolean => verdicts.includes(wanted);
  if (some('mixed') || (some('widens') && some('narrows'))) return 'mixed';
  if (some('widens')) return 'widens';
  return some('narrows') ? 'narrows' : 'equivalent';
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
