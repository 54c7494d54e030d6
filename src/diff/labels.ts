/** A set of contexts in a few words: what its members have in common, and no other context has. */
import type { DiffContext } from './contexts';

/** Contexts by their places in the universe, as bits. */
type Places = bigint;

interface Literal {
  readonly text: string;
  /** Of all other contexts. */
  readonly otherwise: string;
  /** Order in which they are said. */
  readonly rank: number;
  readonly where: Places;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

export const EVERY = 'in every context';

function count(places: Places): number {
  return places.toString(2).replaceAll('0', '').length;
}

/** Of one universe. Machines are told by the ABIs of findings, not here. */
export class Labels {
  private readonly all: Places;
  private readonly literals: readonly Literal[];
  private readonly known = new Map<Places, string>();

  constructor(private readonly universe: readonly DiffContext[]) {
    this.all = (1n << BigInt(universe.length)) - 1n;
    // What holds everywhere or nowhere says nothing.
    this.literals = this.candidates().filter(({ where }) => where !== 0n && where !== this.all);
  }

  private candidates(): Literal[] {
    const made: Literal[] = [];
    const both = (
      rank: number,
      [text, otherwise]: readonly [string, string],
      holds: (context: DiffContext) => boolean,
    ): void => {
      const where = this.universe.reduce(
        (places, context, at) => (holds(context) ? places | (1n << BigInt(at)) : places),
        0n,
      );
      made.push({ text, otherwise, rank, where });
      made.push({ text: otherwise, otherwise: text, rank: rank + 1, where: this.all & ~where });
    };
    const { universe } = this;
    both(0, ['under runc', 'under crun'], ({ runtime }) => runtime === 'runc');
    const kernels = distinct(universe.map(({ kernelVersion }) => kernelVersion)).sort(byVersion);
    kernels.slice(1).forEach((version, at) => {
      const later = new Set(kernels.slice(at + 1));
      const texts = [`on kernel ${version} and later`, `before kernel ${version}`] as const;
      both(2, texts, ({ kernelVersion }) => later.has(kernelVersion));
    });
    for (const name of distinct(universe.flatMap(({ capabilities }) => capabilities)).sort()) {
      both(4, [`with ${name}`, `without ${name}`], ({ capabilities }) =>
        capabilities.includes(name),
      );
    }
    return made;
  }

  /** `members`: places in the universe. */
  of(members: Iterable<number>): string {
    let places = 0n;
    for (const at of members) places |= 1n << BigInt(at);
    const text = this.known.get(places) ?? this.text(places);
    this.known.set(places, text);
    return text;
  }

  private text(members: Places): string {
    if (members === this.all) return EVERY;
    const whole = this.conjunction(members);
    if (whole !== null) return said(whole, ' and ');
    // None of the others: one of the opposites. Or alternatives, each as large as one can be.
    const other = this.conjunction(this.all & ~members);
    if (other !== null) {
      const opposites = other.map((literal) => ({ ...literal, text: literal.otherwise }));
      return said(opposites, ' or ');
    }
    const implicants = this.places(members).map((place) => this.implicant(place, members));
    const parts: string[] = [];
    for (let left = members; left !== 0n; ) {
      const best = implicants.reduce((a, b) =>
        count(b.where & left) > count(a.where & left) ? b : a,
      );
      parts.push(said(best.literals, ' and '));
      left &= ~best.where;
    }
    return parts.join('; or ');
  }

  private places(members: Places): Places[] {
    return this.universe.flatMap((_, at) => {
      const place = 1n << BigInt(at);
      return (members & place) === 0n ? [] : [place];
    });
  }

  /** As few of what holds at the place as keep all others than the members out. */
  private implicant(place: Places, members: Places): { literals: Literal[]; where: Places } {
    const meet = (literals: readonly Literal[]): Places =>
      literals.reduce((where, literal) => where & literal.where, this.all);
    let literals = this.literals.filter(({ where }) => (place & ~where) === 0n);
    // What a container lacks says least, then the runtime and the kernel.
    for (const literal of [...literals].sort((a, b) => droppedFirst(a) - droppedFirst(b))) {
      const rest = literals.filter((other) => other !== literal);
      if ((meet(rest) & ~members) === 0n) literals = rest;
    }
    return { literals, where: meet(literals) };
  }

  /** The fewest literals that leave the members alone; null: no conjunction does. */
  private conjunction(members: Places): Literal[] | null {
    const common = this.literals.filter(({ where }) => (members & ~where) === 0n);
    const chosen: Literal[] = [];
    let left = this.all;
    while (left !== members) {
      let best: Literal | null = null;
      let size = count(left);
      for (const literal of common) {
        const rest = count(left & literal.where);
        if (rest < size) {
          size = rest;
          best = literal;
        }
      }
      if (best === null) return null;
      chosen.push(best);
      left &= best.where;
    }
    return chosen;
  }
}

function droppedFirst({ rank }: Literal): number {
  return rank === 5 ? -1 : rank;
}

function said(literals: readonly Literal[], joint: string): string {
  const sorted = [...literals].sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : 1));
  return sorted.map(({ text }) => text).join(joint);
}

function byVersion(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]];
  return (left[0] ?? 0) - (right[0] ?? 0) || (left[1] ?? 0) - (right[1] ?? 0);
}
