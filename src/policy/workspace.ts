/**
 * Where diagrams are made: a table of nodes in which equal nodes are one, so that equal functions
 * are the same node (reduced ordered multi-terminal decision diagrams). A workspace lives for one
 * operation; what lasts is the Diagram taken out of it.
 */
import { SysieveError } from '../errors';
import { VARIABLES } from './variables';

/** The variable number of a terminal: behind all others. */
export const TERMINAL = VARIABLES;

/** More than any filter that the kernel takes was seen to need, and reached within seconds. */
const NODE_LIMIT = 1 << 19;

/** A node by its index; conditions are nodes over the terminals 0 and 1. */
export type Node = number;

function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** Open addressing over triples of numbers; the value is the place of the triple, in order of entry. */
class Triples {
  count = 0;
  first: Int32Array;
  second: Int32Array;
  third: Int32Array;
  private slots: Int32Array;

  constructor(capacity: number) {
    this.first = new Int32Array(capacity);
    this.second = new Int32Array(capacity);
    this.third = new Int32Array(capacity);
    this.slots = new Int32Array(2 * capacity).fill(-1);
  }

  /** The place of the triple, or -1 - the place it was given now. */
  intern(a: number, b: number, c: number): number {
    const mask = this.slots.length - 1;
    let slot = hash(a, b, c) & mask;
    for (;;) {
      const at = this.slots[slot] as number;
      if (at < 0) break;
      if (this.first[at] === a && this.second[at] === b && this.third[at] === c) return at;
      slot = (slot + 1) & mask;
    }
    if (this.count === this.first.length) {
      this.grow();
      return this.intern(a, b, c);
    }
    const at = this.count++;
    this.first[at] = a;
    this.second[at] = b;
    this.third[at] = c;
    this.slots[slot] = at;
    return -1 - at;
  }

  private grow(): void {
    const capacity = 2 * this.first.length;
    this.first = extended(this.first, capacity);
    this.second = extended(this.second, capacity);
    this.third = extended(this.third, capacity);
    this.slots = new Int32Array(2 * capacity).fill(-1);
    const mask = this.slots.length - 1;
    for (let at = 0; at < this.count; at++) {
      let slot =
        hash(this.first[at] as number, this.second[at] as number, this.third[at] as number) & mask;
      while ((this.slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      this.slots[slot] = at;
    }
  }
}

/** Most diagrams are of a few calls; those of a whole profile grow three times. */
const INITIAL = 1 << 9;

export class Workspace {
  readonly never: Node;
  readonly always: Node;
  private readonly nodes = new Triples(INITIAL);
  private readonly choices = new Triples(INITIAL);
  private chosen = new Int32Array(INITIAL);

  constructor() {
    this.never = this.terminal(0);
    this.always = this.terminal(1);
  }

  /** How many nodes there are. */
  get size(): number {
    return this.nodes.count;
  }

  /** `value`: an int32, e.g. an answer's word; 0 and 1 are the two of a condition. */
  terminal(value: number): Node {
    return this.enter(TERMINAL, value | 0, 0);
  }

  node(variable: number, low: Node, high: Node): Node {
    return low === high ? low : this.enter(variable, low, high);
  }

  /** True where the bit is set. */
  bit(variable: number): Node {
    return this.enter(variable, this.never, this.always);
  }

  variable(node: Node): number {
    return this.nodes.first[node] as number;
  }

  low(node: Node): Node {
    return this.nodes.second[node] as number;
  }

  high(node: Node): Node {
    return this.nodes.third[node] as number;
  }

  /** Of a terminal. */
  value(node: Node): number {
    return this.nodes.second[node] as number;
  }

  /** `yes` where the condition holds, `no` elsewhere. */
  choose(condition: Node, yes: Node, no: Node): Node {
    if (condition === this.always || yes === no) return yes;
    if (condition === this.never) return no;
    if (yes === this.always && no === this.never) return condition;
    const place = this.choices.intern(condition, yes, no);
    if (place >= 0) return this.chosen[place] as number;
    const variable = Math.min(this.variable(condition), this.variable(yes), this.variable(no));
    const low = this.choose(
      this.below(condition, variable, false),
      this.below(yes, variable, false),
      this.below(no, variable, false),
    );
    const high = this.choose(
      this.below(condition, variable, true),
      this.below(yes, variable, true),
      this.below(no, variable, true),
    );
    const result = this.node(variable, low, high);
    this.remember(-1 - place, result);
    return result;
  }

  and(a: Node, b: Node): Node {
    return this.choose(a, b, this.never);
  }

  or(a: Node, b: Node): Node {
    return this.choose(a, this.always, b);
  }

  not(a: Node): Node {
    return this.choose(a, this.never, this.always);
  }

  xor(a: Node, b: Node): Node {
    return this.choose(a, this.not(b), b);
  }

  /** Terminal by terminal: `combine` gets the value in a and in b. */
  apply(a: Node, b: Node, combine: (a: number, b: number) => number): Node {
    const known = new Triples(INITIAL);
    let results = new Int32Array(INITIAL);
    const visit = (x: Node, y: Node): Node => {
      const place = known.intern(x, y, 0);
      if (place >= 0) return results[place] as number;
      const variable = Math.min(this.variable(x), this.variable(y));
      const result =
        variable === TERMINAL
          ? this.terminal(combine(this.value(x), this.value(y)))
          : this.node(
              variable,
              visit(this.below(x, variable, false), this.below(y, variable, false)),
              visit(this.below(x, variable, true), this.below(y, variable, true)),
            );
      if (known.first.length > results.length) results = extended(results, known.first.length);
      results[-1 - place] = result;
      return result;
    };
    return visit(a, b);
  }

  /** Each terminal's value replaced. */
  map(node: Node, change: (value: number) => number): Node {
    return this.apply(node, this.never, change);
  }

  /** The child of a node if it asks about this variable, itself otherwise. */
  below(node: Node, variable: number, set: boolean): Node {
    if (this.variable(node) !== variable) return node;
    return set ? this.high(node) : this.low(node);
  }

  private enter(variable: number, low: number, high: number): Node {
    const place = this.nodes.intern(variable, low, high);
    if (place >= 0) return place;
    if (this.nodes.count > NODE_LIMIT) throw tooLarge();
    return -1 - place;
  }

  private remember(place: number, result: Node): void {
    // As many answers may be kept as there are nodes: without a bound on them there is none on time.
    if (this.choices.count > 4 * NODE_LIMIT) throw tooLarge();
    if (this.choices.first.length > this.chosen.length) {
      this.chosen = extended(this.chosen, this.choices.first.length);
    }
    this.chosen[place] = result;
  }
}

function extended(old: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const made = new Int32Array(length);
  made.set(old);
  return made;
}

export const TOO_LARGE = 'policy-too-large';

export function tooLarge(): SysieveError {
  return new SysieveError(
    'input',
    TOO_LARGE,
    'what the filter means is too large to be decided exactly: its answers depend on the ' +
      'combination of too many argument bits',
    { remedy: 'Use fewer argument conditions for one call, or conditions on fewer arguments.' },
  );
}
