/**
 * Changes of many calls that follow from one thing (a default, an ABI, the lack of any filter, the
 * number above which runc answers ENOSYS), told as that.
 */

import { type Answer, answerText } from '../policy';
import { NOTHING } from '../review';
import { type Abi, ENOSYS } from '../tables';
import type { Comparison } from './compare';
import type { Draft, Sides } from './draft';
import { foldPlace } from './places';
import type { AnswerChange, AnswerEffect, Named, Nameless } from './taken-apart';
import type { ProfileView } from './view';
import { answersText, counted, listed, witnessOf } from './words';

export interface Fold {
  readonly rule: string;
  readonly abi: Abi | null;
  readonly effect: AnswerEffect;
}

/** Changes that follow from one thing and are told as that, however many contexts they hold in. */
export interface Folded {
  readonly fold: Fold;
  readonly comparison: Comparison;
  readonly named: readonly Named[];
  readonly nameless: readonly Nameless[];
}

export function foldKey({ fold: { rule, abi, effect } }: Folded): string {
  return JSON.stringify([rule, abi, effect]);
}

/** Changes that follow from one thing, and are told as that; null: of its own. `name`: or no name. */
export function foldOf(
  { abi, before, after, class: effect }: AnswerChange,
  name: string | null,
  comparison: Comparison,
  sides: Sides,
): Fold | null {
  if (sides.after.kind === 'unfiltered' || sides.before.kind === 'unfiltered') {
    return { rule: 'unfiltered', abi: null, effect };
  }
  const [was, is] = [comparison.before, comparison.after];
  if (was === null || is === null) return null;
  if (abi !== null && !was.abis.has(abi) && is.abis.has(abi)) {
    return { rule: 'architecture-added', abi, effect };
  }
  if (abi !== null && was.abis.has(abi) && !is.abis.has(abi)) {
    return { rule: 'architecture-removed', abi, effect };
  }
  const unnamed = name === null || !(was.rules.has(name) || is.rules.has(name));
  if (
    !sameAnswer(was.fallback, is.fallback) &&
    before.every((answer) => byDefault(was, answer, unnamed ? abi : null)) &&
    after.every((answer) => byDefault(is, answer, unnamed ? abi : null))
  ) {
    const rules = { widens: 'default-widened', narrows: 'default-narrowed' } as const;
    const rule = effect === 'widens' || effect === 'narrows' ? rules[effect] : 'default-changed';
    return { rule, abi, effect };
  }
  return null;
}

/** runc's ENOSYS begins at another number: for calls that no rule names, on either side. */
export function stubFold({ name, abi, change }: Named, { before, after }: Comparison): Fold | null {
  if (before === null || after === null) return null;
  if (before.rules.has(name) || after.rules.has(name)) return null;
  if (before.stubbed.get(abi) === after.stubbed.get(abi)) return null;
  return { rule: 'enosys-boundary', abi, effect: change.class };
}
const TIERED = new Set(['high', 'medium']);

/** What a fold must not hide: it stands beside it as well. */
export function toldAlone({ rule, effect }: Fold, draft: Draft): boolean {
  if (rule === 'default-changed') return draft.rule === 'fallback-errno';
  return (effect === 'widens' || rule === 'default-narrowed') && TIERED.has(draft.severity);
}

function sameAnswer(a: Answer, b: Answer): boolean {
  return a.action === b.action && a.data === b.data;
}

/** What no rule decides: the default's answer, or runc's in front of it. `abi`: null where there is none. */
function byDefault({ fallback, stubbed }: ProfileView, answer: Answer, abi: Abi | null): boolean {
  if (sameAnswer(answer, fallback)) return true;
  return abi !== null && stubbed.has(abi) && sameAnswer(answer, { action: 'errno', data: ENOSYS });
}

/** `all`: of one fold, from every context that it holds in. */
export function foldDraft(all: readonly Folded[], sides: Sides): Draft {
  const { fold, comparison } = all[0] as Folded;
  const { rule, abi, effect } = fold;
  const named = all.flatMap((one) => one.named);
  const nameless = all.flatMap((one) => one.nameless);
  const changes = [...named, ...nameless].map(({ change }) => change);
  const text = (which: 'before' | 'after'): string => {
    const view = comparison[which];
    if (rule.startsWith('default') && view !== null) return answerText(view.fallback);
    return distinctText(changes.map((change) => answersText(change[which])));
  };
  const [before, after] = [text('before'), text('after')];
  const first = changes[0] as AnswerChange;
  const names = [...new Set(named.map(({ name }) => name))];
  const spans = new Map(
    nameless.map(({ first: from, last }) => [`${from} ${last}`, { from, last }]),
  );
  const numbers = [...spans.values()];
  const cves = all.flatMap((one) => one.comparison.cves);
  const ids = (wanted: 'opens' | 'closes') => [
    ...new Set(cves.filter(({ change }) => change === wanted).map(({ cve }) => cve.id)),
  ];
  return {
    ...NOTHING,
    rule,
    severity: foldSeverity(fold),
    effect,
    abi,
    call: NUMBERS_RULES.has(rule) ? numbersText(numbers) : null,
    before,
    after,
    witness: witnessOf(named[0] ? { ...first.witness, nr: named[0].nr } : first.witness),
    message: foldMessage(fold, before, after, names, numbers, sides),
    reason: foldReason(fold),
    cves: {
      opens: rule === 'unfiltered' && effect === 'widens' ? ids('opens') : [],
      closes: rule === 'unfiltered' && effect === 'narrows' ? ids('closes') : [],
    },
    place: foldPlace(fold, comparison),
  };
}

const NUMBERS_RULES = new Set(['numbers-widened', 'numbers-narrowed', 'numbers-changed']);

export function numbersFold({ abi, class: effect }: AnswerChange): Fold {
  const rules = { widens: 'numbers-widened', narrows: 'numbers-narrowed' } as const;
  const rule = effect === 'widens' || effect === 'narrows' ? rules[effect] : 'numbers-changed';
  return { rule, abi, effect };
}

function foldSeverity({ rule, effect }: Fold): Draft['severity'] {
  if (effect === 'denial' || effect === 'handling')
    return rule.startsWith('numbers') || rule === 'enosys-boundary' ? 'note' : 'low';
  if (effect === 'narrows') return 'low';
  return rule === 'architecture-added' ? 'medium' : 'high';
}

function foldReason({ rule, abi, effect }: Fold): string | null {
  if (effect !== 'widens') return null;
  switch (rule) {
    case 'architecture-added':
      return abi === 'i386'
        ? 'another entry into the kernel; socketcall and ipc cannot be filtered by their arguments there'
        : 'another entry into the kernel';
    case 'default-widened':
      return 'calls of future kernels pass too';
    case 'numbers-widened':
      return 'calls that no table knows pass';
    default:
      return null;
  }
}

function numbersText(numbers: readonly { from: number; last: number }[]): string {
  const texts = numbers.map(({ from, last }) => (from === last ? `${from}` : `${from} to ${last}`));
  return `numbers ${listed(texts)}`;
}

function distinctText(texts: readonly string[]): string {
  return listed([...new Set(texts)], 3);
}

const VERBS: Record<AnswerEffect, string> = {
  widens: 'may pass',
  narrows: 'no longer pass',
  denial: 'are refused in another way',
  handling: 'are handled in another way',
};

function foldMessage(
  { rule, abi, effect }: Fold,
  before: string,
  after: string,
  names: readonly string[],
  numbers: readonly { from: number; last: number }[],
  { before: old, after: now }: Sides,
): string {
  const calls = names.length === 0 ? null : `${counted(names.length, 'call')} (${listed(names)})`;
  const whose = abi === null ? '' : `${abi}: `;
  switch (rule) {
    case 'unfiltered': {
      const side = now.kind === 'unfiltered' ? now : old;
      const verb = now.kind === 'unfiltered' ? 'runs' : 'ran';
      return `${side.label} ${verb} without any seccomp filter: ${calls ?? 'calls'} ${VERBS[effect]}`;
    }
    case 'architecture-added':
      return `${abi} calls were killed and are now answered by the rules: ${calls ?? 'numbers without a name'} ${VERBS[effect]}`;
    case 'architecture-removed':
      return `${abi} calls are killed now: ${calls ?? 'numbers without a name'} ${VERBS[effect]}`;
    case 'enosys-boundary':
      return `${whose}runc answers calls above the largest one named with ENOSYS, and that is another one: ${calls} get ${after} instead of ${before}`;
    case 'default-widened':
    case 'default-narrowed':
    case 'default-changed':
      return `${whose}the default is ${after} instead of ${before}: ${calls ?? 'numbers without a name'} ${VERBS[effect]}`;
    default:
      return `${whose}${numbersText(numbers)} (without a name) ${VERBS[effect]}: ${after} instead of ${before}`;
  }
}
