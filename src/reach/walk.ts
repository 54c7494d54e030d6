/**
 * Which calls a program can make, and by which way most easily: a search over its functions by cost,
 * where what an application does of itself is cheap and what lies deep in a library of a library dear.
 */
import { type Abi, X32_BIT } from '../tables';
import type { Place, Program } from './program';

/** How control gets from one function to the next. */
export type Step = 'root' | 'call' | 'import' | 'pointer' | 'name';

export interface Link extends Place {
  readonly step: Step;
}

export interface Reached {
  readonly abi: Abi;
  readonly number: number;
  /** What the easiest way to it costs; see COSTS. */
  readonly cost: number;
  /** From where the program begins to the function that makes the call. */
  readonly chain: readonly Link[];
}

export interface Walk {
  readonly reached: readonly Reached[];
  /** Gates in functions that can be reached, whose number is not known. */
  readonly unresolved: readonly { place: Place; gates: number }[];
  /** Functions that can be reached. */
  readonly functions: number;
}

/** What a step costs, by where it is taken; the unit is one call between functions of a library. */
export const COSTS = {
  /** A step within the executable: all of it was written for this purpose. */
  own: 0,
  /** From the executable into a library. */
  imported: 1,
  /** Within a library. */
  call: 1,
  /** From a library into another. */
  between: 4,
  /** A function whose address a function of a library takes. */
  pointer: 4,
  /** A function whose address lies in data of a library: anyone may call it, or nobody. */
  data: 12,
  /** What the loader calls in a library at start and end: it has run, unless it ends the process. */
  start: 6,
  /** A symbol that is looked up by its name. */
  name: 8,
} as const;

interface Edge {
  to: Place;
  cost: number;
  step: Step;
}

export function walk(program: Program): Walk {
  const { modules } = program;
  const offsets: number[] = [];
  let total = 0;
  for (const { scan } of modules) {
    offsets.push(total);
    total += scan.functions.length;
  }
  const id = ({ module, index }: Place): number => (offsets[module] ?? 0) + index;
  const best = new Float64Array(total).fill(Number.POSITIVE_INFINITY);
  const from = new Int32Array(total).fill(-1);
  const steps: Step[] = new Array(total).fill('root');
  const places: Place[] = [];
  for (const [module, { scan }] of modules.entries()) {
    for (let index = 0; index < scan.functions.length; index++) places.push({ module, index });
  }
  /** Costs are small integers: what waits is kept by cost. */
  const waiting: number[][] = [];
  const offer = (to: Place, cost: number, step: Step, origin: number): void => {
    const key = id(to);
    if (cost >= (best[key] ?? 0)) return;
    best[key] = cost;
    from[key] = origin;
    steps[key] = step;
    const bucket = waiting[cost];
    if (bucket === undefined) waiting[cost] = [key];
    else bucket.push(key);
  };

  for (const root of roots(program)) offer(root.to, root.cost, root.step, -1);
  for (let cost = 0; cost < waiting.length; cost++) {
    const bucket = waiting[cost];
    if (bucket === undefined) continue;
    for (let i = 0; i < bucket.length; i++) {
      const key = bucket[i] ?? 0;
      const place = places[key];
      if (place === undefined || best[key] !== cost) continue;
      for (const edge of edges(program, place)) offer(edge.to, cost + edge.cost, edge.step, key);
    }
  }

  const chainOf = (key: number): Link[] => {
    const chain: Link[] = [];
    for (let at = key; at >= 0; at = from[at] ?? -1) {
      const place = places[at];
      if (place !== undefined) chain.unshift({ ...place, step: steps[at] ?? 'root' });
    }
    return chain;
  };
  const calls = new Map<string, { abi: Abi; number: number; key: number }>();
  const unresolved: { place: Place; gates: number }[] = [];
  let functions = 0;
  for (let key = 0; key < total; key++) {
    const place = places[key];
    if (place === undefined || best[key] === Number.POSITIVE_INFINITY) continue;
    functions++;
    const { native = [], foreign = [], unresolved: gates = 0 } = program.function(place);
    if (gates > 0) unresolved.push({ place, gates });
    const note = (abi: Abi, number: number): void => {
      const known = calls.get(`${abi} ${number}`);
      if (known !== undefined && (best[known.key] ?? 0) <= (best[key] ?? 0)) return;
      calls.set(`${abi} ${number}`, { abi, number, key });
    };
    for (const number of native) {
      const x32 = (number & X32_BIT) !== 0;
      note(x32 ? 'x32' : 'x86_64', x32 ? number & ~X32_BIT : number);
    }
    for (const number of foreign) note('i386', number);
  }
  const reached = [...calls.values()]
    .map(({ abi, number, key }) => ({ abi, number, cost: best[key] ?? 0, chain: chainOf(key) }))
    .sort((a, b) => a.cost - b.cost || a.abi.localeCompare(b.abi) || a.number - b.number);
  return { reached, unresolved, functions };
}

function roots(program: Program): Edge[] {
  const made: Edge[] = [];
  for (const [module, { scan, depth }] of program.modules.entries()) {
    const add = (index: number, cost: number): void => {
      if (index >= 0) made.push({ to: { module, index }, cost, step: 'root' });
    };
    const own = depth === 0;
    // A module that the program loads by itself is entered by the names it exports.
    if (own && module > 0) for (const [, , , index] of scan.exports) add(index, 0);
    // The loader's own entry is as much the program's.
    add(scan.entry, own ? 0 : COSTS.start);
    for (const index of scan.starts) add(index, own ? 0 : COSTS.start);
    for (const index of scan.taken) add(index, own ? 0 : COSTS.data);
    for (const imported of scan.takenImports) {
      const to = program.bind(module, imported);
      if (to !== null) made.push({ to, cost: own ? COSTS.imported : COSTS.data, step: 'root' });
    }
    for (const name of scan.lookedUp) {
      for (const to of program.named(name)) {
        if (to.module !== module) made.push({ to, cost: COSTS.name, step: 'name' });
      }
    }
  }
  return made;
}

function edges(program: Program, place: Place): Edge[] {
  const { module } = place;
  const own = program.modules[module]?.depth === 0;
  const { calls = [], takes = [], imports = [], importTakes = [] } = program.function(place);
  const made: Edge[] = [];
  const within = (indexes: readonly number[], cost: number, step: Step): void => {
    for (const index of indexes)
      made.push({ to: { module, index }, cost: own ? COSTS.own : cost, step });
  };
  within(calls, COSTS.call, 'call');
  within(takes, COSTS.pointer, 'pointer');
  const beyond = (indexes: readonly number[], cost: number, step: Step): void => {
    for (const imported of indexes) {
      const to = program.bind(module, imported);
      if (to === null) continue;
      // A library's own exports, called by way of its PLT.
      const price = to.module === module ? COSTS.call : cost;
      made.push({ to, cost: own ? COSTS.imported : price, step });
    }
  };
  beyond(imports, COSTS.between, 'import');
  beyond(importTakes, COSTS.between + COSTS.pointer, 'pointer');
  return made;
}
