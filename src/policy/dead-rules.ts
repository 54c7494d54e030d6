/**
 * Of several rules for one call those that never answer: an unconditional rule erases conditional
 * ones in either order, of two unconditional ones the first stays (libseccomp src/db.c), and an
 * alternative may be covered by others.
 */
import type { OciRule } from './profile-shape';

export interface DeadRule<Placed> {
  readonly one: Placed;
  /** duplicate: another says the same; shadowed: `by` erases it; covered: the others say it together. */
  readonly how: 'duplicate' | 'shadowed' | 'covered';
  /** null: covered by several. */
  readonly by: Placed | null;
}

type Answering = Pick<OciRule, 'action'> & { readonly errnoRet?: number | undefined };

/** The action with its errno as a filter carries it: equal texts are equal answers. */
export function ruleAnswer({ action, errnoRet }: Answering): string {
  if (action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE') {
    return `${action} ${(errnoRet ?? 1) & 0xffff}`;
  }
  return action === 'SCMP_ACT_KILL' ? 'SCMP_ACT_KILL_THREAD' : action;
}

/** In the runtimes' reading: no condition that can fail. */
export function isUnconditional({ args }: Pick<OciRule, 'args'>): boolean {
  const holds = ({ op, value }: OciRule['args'][number]) =>
    op === 'SCMP_CMP_MASKED_EQ' && value === 0n;
  const repeated = new Set(args.map(({ index }) => index)).size < args.length;
  return args.length === 0 || (repeated ? args.some(holds) : args.every(holds));
}

/** A condition in words, for messages and fingerprints. */
export function conditionText({ index, op, value, valueTwo }: OciRule['args'][number]): string {
  const hex = (number: bigint) => (number < 10n ? `${number}` : `0x${number.toString(16)}`);
  const signs = { NE: '!=', LT: '<', LE: '<=', EQ: '==', GE: '>=', GT: '>' };
  if (op === 'SCMP_CMP_MASKED_EQ') return `arg${index} & ${hex(value)} == ${hex(valueTwo)}`;
  return `arg${index} ${signs[op.slice('SCMP_CMP_'.length) as keyof typeof signs]} ${hex(value)}`;
}

export function conditionsText(args: OciRule['args']): string {
  return args.map(conditionText).join(', ');
}

function sameRule(a: OciRule, b: OciRule): boolean {
  return ruleAnswer(a) === ruleAnswer(b) && conditionsText(a.args) === conditionsText(b.args);
}

/** Different values of the same bits of the same arguments: no alternative covers another. */
function areApart(rules: readonly { readonly rule: OciRule }[]): boolean {
  const asked = new Set<string>();
  const values = new Set<string>();
  for (const { rule } of rules) {
    const args = [...rule.args].sort((a, b) => a.index - b.index);
    if (new Set(args.map(({ index }) => index)).size < args.length) return false;
    if (args.some(({ op }) => op !== 'SCMP_CMP_EQ' && op !== 'SCMP_CMP_MASKED_EQ')) return false;
    const masks = args.map(({ index, op, value }) => [
      index,
      op,
      op === 'SCMP_CMP_EQ' ? '' : value,
    ]);
    asked.add(masks.join());
    values.add(
      args
        .map(({ op, value, valueTwo }) => (op === 'SCMP_CMP_EQ' ? value : value & valueTwo))
        .join(),
    );
  }
  return asked.size === 1 && values.size === rules.length;
}

/**
 * `rules`: all for one call in their order, without those that answer as the default does, which
 * runtimes skip. `alike`: whether the call is answered the same under both lists.
 */
export function deadRules<Placed extends { readonly rule: OciRule }>(
  rules: readonly Placed[],
  alike: (all: readonly Placed[], without: readonly Placed[]) => boolean,
): DeadRule<Placed>[] {
  if (rules.length < 2) return [];
  const winner = rules.find(({ rule }) => isUnconditional(rule));
  if (winner !== undefined) {
    return rules
      .filter((one) => one !== winner)
      .map((one) => {
        const same = ruleAnswer(one.rule) === ruleAnswer(winner.rule) && isUnconditional(one.rule);
        return { one, how: same ? 'duplicate' : 'shadowed', by: winner };
      });
  }
  if (areApart(rules)) return [];
  const dead: DeadRule<Placed>[] = [];
  let kept = rules;
  // The later ones first: of two equal ones the first stays.
  for (const one of [...rules].reverse()) {
    const others = kept.filter((other) => other !== one);
    if (others.length === 0) break;
    if (!alike(kept, others)) continue;
    kept = others;
    const twin = others.find(({ rule }) => sameRule(rule, one.rule));
    dead.push({ one, how: twin === undefined ? 'covered' : 'duplicate', by: twin ?? null });
  }
  return dead;
}
