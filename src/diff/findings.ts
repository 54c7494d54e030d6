/** From the changes of one comparison to findings; in which contexts they hold comes later. */
import type { Answer, Change } from '../policy';
import type { Evidence } from '../profile';
import { type Finding, fingerprint, type Place, type Reasons } from '../review';
import type { Abi } from '../tables';
import type { AnswerEffect, Comparison } from './compare';
import { namedIn } from './cves';
import { denial, type Judged, narrowing, widening } from './severity';
import type { Side } from './side';
import type { ProfileView } from './view';
import { answersText, areasText, counted, listed, witnessOf } from './words';

/** Without what only the set of contexts tells. */
export type Draft = Omit<Finding, 'contexts' | 'fingerprint' | 'waiver'>;

type AnswerChange = Change<AnswerEffect>;

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

/** What one call does, once a range of numbers has been taken apart. */
interface Named {
  readonly change: AnswerChange;
  readonly abi: Abi;
  readonly name: string;
  readonly nr: number;
}

/** The rest of a range: numbers that no table has. */
interface Nameless {
  readonly change: AnswerChange;
  readonly first: number;
  readonly last: number;
}

function takenApart(changes: readonly AnswerChange[]): { named: Named[]; nameless: Nameless[] } {
  const named: Named[] = [];
  const nameless: Nameless[] = [];
  for (const change of changes) {
    const { abi, first, last } = change;
    let next = first;
    for (const { name, nr } of abi === null ? [] : namedIn(abi, first, last)) {
      named.push({ change, abi: abi as Abi, name, nr });
      if (nr > next) nameless.push({ change, first: next, last: nr - 1 });
      next = nr + 1;
    }
    if (next <= last) nameless.push({ change, first: next, last });
  }
  return { named, nameless };
}

export function draftsOf(comparison: Comparison, sides: Sides): Draft[] {
  return new Drafting(comparison, sides).all();
}

const TIERED = new Set(['high', 'medium']);

class Drafting {
  constructor(
    private readonly comparison: Comparison,
    private readonly sides: Sides,
  ) {}

  all(): Draft[] {
    const { named, nameless } = takenApart(this.comparison.changes);
    const drafts: Draft[] = [];
    // By what they have in common: a default, an ABI, the lack of any filter.
    const folds = new Map<string, { fold: Fold; named: Named[]; nameless: Nameless[] }>();
    const into = (fold: Fold) => {
      const key = `${fold.rule} ${fold.abi} ${fold.effect}`;
      const found = folds.get(key) ?? { fold, named: [], nameless: [] };
      folds.set(key, found);
      return found;
    };
    for (const one of named) {
      const draft = this.ofCall(one);
      const fold =
        this.foldOf(one.change) ?? (draft.rule === 'denial-changed' ? this.stubFold(one) : null);
      if (fold !== null) into(fold).named.push(one);
      if (fold === null || (fold.effect === 'widens' && TIERED.has(draft.severity))) {
        drafts.push(draft);
      }
    }
    for (const one of nameless) {
      const fold = this.foldOf(one.change) ?? numbersFold(one.change);
      into(fold).nameless.push(one);
    }
    for (const { fold, named: calls, nameless: numbers } of folds.values()) {
      drafts.push(this.ofFold(fold, calls, numbers));
    }
    return drafts;
  }

  private ofCall({ change, abi, name, nr }: Named): Draft {
    const effect = change.class;
    const values = areasText(name, change.areas);
    const evidence = this.evidenceFor(effect, abi, name);
    const { opens, closes } = this.cvesOf(name, effect);
    const judged = judge(change, name, abi, opens.length, evidence?.why ?? []);
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
      reason: judged.reason,
      cves: { opens, closes },
      evidence,
      place: this.placeOf(change, name),
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

  private evidenceFor(effect: AnswerEffect, abi: Abi, name: string): Reasons | null {
    const order =
      effect === 'narrows' ? (['before', 'after'] as const) : (['after', 'before'] as const);
    for (const which of order) {
      const side = this.sides[which];
      const found = side.kind === 'profile' ? reasonsIn(side.evidence, abi, name) : null;
      if (found !== null) return found;
    }
    return null;
  }

  /** The entry that gives the new answer; else the one that gave the old one; else the default. */
  private placeOf(change: AnswerChange, name: string): Place | null {
    const { before, after } = this.comparison;
    return (
      entryPlace(after, name, change.after) ??
      entryPlace(before, name, change.before) ??
      defaultPlace(after) ??
      defaultPlace(before)
    );
  }

  /** Changes that follow from one thing, and are told as that; null: of its own. */
  private foldOf({ abi, areas, before, after, class: effect }: AnswerChange): Fold | null {
    const { comparison, sides } = this;
    const whole = areas?.some((area) => area.length === 0) ?? false;
    if (sides.after.kind === 'unfiltered' || sides.before.kind === 'unfiltered') {
      return { rule: 'unfiltered', abi: null, effect };
    }
    const [was, is] = [comparison.before, comparison.after];
    if (was === null || is === null || !whole) return null;
    if (abi !== null && !was.abis.has(abi) && is.abis.has(abi)) {
      return { rule: 'architecture-added', abi, effect };
    }
    if (abi !== null && was.abis.has(abi) && !is.abis.has(abi)) {
      return { rule: 'architecture-removed', abi, effect };
    }
    const only = (answers: readonly Answer[], { action, data }: Answer): boolean =>
      answers.every((answer) => answer.action === action && answer.data === data);
    if (only(before, was.fallback) && only(after, is.fallback)) {
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

  private ofFold(fold: Fold, named: readonly Named[], nameless: readonly Nameless[]): Draft {
    const { rule, abi, effect } = fold;
    const changes = [...named, ...nameless].map(({ change }) => change);
    const before = distinctText(changes.map((change) => answersText(change.before)));
    const after = distinctText(changes.map((change) => answersText(change.after)));
    const first = changes[0] as AnswerChange;
    const names = [...new Set(named.map(({ name }) => name))];
    const numbers = nameless.map(({ first: from, last }) => ({ from, last }));
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
      message: foldMessage(fold, before, after, names, numbers, this.sides),
      reason: foldReason(fold),
      cves: rule === 'unfiltered' ? this.allCves(effect) : { opens: [], closes: [] },
      place: foldPlace(fold, this.comparison),
    };
  }

  private allCves(effect: AnswerEffect): { opens: string[]; closes: string[] } {
    const ids = (wanted: 'opens' | 'closes') =>
      this.comparison.cves.filter(({ change }) => change === wanted).map(({ cve }) => cve.id);
    return {
      opens: effect === 'widens' ? ids('opens') : [],
      closes: effect === 'narrows' ? ids('closes') : [],
    };
  }
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

function reasonsIn(evidence: Evidence | null, abi: Abi, name: string): Reasons | null {
  if (evidence === null) return null;
  const call = evidence.calls.find((one) => one.abi === abi && one.name === name);
  const justification = Object.hasOwn(evidence.justifications, name)
    ? (evidence.justifications[name] ?? null)
    : null;
  if (call === undefined && justification === null) return null;
  return {
    why: call?.why ?? [],
    executables: call?.executables ?? [],
    phases: call?.phases ?? [],
    justification,
  };
}

const OCI_ACTIONS: Record<Answer['action'], readonly string[]> = {
  allow: ['SCMP_ACT_ALLOW'],
  log: ['SCMP_ACT_LOG'],
  trace: ['SCMP_ACT_TRACE'],
  notify: ['SCMP_ACT_NOTIFY'],
  errno: ['SCMP_ACT_ERRNO'],
  trap: ['SCMP_ACT_TRAP'],
  kill_thread: ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD'],
  kill_process: ['SCMP_ACT_KILL_PROCESS'],
};

function entryPlace(
  view: ProfileView | null,
  name: string,
  answers: readonly Answer[],
): Place | null {
  if (view === null) return null;
  const actions = answers.flatMap(({ action }) => OCI_ACTIONS[action]);
  const rule = view.profile.syscalls.find(
    ({ names, action }) => names.includes(name) && actions.includes(action),
  );
  if (rule === undefined) return null;
  return view.side.places(['syscalls', view.entryOf(rule), 'names', rule.names.indexOf(name)]);
}

function defaultPlace(view: ProfileView | null): Place | null {
  return view?.side.places(['defaultAction']) ?? null;
}

function withAnswer(answer: string): string {
  return answer.startsWith('errno') ? `refused with ${answer}` : `answered with ${answer}`;
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
      return `${subject} ${passing(after)}; it was ${withAnswer(before)}`;
    case 'narrows':
      return `${subject} is ${withAnswer(after)}; it ${before === 'allow' || before === 'log' ? 'passed' : `was answered with ${before}`}`;
    case 'denial':
    case 'handling':
      return `${subject} is answered with ${after} instead of ${before}`;
  }
}

function passing(after: string): string {
  return after === 'allow' || after === 'log' || after === 'allow or log'
    ? 'may pass'
    : `may pass (${after})`;
}

interface Fold {
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
      return `${whose}the largest call named is another one, above which runc answers ENOSYS: ${calls} get ${after} instead of ${before}`;
    case 'default-widened':
    case 'default-narrowed':
    case 'default-changed':
      return `${whose}the default is ${after} instead of ${before}: ${calls ?? 'numbers without a name'} ${VERBS[effect]}`;
    default:
      return `${whose}${numbersText(numbers)} (without a name) ${VERBS[effect]}: ${after} instead of ${before}`;
  }
}

function foldPlace({ rule, abi }: Fold, { before, after }: Comparison): Place | null {
  if (rule === 'architecture-added') return archPlace(after, abi);
  if (rule === 'architecture-removed') return archPlace(before, abi);
  return rule.startsWith('default') ? (defaultPlace(after) ?? defaultPlace(before)) : null;
}

function archPlace(view: ProfileView | null, abi: Abi | null): Place | null {
  if (view === null || abi === null) return null;
  const { value, format } = view.side.profile;
  const key = format === 'gated' && value.archMap.length > 0 ? 'archMap' : 'architectures';
  return view.side.places([key]);
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
