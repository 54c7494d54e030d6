/** Argument rules: from what every call needs of its arguments to the alternatives it is permitted by. */
import type { Abi, TrackedArgument } from '../tables';
import { trackedArguments } from '../tables';
import { type Cube, compareCubes, cubeKey, holds } from './cubes';
import { permitted } from './entries';
import { type Alternative, generalise, hasKinds, type Tuple, type Unbounded } from './kinds';
import type { Change, Entry, MinimiseOptions, Need, Pass, Rule, State } from './types';

/** Entries of a profile for one call; a filter has 4096 instructions for all of them. */
const MAX_ALTERNATIVES = 64;

/** Sorted, each once, none that another holds already. */
export function tidy(alternatives: readonly Alternative[]): Alternative[] {
  const unique = new Map(alternatives.map((a) => [cubeKey(a.cube), a]));
  const all = [...unique.values()];
  return all
    .filter((a) => !all.some((other) => other !== a && holds(other.cube, a.cube)))
    .sort((a, b) => compareCubes(a.cube, b.cube));
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function exactly(tuple: Tuple, tracked: readonly TrackedArgument[], columns: number): Alternative {
  const cube: Cube = tracked
    .slice(0, columns)
    .map(({ index, mask }, at) => ({ index, mask, value: (tuple[at] ?? 0n) & mask }));
  const covers = cube.map(({ index, value }) => `argument ${index} ${hex(value)}`).join(', ');
  return { cube, covers, kind: covers };
}

/** The bits that all the alternatives agree on; null: none. */
function commonBits(alternatives: readonly Alternative[]): Alternative | null {
  const [first, ...rest] = alternatives.map(({ cube }) => cube);
  if (first === undefined) return null;
  const cube = rest
    .reduce<Cube>(
      (common, next) =>
        common.flatMap((bits) => {
          const other = next.find(({ index }) => index === bits.index);
          if (other === undefined) return [];
          const mask = bits.mask & other.mask & ~(bits.value ^ other.value);
          return [{ index: bits.index, mask, value: bits.value & mask }];
        }),
      first,
    )
    .filter(({ mask }) => mask !== 0n);
  if (cube.length === 0) return null;
  const covers = cube
    .map(({ index, mask, value }) => `argument ${index} & ${hex(mask)} is ${hex(value)}`)
    .join(', ');
  return { cube, covers, kind: covers };
}

const WIDENED = `more than ${MAX_ALTERNATIVES} alternatives`;

function widened(alternatives: readonly Alternative[]): Rule {
  const common = commonBits(alternatives);
  if (common === null) return { alternatives: null, note: `${WIDENED}: with every argument` };
  return { alternatives: [common], note: `${WIDENED}: what they have in common` };
}

/** Of a runtime in Go, when and how it maps memory depends on its scheduler, so on the start. */
const VARYING_IN_RUNTIMES: readonly string[] = ['mmap', 'mprotect'];

function strictRule(
  name: string,
  needs: readonly Need[],
  tuples: readonly Tuple[],
  tracked: readonly TrackedArgument[],
): Rule {
  if (VARYING_IN_RUNTIMES.includes(name) && needs.some(({ why }) => why === 'runtime')) {
    const byKind = generalise(name, tuples);
    if (byKind !== null) {
      const rule = safeRule(byKind);
      return {
        ...rule,
        note: rule.note ?? 'by kind: what a runtime maps differs from start to start',
      };
    }
  }
  const exact = tidy(tuples.map((tuple) => exactly(tuple, tracked, tracked.length)));
  if (exact.length <= MAX_ALTERNATIVES) return { alternatives: exact, note: null };
  const kinds = generalise(name, tuples);
  if (kinds !== null && !('any' in kinds) && kinds.length <= MAX_ALTERNATIVES) {
    return { alternatives: tidy(kinds), note: `${WIDENED}: by kind instead of by value` };
  }
  for (let columns = tracked.length - 1; columns > 0; columns--) {
    const fewer = tidy(tuples.map((tuple) => exactly(tuple, tracked, columns)));
    if (fewer.length <= MAX_ALTERNATIVES) {
      return { alternatives: fewer, note: `${WIDENED}: without the last tracked argument` };
    }
  }
  return widened(exact);
}

function safeRule(kinds: readonly Alternative[] | Unbounded): Rule {
  if ('any' in kinds) return { alternatives: null, note: kinds.any };
  const alternatives = tidy(kinds);
  return alternatives.length > MAX_ALTERNATIVES
    ? widened(alternatives)
    : { alternatives, note: null };
}

/** A tracked call's needs; one that an ABI passes behind a pointer is open there, and so everywhere. */
function needsByName(entries: readonly Entry[]): { needs: Need[]; open: string[] } {
  const needs = entries.flatMap((entry) => entry.needs);
  const pointers = entries
    .filter(({ abi, name }) => trackedArguments(abi, name) === null)
    .map(({ abi }) => `${abi} passes the arguments behind a pointer, where no filter reads`);
  const unknown = needs.filter(({ values }) => values === null).map(({ reason }) => reason);
  return { needs, open: [...new Set([...pointers, ...unknown])].sort() };
}

/** The rule of a call by its needs under every ABI; null: the tier has none for it. */
export function ruleOf(
  name: string,
  entries: readonly Entry[],
  options: Pick<MinimiseOptions, 'args' | 'unruled'>,
): Rule | null {
  const abi: Abi | undefined = entries.find((e) => trackedArguments(e.abi, name) !== null)?.abi;
  const tracked = abi === undefined ? null : trackedArguments(abi, name);
  if (tracked === null || (options.args !== 'strict' && !hasKinds(name))) return null;
  if (options.args === 'none') return { alternatives: null, note: 'argument rules are off' };
  if (options.unruled.includes(name)) {
    return { alternatives: null, note: 'its rule was given up for its cost' };
  }
  const { needs, open } = needsByName(entries);
  if (open.length > 0) return { alternatives: null, note: open.join('; ') };
  const tuples = needs.flatMap(({ values }) => (values === null ? [] : [values]));
  if (tuples.length === 0) return { alternatives: null, note: 'nothing is known of its arguments' };
  if (options.args === 'strict') return strictRule(name, needs, tuples, tracked);
  const kinds = generalise(name, tuples);
  return kinds === null ? null : safeRule(kinds);
}

export function entriesByName(state: State): Map<string, Entry[]> {
  const byName = new Map<string, Entry[]>();
  for (const entry of permitted(state)) {
    byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry]);
  }
  return byName;
}

/** Calls in which an i386 program hides the arguments of others. */
const MULTIPLEXERS: Readonly<Record<string, readonly string[]>> = {
  socketcall: ['socket', 'socketpair'],
  ipc: ['shmat'],
  mmap: ['mmap'],
};

function behindPointers(rules: ReadonlyMap<string, Rule>, state: State): string[] {
  if (!permitted(state).some(({ abi }) => abi === 'i386')) return [];
  return Object.entries(MULTIPLEXERS).flatMap(([name, hidden]) => {
    const bounded = hidden.filter((call) => (rules.get(call)?.alternatives ?? null) !== null);
    if (bounded.length === 0) return [];
    return [
      `i386 is listed, and its ${name} carries the arguments of ${bounded.join(', ')} behind a ` +
        'pointer: under i386 their rules do not bound it',
    ];
  });
}

export const argumentRules: Pass = {
  name: 'arguments',
  about: 'calls whose arguments tell kinds of privilege apart are permitted by kind',
  off: 'a permitted call is permitted with every argument: any socket, any namespace, W+X memory',
  run(state, { options }) {
    const rules = new Map(state.rules);
    const added: Change[] = [];
    const warnings: string[] = [];
    for (const [name, entries] of entriesByName(state)) {
      const rule = ruleOf(name, entries, options);
      if (rule === null) continue;
      rules.set(name, rule);
      const abi = entries[0]?.abi ?? 'x86_64';
      if (rule.alternatives === null) {
        if (options.args !== 'none') warnings.push(`${name}: with every argument: ${rule.note}`);
        continue;
      }
      if (rule.note !== null) warnings.push(`${name}: ${rule.note}`);
      const covers = [...new Set(rule.alternatives.map((a) => a.covers))].join('; ');
      added.push({ abi, name, reason: `only ${covers}` });
    }
    return {
      state: { ...state, rules },
      findings: {
        added,
        notes: options.args === 'none' ? ['--args none: no rules'] : [],
        warnings: [...warnings, ...behindPointers(rules, state)],
      },
    };
  },
};
