/** What a filter means: for every call of every architecture the answer, and what can be asked of it. */
import { type Answer, answerOfWord, executes, morePermissive, stricter } from './answers';
import { type Call, callOfBits, wordsOfCall } from './calls';
import { type Diagram, extract, insert, isTerminal, rootOf, sameDiagram } from './diagram';
import { type Node, Workspace } from './workspace';

/** Immutable, total over all calls. Its terminals are canonical answer words (answers.ts). */
export class Policy {
  /** Not for use outside src/policy. */
  constructor(readonly diagram: Diagram) {}
}

export function policyOf(workspace: Workspace, root: Node): Policy {
  return new Policy(extract(workspace, root));
}

export function answerOf(policy: Policy, call: Call): Answer {
  const { diagram } = policy;
  const words = wordsOfCall(call);
  let at = rootOf(diagram);
  while (!isTerminal(diagram, at)) {
    const variable = diagram.variable[at] as number;
    const word = words[variable >> 5] as number;
    const next = ((word >>> (31 - (variable & 31))) & 1) === 1 ? diagram.high : diagram.low;
    at = next[at] as number;
  }
  return answerOfWord(diagram.low[at] as number);
}

export function equal(a: Policy, b: Policy): boolean {
  return sameDiagram(a.diagram, b.diagram);
}

function combined(a: Policy, b: Policy, combine: (a: number, b: number) => number): Policy {
  const workspace = new Workspace();
  const left = insert(workspace, a.diagram);
  const right = insert(workspace, b.diagram);
  return policyOf(workspace, workspace.apply(left, right, combine));
}

/** Both filters on one process, `newer` installed last: the stricter answer, as the kernel decides. */
export function intersection(older: Policy, newer: Policy): Policy {
  return combined(older, newer, stricter);
}

/** The more permissive answer of the two; of equal actions the data of `b`. */
export function union(a: Policy, b: Policy): Policy {
  return combined(a, b, morePermissive);
}

/**
 * Whether everything `narrow` lets execute (allow, log) `wide` lets execute, too; otherwise a call
 * that only `narrow` does.
 */
export function contains(
  wide: Policy,
  narrow: Policy,
): { holds: true } | { holds: false; witness: Call } {
  const workspace = new Workspace();
  const only = workspace.apply(
    insert(workspace, wide.diagram),
    insert(workspace, narrow.diagram),
    (w, n) => (executes(n) && !executes(w) ? 1 : 0),
  );
  if (only === workspace.never) return { holds: true };
  const set: number[] = [];
  // Every node but `never` has a way to `always`.
  for (let node = only; node !== workspace.always; ) {
    const low = workspace.low(node);
    if (low === workspace.never) set.push(workspace.variable(node));
    node = low === workspace.never ? workspace.high(node) : low;
  }
  return { holds: false, witness: callOfBits(set) };
}
