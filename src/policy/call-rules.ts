/**
 * What libseccomp makes of the rules of one call (src/db.c, db_rule_add): an unconditional one
 * erases conditional ones and keeps out later ones; of two unconditional ones the first stays;
 * conditional ones are alternatives.
 */
import { type Abi, syscallNumber, X32_BIT } from '../tables';
import { type Comparison, comparison, comparisonNode, type Width } from './conditions';
import { multiplexed } from './multiplexed';
import type { Rule } from './rules';
import { type Alternative, type CallName, refuseSharing, refuseUndecided } from './undecided';
import type { Node, Workspace } from './workspace';

const WIDTHS: Record<Abi, Width> = { x86_64: 64, i386: 32, x32: 32, aarch64: 64, arm: 32 };

interface Conditional {
  readonly rule: Rule;
  readonly comparisons: readonly Comparison[];
}

interface CallRules {
  readonly unconditional: Rule | null;
  /** Without a meaning where there is an unconditional rule, which came after them. */
  readonly alternatives: Conditional[];
}

/**
 * As libseccomp resolves a name under an ABI, the x32 bit included; null where it has no number or
 * only that of a multiplexer.
 */
export function numberOf(abi: Abi, name: string): number | null {
  if (abi === 'i386' && multiplexed(name) !== null) return null;
  return directNumber(abi, name);
}

function directNumber(abi: Abi, name: string): number | null {
  const number = syscallNumber(abi, name);
  return number !== null && abi === 'x32' ? (number | X32_BIT) >>> 0 : number;
}

export interface AbiCalls {
  readonly abi: Abi;
  /** By number: what the calls that have rules are answered with. */
  readonly nodes: ReadonlyMap<number, Node>;
  /** A rule of each call that has rules and a number, and of each that has rules and no number. */
  readonly real: readonly Rule[];
  readonly pseudo: readonly Rule[];
  /** Of the calls with a number that have conditional rules. */
  readonly conditional: readonly { call: CallName; alternatives: readonly Alternative[] }[];
  /** One of `real` is unconditional. */
  readonly unconditional: boolean;
}

/** `other`: the answer where no rule applies. */
export function abiCalls(
  workspace: Workspace,
  abi: Abi,
  rules: readonly Rule[],
  other: Node,
): AbiCalls {
  const nodes = new Map<number, Node>();
  const real: Rule[] = [];
  const pseudo: Rule[] = [];
  const conditional: AbiCalls['conditional'][number][] = [];
  let unconditional = false;
  for (const [number, call] of callsOf(abi, rules)) {
    // Of a call that the ABI has not, libseccomp builds the tree all the same.
    const { node, alternatives } = callNode(workspace, abi, call, other);
    const rule = call.unconditional ?? (call.alternatives[0] as Conditional).rule;
    (number < 0 ? pseudo : real).push(rule);
    if (number < 0) continue;
    nodes.set(number, node);
    unconditional ||= call.unconditional !== null;
    if (call.unconditional === null) {
      conditional.push({ call: { abi, width: WIDTHS[abi] }, alternatives });
    }
  }
  return { abi, nodes, real, pseudo, conditional, unconditional };
}

function callsOf(abi: Abi, rules: readonly Rule[]): Map<number, CallRules> {
  const calls = new Map<number, CallRules>();
  const add = (number: number, rule: Rule, comparisons: readonly Comparison[]): void => {
    const known = calls.get(number);
    if (known !== undefined && known.unconditional !== null) return;
    if (comparisons.length === 0) {
      calls.set(number, { unconditional: rule, alternatives: known?.alternatives ?? [] });
    } else if (known !== undefined) known.alternatives.push({ rule, comparisons });
    else calls.set(number, { unconditional: null, alternatives: [{ rule, comparisons }] });
  };
  const pseudo = new Map<string, number>();
  for (const rule of rules) {
    const comparisons = comparisonsOf(rule.conditions, WIDTHS[abi]);
    const mux = abi === 'i386' ? multiplexed(rule.name) : null;
    if (mux !== null) {
      add(mux.number, rule, [codeIs(mux.code), ...comparisons.filter(({ index }) => index !== 0)]);
    }
    const number = directNumber(abi, rule.name);
    if (number !== null) add(number, rule, comparisons);
    else if (abi !== 'i386' || mux !== null) {
      const place = pseudo.get(rule.name) ?? -1 - pseudo.size;
      pseudo.set(rule.name, place);
      add(place, rule, comparisons);
    }
  }
  return calls;
}

const NONE: readonly Comparison[] = [];

function comparisonsOf(conditions: Rule['conditions'], width: Width): readonly Comparison[] {
  if (conditions.length === 0) return NONE;
  return conditions
    .map((condition) => comparison(condition, width))
    .filter((made) => made !== null);
}

function codeIs(code: number): Comparison {
  return { index: 0, op: 'SCMP_CMP_EQ', mask: 0xffffffffn, datum: BigInt(code) };
}

function callNode(
  workspace: Workspace,
  abi: Abi,
  call: CallRules,
  other: Node,
): { node: Node; alternatives: readonly Alternative[] } {
  // Nearly all calls of nearly all profiles.
  if (call.unconditional !== null && call.alternatives.length === 0) {
    return { node: workspace.terminal(call.unconditional.word), alternatives: [] };
  }
  const name = { abi, width: WIDTHS[abi] };
  const alternatives = call.alternatives.map(({ rule, comparisons }) => {
    const ordered = [...comparisons].sort((a, b) => a.index - b.index);
    return { rule, comparisons: ordered, node: conjunction(workspace, ordered) };
  });
  if (call.unconditional !== null) {
    refuseSharing(name, alternatives);
    return { node: workspace.terminal(call.unconditional.word), alternatives };
  }
  refuseUndecided(workspace, name, alternatives);
  const node = alternatives.reduce(
    (rest, { rule, node }) => workspace.choose(node, workspace.terminal(rule.word), rest),
    other,
  );
  return { node, alternatives };
}

function conjunction(workspace: Workspace, comparisons: readonly Comparison[]): Node {
  // The last argument first: each step then only puts nodes on top.
  return comparisons.reduceRight(
    (rest, made) => workspace.and(comparisonNode(workspace, made), rest),
    workspace.always,
  );
}
