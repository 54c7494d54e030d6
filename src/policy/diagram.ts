/**
 * A diagram at rest: nodes in one canonical order, children before parents, the root last. The
 * same function has the same arrays, whichever way it was made.
 */
import { type Node, TERMINAL, type Workspace } from './workspace';

export interface Diagram {
  /** TERMINAL for an answer. */
  readonly variable: Uint16Array;
  /** Of a terminal: its value, an int32. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

export function rootOf(diagram: Diagram): number {
  return diagram.variable.length - 1;
}

export function isTerminal(diagram: Diagram, at: number): boolean {
  return diagram.variable[at] === TERMINAL;
}

/** Takes what `root` reaches out of the workspace. */
export function extract(workspace: Workspace, root: Node): Diagram {
  // 0: not yet visited; else one more than its place.
  const places = new Int32Array(workspace.size);
  const variable: number[] = [];
  const low: number[] = [];
  const high: number[] = [];
  const visit = (node: Node): number => {
    const known = places[node] as number;
    if (known !== 0) return known - 1;
    const asks = workspace.variable(node);
    const first = asks === TERMINAL ? workspace.value(node) : visit(workspace.low(node));
    const second = asks === TERMINAL ? 0 : visit(workspace.high(node));
    const place = variable.push(asks) - 1;
    low.push(first);
    high.push(second);
    places[node] = place + 1;
    return place;
  };
  visit(root);
  return {
    variable: Uint16Array.from(variable),
    low: Int32Array.from(low),
    high: Int32Array.from(high),
  };
}

/** Puts a diagram into a workspace. */
export function insert(workspace: Workspace, diagram: Diagram): Node {
  const { variable, low, high } = diagram;
  const nodes = new Int32Array(variable.length);
  for (let at = 0; at < nodes.length; at++) {
    const asks = variable[at] as number;
    nodes[at] =
      asks === TERMINAL
        ? workspace.terminal(low[at] as number)
        : workspace.node(
            asks,
            nodes[low[at] as number] as number,
            nodes[high[at] as number] as number,
          );
  }
  return nodes[nodes.length - 1] as number;
}

export function sameDiagram(a: Diagram, b: Diagram): boolean {
  if (a.variable.length !== b.variable.length) return false;
  for (let at = 0; at < a.variable.length; at++) {
    if (a.variable[at] !== b.variable[at] || a.low[at] !== b.low[at] || a.high[at] !== b.high[at]) {
      return false;
    }
  }
  return true;
}
