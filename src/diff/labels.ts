/** A set of contexts in a few words: what its members have in common, and no other context has. */
import type { DiffContext } from './contexts';

interface Literal {
  text: string;
  /** Order in which they are said. */
  rank: number;
  holds: (context: DiffContext) => boolean;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** Everything that tells some of the contexts apart. Machines are told by the ABIs of findings. */
function literals(universe: readonly DiffContext[]): Literal[] {
  const made: Literal[] = [];
  for (const name of distinct(universe.map(({ runtime }) => runtime))) {
    made.push({ text: `under ${name}`, rank: 0, holds: ({ runtime }) => runtime === name });
  }
  const kernels = distinct(universe.map(({ kernelVersion }) => kernelVersion));
  kernels.forEach((version, at) => {
    if (at === 0) return;
    const from = new Set(kernels.slice(at));
    const text = `kernel ${version}`;
    made.push({
      text: `on ${text} and later`,
      rank: 1,
      holds: ({ kernelVersion }) => from.has(kernelVersion),
    });
    made.push({
      text: `before ${text}`,
      rank: 1,
      holds: ({ kernelVersion }) => !from.has(kernelVersion),
    });
  });
  for (const name of distinct(universe.flatMap(({ capabilities }) => capabilities)).sort()) {
    made.push({
      text: `with ${name}`,
      rank: 2,
      holds: ({ capabilities }) => capabilities.includes(name),
    });
    made.push({
      text: `without ${name}`,
      rank: 3,
      holds: ({ capabilities }) => !capabilities.includes(name),
    });
  }
  // What holds everywhere or nowhere says nothing.
  return made.filter(({ holds }) => universe.some(holds) && !universe.every(holds));
}

const EVERY = 'every context';

/** The fewest literals that leave the members alone; null: no conjunction does. */
function conjunction(
  members: readonly DiffContext[],
  universe: readonly DiffContext[],
  all: readonly Literal[],
): Literal[] | null {
  const common = all.filter(({ holds }) => members.every(holds));
  const inside = new Set(members);
  const chosen: Literal[] = [];
  let left = universe;
  while (left.length > inside.size) {
    const best = common
      .map((literal) => ({ literal, rest: left.filter(literal.holds) }))
      .sort((a, b) => a.rest.length - b.rest.length || a.literal.rank - b.literal.rank)[0];
    if (best === undefined || best.rest.length === left.length) return null;
    chosen.push(best.literal);
    left = best.rest;
  }
  return chosen;
}

function text(chosen: readonly Literal[]): string {
  const sorted = [...chosen].sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : 1));
  return sorted.map((literal) => literal.text).join(', ');
}

/** `members`: some of the universe, the very objects. */
export function labelOf(members: readonly DiffContext[], universe: readonly DiffContext[]): string {
  if (members.length === universe.length) return EVERY;
  const all = literals(universe);
  const whole = conjunction(members, universe, all);
  if (whole !== null) return text(whole);
  // Said by its complement, or as alternatives: each takes as many of the members as one can.
  const rest = universe.filter((context) => !members.includes(context));
  const other = conjunction(rest, universe, all);
  if (other !== null) return `${EVERY} but ${text(other)}`;
  const parts: string[] = [];
  let left = [...members];
  while (left.length > 0) {
    let part = [left[0] as DiffContext];
    for (const literal of all) {
      const inside = universe.filter(literal.holds);
      if (inside.every((context) => members.includes(context)) && inside.length > part.length) {
        part = inside;
      }
    }
    const said = conjunction(part, universe, all);
    parts.push(said === null ? exactly(part[0] as DiffContext, all) : text(said));
    left = left.filter((context) => !part.includes(context));
  }
  return parts.join('; or ');
}

function exactly(context: DiffContext, all: readonly Literal[]): string {
  return text(all.filter(({ holds }) => holds(context)));
}
