/** `lint`: every rule on every view, and the findings with their places and fingerprints. */
import { type Finding, fingerprint, type Reasons, SEVERITIES } from '../review';
import { ABIS } from '../tables';
import { broad, joining } from './conditions';
import { architectures, equalToDefault, names, overridden, refusedByRuntime } from './entries';
import { defaults, equivalents, executableMemory, fallbacks, multiplexers } from './gaps';
import { ignored } from './gates';
import {
  ioUring,
  namespaces,
  openedBy,
  personality,
  riskyCalls,
  sockets,
  unjustified,
} from './risk';
import { beyond, truncation } from './truncation';
import type { Circumstance, Draft, LintInput, ViewRule } from './types';
import { unseenCalls } from './unseen';
import { circumstanceWords, NOT_JUDGED, viewsOf } from './views';

/** Rules at odds with each other are, whatever they are under. */
const AT_ODDS: readonly ViewRule[] = [overridden, equalToDefault];
const RULES: readonly ViewRule[] = [
  ...[defaults, namespaces, riskyCalls, unjustified, sockets, personality, ioUring],
  ...[equivalents, executableMemory, fallbacks, multiplexers, truncation, beyond, broad, joining],
  ...[...AT_ODDS, refusedByRuntime, names, architectures],
];

interface Collected {
  draft: Draft;
  /** null: without any circumstance as well. */
  only: Circumstance[] | null;
}

/**
 * What is wrong or dangerous in a profile, the gravest first. Never throws for a profile that was
 * parsed: what cannot be decided is a finding.
 */
export function lint(input: LintInput): Finding[] {
  const { views, drafts } = viewsOf(input);
  const found = new Map<string, Collected>();
  const collect = (draft: Draft, circumstance: Circumstance | null): void => {
    const key = `${identity(draft)} ${draft.path.join('/')}`;
    const known = found.get(key);
    if (known === undefined) {
      found.set(key, { draft, only: circumstance === null ? null : [circumstance] });
    } else if (
      circumstance !== null &&
      known.only?.some((one) => holdsIn(one, circumstance)) === false
    ) {
      known.only.push(circumstance);
    }
  };
  for (const draft of [...drafts, ...unseenCalls(input)]) collect(draft, null);
  const always = new Set<string>();
  const opened = new Map<string, { circumstance: Capabilities; drafts: Draft[] }>();
  for (const view of views) {
    const { circumstance } = view;
    if (circumstance === null) {
      for (const draft of RULES.flatMap((rule) => rule(view, input))) {
        collect(draft, null);
        always.add(identity(draft));
      }
      continue;
    }
    if (circumstance.kind === 'kernel') {
      // What passes there passes in every container.
      for (const draft of RULES.flatMap((rule) => rule(view, input))) {
        if (!always.has(identity(draft))) collect(draft, circumstance);
      }
      continue;
    }
    const fewer = [...opened.values()].filter((one) => holdsIn(one.circumstance, circumstance));
    const said = new Set([...always, ...fewer.flatMap(({ drafts }) => drafts.map(identity))]);
    const passes = [...namespaces(view), ...riskyCalls(view, input)];
    const more = passes.filter((draft) => !said.has(identity(draft)));
    const words = circumstanceWords([circumstance]);
    opened.set(words, {
      circumstance,
      drafts: [...(opened.get(words)?.drafts ?? []), ...more],
    });
    for (const draft of AT_ODDS.flatMap((rule) => rule(view, input))) {
      if (draft.severity !== 'low') collect(draft, circumstance);
    }
  }
  for (const { circumstance, drafts } of opened.values()) {
    if (drafts.length > 0) collect(openedBy(circumstance, drafts), null);
  }
  for (const draft of ignored(input)) collect(draft, null);
  const said = new Set([...found.values()].map(({ draft }) => draft.rule));
  const seen = new Map<string, number>();
  return [...found.values()]
    .filter(({ draft }) => draft.rule !== 'runtime-refuses' || !isExplained(draft, said))
    .map((collected) => {
      const id = identity(collected.draft);
      const times = seen.get(id) ?? 0;
      seen.set(id, times + 1);
      return findingOf(input, collected, times);
    })
    .sort(inOrder);
}

type Capabilities = Extract<Circumstance, { kind: 'capabilities' }>;

/** Whether what is so in the one is so in the other, which has all that it asks for. */
function holdsIn(one: Circumstance, other: Circumstance): boolean {
  if (one.kind === 'kernel' || other.kind === 'kernel') {
    return circumstanceWords([one]) === circumstanceWords([other]);
  }
  return one.names.every((name) => other.names.includes(name));
}

/** A rule of its own names every place of what the policy stopped at, and something was judged. */
function isExplained({ message, reason }: Draft, said: ReadonlySet<string>): boolean {
  if (reason?.includes(NOT_JUDGED) === true) return false;
  return (
    (message.includes('an errno is given for') && said.has('errno-on-other-action')) ||
    (message.includes('SCMP_ACT_NOTIFY cannot be') && said.has('notify-refused'))
  );
}

function parts({ rule, abi, call, key }: Draft): (string | null)[] {
  return ['lint', rule, abi ?? null, call ?? null, ...(key ?? [])];
}

function identity(draft: Draft): string {
  return JSON.stringify(parts(draft));
}

/** `times`: how many with the same words come before it in the file. */
function findingOf(input: LintInput, { draft, only }: Collected, times: number): Finding {
  const { rule, abi, call, message, reason, path, passes, after, witness } = draft;
  const where = only === null ? [] : [circumstanceWords(only)];
  // A waiver for some containers is none for all of them.
  const named = [...parts(draft), ...where];
  return {
    rule,
    severity: draft.severity,
    effect: 'none',
    abi: abi ?? null,
    call: call ?? null,
    before: null,
    after: after ?? null,
    values: passes === undefined ? null : { added: passes, removed: [] },
    witness:
      witness === undefined
        ? null
        : {
            arch: witness.arch,
            nr: witness.nr,
            args: [0, 1, 2, 3, 4, 5].map((at) => `0x${(witness.args?.[at] ?? 0n).toString(16)}`),
          },
    message: [message, ...where].join(', '),
    reason: reason ?? null,
    cves: { opens: [], closes: [] },
    evidence: evidenceOf(input, draft),
    place: input.places(path),
    contexts: [],
    fingerprint: fingerprint(times === 0 ? named : [...named, String(times)]),
    waiver: null,
  };
}

function evidenceOf({ evidence }: LintInput, { call, abi }: Draft): Reasons | null {
  if (evidence === null || call === undefined) return null;
  const calls = evidence.calls.filter(
    (one) => one.name === call && (abi === undefined || one.abi === abi),
  );
  const justification = Object.hasOwn(evidence.justifications, call)
    ? (evidence.justifications[call] as string)
    : null;
  if (calls.length === 0 && justification === null) return null;
  const all = (pick: (one: (typeof calls)[number]) => readonly string[]) => [
    ...new Set(calls.flatMap(pick)),
  ];
  return {
    why: all(({ why }) => why),
    executables: all(({ executables }) => executables),
    phases: all(({ phases }) => phases),
    justification,
  };
}

function inOrder(a: Finding, b: Finding): number {
  const place = (finding: Finding) => (finding.abi === null ? -1 : ABIS.indexOf(finding.abi));
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    place(a) - place(b) ||
    compare(a.call ?? '', b.call ?? '') ||
    compare(a.rule, b.rule)
  );
}

function compare(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}
