/**
 * What libseccomp makes of the rules of one call (src/db.c, db_rule_add): an unconditional one
 * erases conditional ones and keeps out later ones; of two unconditional ones the first stays;
 * conditional ones are alternatives.
 */
import { type Abi, syscallNumber, X32_BIT } from '../tables';
import { type Comparison, comparison, comparisonNode, type Width } from './conditions';
import { multiplexed } from './multiplexed';
import type { Rule } from './rules';
import type { Node, Workspace } from './workspace';

const WIDTHS: Record<Abi, Width> = { x86_64: 64, i386: 32, x32: 32, aarch64: 64, arm: 32 };

interface Alternative {
  readonly rule: Rule;
  readonly comparisons: readonly Comparison[];
}

/** Either one unconditional rule or conditional ones. */
interface CallRules {
  readonly unconditional: Rule | null;
  readonly alternatives: Alternative[];
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

/** By number: what the calls that have rules are answered with; `other` where no rule applies. */
export function callNodes(
  workspace: Workspace,
  abi: Abi,
  rules: readonly Rule[],
  other: Node,
): Map<number, Node> {
  const nodes = new Map<number, Node>();
  for (const [number, call] of callsOf(abi, rules)) {
    nodes.set(number, callNode(workspace, call, other));
  }
  return nodes;
}

function callsOf(abi: Abi, rules: readonly Rule[]): Map<number, CallRules> {
  const calls = new Map<number, CallRules>();
  const add = (number: number, rule: Rule, comparisons: readonly Comparison[]): void => {
    const known = calls.get(number);
    if (known !== undefined && known.unconditional !== null) return;
    if (comparisons.length === 0) calls.set(number, { unconditional: rule, alternatives: [] });
    else if (known !== undefined) known.alternatives.push({ rule, comparisons });
    else calls.set(number, { unconditional: null, alternatives: [{ rule, comparisons }] });
  };
  for (const rule of rules) {
    const comparisons = rule.conditions
      .map((condition) => comparison(condition, WIDTHS[abi]))
      .filter((made) => made !== null);
    const mux = abi === 'i386' ? multiplexed(rule.name) : null;
    if (mux !== null) {
      add(mux.number, rule, [codeIs(mux.code), ...comparisons.filter(({ index }) => index !== 0)]);
    }
    const number = directNumber(abi, rule.name);
    if (number !== null) add(number, rule, comparisons);
  }
  return calls;
}

function codeIs(code: number): Comparison {
  return { index: 0, op: 'SCMP_CMP_EQ', mask: 0xffffffffn, datum: BigInt(code) };
}

function callNode(workspace: Workspace, call: CallRules, other: Node): Node {
  if (call.unconditional !== null) return workspace.terminal(call.unconditional.word);
  return call.alternatives.reduce(
    (rest, { rule, comparisons }) =>
      workspace.choose(conjunction(workspace, comparisons), workspace.terminal(rule.word), rest),
    other,
  );
}

function conjunction(workspace: Workspace, comparisons: readonly Comparison[]): Node {
  // The last argument first: each step then only puts nodes on top.
  return [...comparisons]
    .sort((a, b) => b.index - a.index)
    .reduce((rest, made) => workspace.and(comparisonNode(workspace, made), rest), workspace.always);
}
