/** From the changes of one comparison to findings; in which contexts they hold comes later. */
import type { Answer } from '../policy';
import { type Finding, fingerprint, type Reasons } from '../review';
import { type Abi, ENOSYS } from '../tables';
import type { Comparison } from './compare';
import { changePlace, foldPlace } from './places';
import { reasonsIn } from './reasons';
import { denial, type Judged, narrowing, widening } from './severity';
import type { Side } from './side';
import type { AnswerChange, AnswerEffect, Named, Nameless } from './taken-apart';
import type { ProfileView } from './view';
import { answersText, answerText, areasText, counted, listed, witnessOf } from './words';

/** Without what only the set of contexts tells. */
export type Draft = Omit<Finding, 'contexts' | 'fingerprint' | 'waiver'>;

export interface Sides {
  readonly before: Side;
  readonly after: Side;
}

export const NOTHING = {
  abi: null,
  call: null,
  before: null,
  after: null,
  values: null,
  witness: null,
  reason: null,
  cves: { opens: [], closes: [] },
  evidence: null,
  place: null,
} as const;

/** By change, then by the CVEs that it opens or closes. */
export type Memory = WeakMap<Named, Map<string, Draft>>;

/** Changes that follow from one thing and are told as that, however many contexts they hold in. */
export interface Folded {
  readonly fold: Fold;
  readonly comparison: Comparison;
  readonly named: readonly Named[];
  readonly nameless: readonly Nameless[];
}

export interface Drafts {
  readonly calls: readonly Draft[];
  readonly folded: readonly Folded[];
}

export function draftsOf(comparison: Comparison, sides: Sides, memory: Memory): Drafts {
  return new Drafting(comparison, sides, memory).all();
}

export function foldKey({ fold: { rule, abi, effect } }: Folded): string {
  return JSON.stringify([rule, abi, effect]);
}

const TIERED = new Set(['high', 'medium']);

/** i386's first forms of them take a pointer to their arguments (arch/x86: old_mmap, old_select). */
const OLD_CALLS = new Set(['mmap', 'select']);

/** What a fold must not hide: it stands beside it as well. */
function toldAlone({ rule, effect }: Fold, draft: Draft): boolean {
  if (rule === 'default-changed') return draft.rule === 'fallback-errno';
  return (effect === 'widens' || rule === 'default-narrowed') && TIERED.has(draft.severity);
}

class Drafting {
  constructor(
    private readonly comparison: Comparison,
    private readonly sides: Sides,
    private readonly memory: Memory,
  ) {}

  all(): Drafts {
    const { named, nameless } = this.comparison;
    const drafts: Draft[] = [];
    // By what they have in common: a default, an ABI, the lack of any filter.
    const folds = new Map<string, { fold: Fold; named: Named[]; nameless: Nameless[] }>();
    const into = (fold: Fold) => {
      const key = `${fold.rule} ${fold.abi} ${fold.effect}`;
      const found = folds.get(key) ?? { fold, named: [], nameless: [] };
      folds.set(key, found);
      return found;
    };
    for (const one of [...named.values()].flat()) {
      const draft = this.remembered(one);
      const fold =
        this.foldOf(one.change, one.name) ??
        (draft.rule === 'denial-changed' ? this.stubFold(one) : null);
      if (fold !== null) into(fold).named.push(one);
      if (fold === null || toldAlone(fold, draft)) drafts.push(draft);
    }
    for (const one of nameless) {
      const fold = this.foldOf(one.change, null) ?? numbersFold(one.change);
      into(fold).nameless.push(one);
    }
    const folded = [...folds.values()].map((one) => ({ ...one, comparison: this.comparison }));
    return { calls: drafts, folded };
  }

  /** A change that many contexts share is told once. */
  private remembered(one: Named): Draft {
    const cves = this.cvesOf(one.name, one.change.class);
    const key = JSON.stringify(cves);
    const known = this.memory.get(one) ?? new Map<string, Draft>();
    this.memory.set(one, known);
    const draft = known.get(key) ?? this.ofCall(one, cves);
    known.set(key, draft);
    return draft;
  }

  private ofCall({ change, abi, name, nr }: Named, { opens, closes }: Draft['cves']): Draft {
    const effect = change.class;
    const values = areasText(abi === 'i386' && OLD_CALLS.has(name) ? '' : name, change.areas);
    const evidence = this.evidenceFor(change, abi, name);
    const judged = judge(change, name, abi, opens.length, this.needed(name, abi, change.areas));
    const before = answersText(change.before);
    const after = answersText(change.after);
    return {
      rule: judged.rule,
      severity: judged.severity,
      effect,
      abi,
      call: name,
      before,
      after,
      values:
        values === null
          ? null
          : effect === 'narrows'
            ? { added: [], removed: values }
            : { added: values, removed: [] },
      witness: witnessOf({ ...change.witness, nr }),
      message: messageOf(name, effect, before, after, values),
      reason: this.unexplained(effect, evidence)
        ? listedReasons(
            judged.reason,
            values === null
              ? 'the evidence beside the profile does not name it'
              : 'the evidence beside the profile does not name it with these arguments',
          )
        : judged.reason,
      cves: { opens, closes },
      evidence,
      place: changePlace(this.comparison, change, name),
    };
  }

  private cvesOf(name: string, effect: AnswerEffect): { opens: string[]; closes: string[] } {
    const ids = (wanted: 'opens' | 'closes') =>
      this.comparison.cves
        .filter(({ change }) => change === wanted)
        .filter(({ cve }) => cve.calls.some((call) => call.name === name))
        .map(({ cve }) => cve.id);
    return {
      opens: effect === 'widens' ? ids('opens') : [],
      closes: effect === 'narrows' ? ids('closes') : [],
    };
  }

  private evidenceFor(
    { class: effect, areas }: AnswerChange,
    abi: Abi,
    name: string,
  ): Reasons | null {
    const order =
      effect === 'narrows' ? (['before', 'after'] as const) : (['after', 'before'] as const);
    for (const which of order) {
      const side = this.sides[which];
      const found = side.kind === 'profile' ? reasonsIn(side.evidence, abi, name, areas) : null;
      if (found !== null) return found;
    }
    return null;
  }

  /** It passes now, and nobody has written down or recorded why. */
  private unexplained(effect: AnswerEffect, evidence: Reasons | null): boolean {
    const { after } = this.sides;
    if (effect !== 'widens' || after.kind !== 'profile' || after.evidence === null) return false;
    return evidence === null;
  }

  /** Why somebody needs what is taken away. */
  private needed(name: string, abi: Abi, areas: AnswerChange['areas']): readonly string[] {
    const reasons = (side: Side): readonly string[] =>
      (side.kind === 'profile' ? reasonsIn(side.evidence, abi, name, areas)?.why : null) ?? [];
    return [...reasons(this.sides.before), ...reasons(this.sides.after)];
  }

  /** Changes that follow from one thing, and are told as that; null: of its own. `name`: or no name. */
  private foldOf(
    { abi, before, after, class: effect }: AnswerChange,
    name: string | null,
  ): Fold | null {
    const { comparison, sides } = this;
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
  private stubFold({ name, abi, change }: Named): Fold | null {
    const { before, after } = this.comparison;
    if (before === null || after === null) return null;
    if (before.rules.has(name) || after.rules.has(name)) return null;
    if (before.stubbed.get(abi) === after.stubbed.get(abi)) return null;
    return { rule: 'enosys-boundary', abi, effect: change.class };
  }
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

/**
 * Drafts of one call that hold in different contexts and differ only in how the call is refused there
 * are one; null: these two are not.
 */
export function mergedDraft(a: Draft, b: Draft): Draft | null {
  if (a.effect !== b.effect || a.call === null || a.rule !== b.rule) return null;
  const join = (x: string | null, y: string | null) =>
    x === y ? x : [...new Set(`${x} or ${y}`.split(' or '))].sort().join(' or ');
  const before = a.effect === 'widens' ? join(a.before, b.before) : a.before;
  const after = a.effect === 'narrows' ? join(a.after, b.after) : a.after;
  const values = a.effect === 'narrows' ? a.values?.removed : a.values?.added;
  return {
    ...a,
    before,
    after,
    message: messageOf(a.call, a.effect as AnswerEffect, before ?? '', after ?? '', values ?? null),
  };
}

/** The same for drafts that `mergedDraft` makes one. */
export function mergeKey(draft: Draft): string {
  const { place: _, witness: __, message: ___, before, after, ...rest } = draft;
  return JSON.stringify([
    rest,
    draft.effect === 'widens' ? null : before,
    draft.effect === 'narrows' ? null : after,
  ]);
}

function listedReasons(...reasons: readonly (string | null)[]): string {
  return reasons.filter((reason) => reason !== null).join('; ');
}

function judge(
  change: AnswerChange,
  name: string,
  abi: Abi,
  opens: number,
  why: readonly string[],
): Judged & { rule: string } {
  switch (change.class) {
    case 'widens':
      return { rule: 'call-widened', ...widening(name, change, opens) };
    case 'narrows':
      return { rule: 'call-narrowed', ...narrowing(name, abi, why) };
    case 'denial':
      return denial(name, change);
    case 'handling':
      return { rule: 'handling-changed', severity: 'low', reason: null };
  }
}

function messageOf(
  name: string,
  effect: AnswerEffect,
  before: string,
  after: string,
  values: readonly string[] | null,
): string {
  const subject = values === null ? name : `${name} with ${values.join('; or ')}`;
  switch (effect) {
    case 'widens':
      return `${subject} may pass (${after}); it was answered with ${before}`;
    case 'narrows':
      return `${subject} is answered with ${after}; it passed (${before})`;
    case 'denial':
    case 'handling':
      return `${subject} is answered with ${after} instead of ${before}`;
  }
}

export interface Fold {
  readonly rule: string;
  readonly abi: Abi | null;
  readonly effect: AnswerEffect;
}

const NUMBERS_RULES = new Set(['numbers-widened', 'numbers-narrowed', 'numbers-changed']);

function numbersFold({ abi, class: effect }: AnswerChange): Fold {
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

/** What stays the same when lines move; `label`: of the contexts it holds in. */
export function fingerprintOf(draft: Draft, label: string): string {
  const { rule, effect, abi, call, before, after, values } = draft;
  return fingerprint([
    rule,
    effect,
    abi,
    call,
    before,
    after,
    values === null ? null : [...values.added, '-', ...values.removed].join('\n'),
    label,
  ]);
}
