/** From the changes of one comparison to findings; in which contexts they hold comes later. */
import type { Reasons } from '../review';
import type { Abi } from '../tables';
import type { Comparison } from './compare';
import { type Draft, messageOf, type Sides } from './draft';
import { type Fold, type Folded, foldOf, numbersFold, stubFold, toldAlone } from './folds';
import { changePlace } from './places';
import { reasonsIn } from './reasons';
import { denial, type Judged, narrowing, widening } from './severity';
import type { Side } from './side';
import type { AnswerChange, AnswerEffect, Named, Nameless } from './taken-apart';
import { answersText, areasText, witnessOf } from './words';

/** By change, then by the CVEs that it opens or closes. */
export type Memory = WeakMap<Named, Map<string, Draft>>;

export interface Drafts {
  readonly calls: readonly Draft[];
  readonly folded: readonly Folded[];
}

export function draftsOf(comparison: Comparison, sides: Sides, memory: Memory): Drafts {
  return new Drafting(comparison, sides, memory).all();
}

/** i386's first forms of them take a pointer to their arguments (arch/x86: old_mmap, old_select). */
const OLD_CALLS = new Set(['mmap', 'select']);

class Drafting {
  constructor(
    private readonly comparison: Comparison,
    private readonly sides: Sides,
    private readonly memory: Memory,
  ) {}

  all(): Drafts {
    const { comparison, sides } = this;
    const { named, nameless } = comparison;
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
        foldOf(one.change, one.name, comparison, sides) ??
        (draft.rule === 'denial-changed' ? stubFold(one, comparison) : null);
      if (fold !== null) into(fold).named.push(one);
      if (fold === null || toldAlone(fold, draft)) drafts.push(draft);
    }
    for (const one of nameless) {
      const fold = foldOf(one.change, null, comparison, sides) ?? numbersFold(one.change);
      into(fold).nameless.push(one);
    }
    const folded = [...folds.values()].map((one) => ({ ...one, comparison }));
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
