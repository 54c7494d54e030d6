/**
 * Conditional rules of one call that libseccomp does not simply take as alternatives. It keeps them
 * as a tree of 32-bit comparisons and compiles that tree; where the tree, or the code made of it,
 * stops meaning the alternatives, what is installed depends on the version or on chance. Seen with
 * libseccomp 2.5.4; the code is the same in 2.6.1. Everything else is held to the compiled filter
 * by a test over random profiles.
 */
import { SysieveError } from '../errors';
import type { Abi } from '../tables';
import { answerOfWord } from './answers';
import type { Comparison, Width } from './conditions';
import type { Rule } from './rules';
import type { Node, Workspace } from './workspace';

/** Code of the errors that refuse what cannot be decided. */
export const RULES_UNDECIDED = 'rules-undecided';

export interface Alternative {
  readonly rule: Rule;
  /** In the order of their arguments. */
  readonly comparisons: readonly Comparison[];
  readonly node: Node;
}

export interface CallName {
  readonly abi: Abi;
  readonly width: Width;
}

/** Throws a SysieveError that names two entries if there are such. */
export function refuseUndecided(
  workspace: Workspace,
  call: CallName,
  alternatives: readonly Alternative[],
): void {
  const distinct = [...new Map(alternatives.map((one) => [keyOf(one), one])).values()];
  if (distinct.length < 2) return;
  const found =
    overlap(workspace, distinct) ??
    (call.width === 64 ? sharing(distinct) : null) ??
    pruned(distinct, call.width) ??
    accumulator(distinct, call.width);
  if (found !== null) throw undecided(call, found);
}

interface Group {
  readonly call: CallName;
  readonly members: readonly { one: Alternative; key: string; last: boolean }[];
  readonly shape: string;
}

/** Comparisons of one argument that follow the same ones: siblings in the tree. */
function groupsOf(call: CallName, alternatives: readonly Alternative[]): Group[] {
  const groups = new Map<string, { one: Alternative; key: string; last: boolean }[]>();
  for (const one of alternatives) {
    one.comparisons.forEach(({ index, op, mask, datum }, place) => {
      const before = `${index} after ${prefixKey(one.comparisons.slice(0, place))}`;
      const low = 0xffffffffn;
      // Code is told apart by the half it looks at: that two lower halves are alike is enough.
      const key = `${index} ${op.replace('MASKED_', '')} ${mask & low} ${datum & low}`;
      const here = groups.get(before) ?? [];
      here.push({ one, key, last: place === one.comparisons.length - 1 });
      groups.set(before, here);
    });
  }
  return [...groups.values()]
    .filter((members) => new Set(members.map(({ key }) => key)).size > 1)
    .map((members) => ({
      call,
      members,
      shape: [...new Set(members.map(({ key, last }) => `${key} ${last}`))].sort().join(),
    }));
}

/**
 * libseccomp gives equal code of several calls one place, and loads there only what the first way
 * in lacks (gen_bpf.c, _gen_bpf_build_bpf). Code that one call enters after a further argument, and
 * another directly, then looks at the wrong argument. `calls`: those of all ABIs of the filter.
 */
export function refuseMerged(
  calls: readonly { call: CallName; alternatives: readonly Alternative[] }[],
): void {
  const groups = calls.flatMap(({ call, alternatives }) => groupsOf(call, alternatives));
  const byKey = new Map<string, { group: Group; one: Alternative }[]>();
  for (const group of groups) {
    for (const { key, one } of group.members) {
      byKey.set(key, [...(byKey.get(key) ?? []), { group, one }]);
    }
  }
  for (const mixed of groups) {
    if (mixed.members.every(({ last }) => last)) continue;
    for (const { key, one } of mixed.members) {
      const other = byKey.get(key)?.find(({ group }) => group.shape !== mixed.shape);
      if (other === undefined) continue;
      const why =
        'libseccomp may compile a comparison that both have into one place, which is then entered ' +
        'with another argument loaded';
      throw undecided(mixed.call, { pair: [one, other.one], why });
    }
  }
}

/** Of rules that an unconditional one erased: those on which libseccomp may never come to an end. */
export function refuseSharing(call: CallName, alternatives: readonly Alternative[]): void {
  if (call.width !== 64) return;
  const distinct = [...new Map(alternatives.map((one) => [keyOf(one), one])).values()];
  const found = distinct.length < 2 ? null : sharing(distinct);
  if (found !== null) throw undecided(call, found);
}

interface Found {
  readonly pair: readonly [Alternative, Alternative];
  readonly why: string;
}

function keyOf({ rule, comparisons }: Alternative): string {
  return `${rule.word} ${prefixKey(comparisons)}`;
}

function prefixKey(comparisons: readonly Comparison[]): string {
  return comparisons.map(({ index, op, mask, datum }) => `${index} ${op} ${mask} ${datum}`).join();
}

/** Different answers to one call: which is given follows the order of nodes in the tree. */
function overlap(workspace: Workspace, alternatives: readonly Alternative[]): Found | null {
  const covered = new Map<number, Node>();
  for (const one of alternatives) {
    const { word } = one.rule;
    for (const [other, node] of covered) {
      if (other === word || workspace.and(node, one.node) === workspace.never) continue;
      const before = alternatives.find(
        ({ rule, node: theirs }) =>
          rule.word === other && workspace.and(theirs, one.node) !== workspace.never,
      );
      const why =
        `they answer the same call differently (${shown(other)}, ${shown(word)}), ` +
        'and libseccomp defines no order between conditional rules';
      return { pair: [before as Alternative, one], why };
    }
    covered.set(word, workspace.or(covered.get(word) ?? workspace.never, one.node));
  }
  return null;
}

function shown(word: number): string {
  const { action, data } = answerOfWord(word);
  return action === 'errno' ? `errno ${data}` : action;
}

function isOrdering({ op }: Comparison): boolean {
  return /_(LT|LE|GE|GT)$/.test(op);
}

/**
 * An ordering or NE comparison of 64 bits goes on from two of its nodes to the same next one. Rules
 * added later to that one apply behind both, even if they follow on one only (_db_tree_add).
 */
function sharing(alternatives: readonly Alternative[]): Found | null {
  const one = alternatives.find(({ comparisons }) =>
    comparisons.slice(0, -1).some((made) => isOrdering(made) || made.op === 'SCMP_CMP_NE'),
  );
  if (one === undefined) return null;
  const other = alternatives.find((candidate) => candidate !== one) as Alternative;
  const why =
    'one of them goes on to a further argument after a comparison other than EQ or MASKED_EQ, ' +
    'where libseccomp may mix up the conditions of the two, or never come to an end';
  return { pair: [one, other], why };
}

const COMPLEMENTS = {
  64: { SCMP_CMP_NE: 'SCMP_CMP_EQ' },
  32: { SCMP_CMP_NE: 'SCMP_CMP_EQ', SCMP_CMP_LT: 'SCMP_CMP_GE', SCMP_CMP_LE: 'SCMP_CMP_GT' },
} as const;

/**
 * A rule that starts at a later argument than another of the same answer, and ends in the opposite
 * of one of its comparisons, is taken to cover it, and the other is removed (_db_tree_prune).
 */
function pruned(alternatives: readonly Alternative[], width: Width): Found | null {
  const opposite = new Map<string, string>();
  for (const [a, b] of Object.entries(COMPLEMENTS[width])) opposite.set(a, b).set(b, a);
  // By a comparison that is not its rule's first: the rules that have it.
  const later = new Map<string, Alternative[]>();
  for (const one of alternatives) {
    for (const made of one.comparisons.slice(1)) {
      const key = prefixKey([made]);
      later.set(key, [...(later.get(key) ?? []), one]);
    }
  }
  for (const one of alternatives) {
    const end = one.comparisons.at(-1) as Comparison;
    const op = opposite.get(end.op);
    if (op === undefined) continue;
    const start = (one.comparisons[0] as Comparison).index;
    const other = later
      .get(prefixKey([{ ...end, op: op as Comparison['op'] }]))
      ?.find(
        ({ rule, comparisons }) =>
          rule.word === one.rule.word && (comparisons[0] as Comparison).index < start,
      );
    if (other !== undefined) {
      const why =
        'one ends in the opposite of a comparison of the other, which libseccomp may then drop';
      return { pair: [other, one], why };
    }
  }
  return null;
}

/**
 * Code for a node is entered with another word loaded than it was made for, when the node before it
 * in the tree goes there both at once and after it has looked at another word (gen_bpf.c).
 */
function accumulator(alternatives: readonly Alternative[], width: Width): Found | null {
  // By what comes before a comparison, and its argument: those are neighbours in the tree.
  const neighbours = new Map<string, { one: Alternative; made: Comparison; last: boolean }[]>();
  for (const one of alternatives) {
    one.comparisons.forEach((made, place) => {
      const key = `${made.index} after ${prefixKey(one.comparisons.slice(0, place))}`;
      const here = neighbours.get(key) ?? [];
      here.push({ one, made, last: place === one.comparisons.length - 1 });
      neighbours.set(key, here);
    });
  }
  for (const here of neighbours.values()) {
    const first = here.find(({ made, last }) =>
      width === 64 ? /_(LT|LE)$/.test(made.op) : !last && /_(LT|LE|NE)$/.test(made.op),
    );
    const second =
      first &&
      here.find(
        ({ one, made }) =>
          one !== first.one &&
          (width === 32 || (isOrdering(made) && made.datum >> 32n !== first.made.datum >> 32n)),
      );
    if (first && second) {
      const why =
        'they compare the same argument, and the code that libseccomp makes of the two looks at ' +
        'the wrong half or argument in some cases';
      return { pair: [first.one, second.one], why };
    }
  }
  return null;
}

function undecided({ abi }: CallName, { pair, why }: Found): SysieveError {
  const [a, b] = pair.map(({ rule }) => rule) as [Rule, Rule];
  const places = a.place === b.place ? a.place : `${a.place} and ${b.place}`;
  return new SysieveError(
    'input',
    RULES_UNDECIDED,
    `${places}: what the rules for ${[...new Set([a.name, b.name])].join(' and ')} mean for ` +
      `${abi} cannot be decided: ${why}`,
    { remedy: 'Write conditions for this call that exclude each other, with EQ or MASKED_EQ.' },
  );
}
