/** Calls that do the same under another name: for another architecture, libc or kernel. */
import {
  ABIS,
  type Abi,
  EQUIVALENTS,
  type Equivalent,
  essentials,
  isAnotherLibcs,
  riskTier,
  syscallNumber,
  WIDER_SUFFIXES,
} from '../tables';
import { tidy } from './arguments';
import { type Bits, type Cube, cubeKey, holds } from './cubes';
import { anyNeed, entryKey, permitted, permittedAbis } from './entries';
import type { Alternative } from './kinds';
import type { Change, Entry, Pass, Rule, State } from './types';

/** Both hold; null: no call can be in both. */
function both(a: Cube, b: Cube): Cube | null {
  const bits = new Map<number, Bits>(a.map((own) => [own.index, own]));
  for (const next of b) {
    const own = bits.get(next.index);
    const common = (own?.mask ?? 0n) & next.mask;
    if (own !== undefined && (own.value & common) !== (next.value & common)) return null;
    bits.set(next.index, {
      index: next.index,
      mask: (own?.mask ?? 0n) | next.mask,
      value: (own?.value ?? 0n) | next.value,
    });
  }
  return [...bits.values()].sort((x, y) => x.index - y.index);
}

/** What `to` may do given the rule of `from`: null, everything; undefined, the rule does not translate. */
function carried(
  { only, carry, within }: Pick<Equivalent, 'only' | 'carry' | 'within'>,
  rule: Rule | undefined,
): readonly Cube[] | null | undefined {
  const own = only === null ? null : [only];
  if (rule === undefined || rule.alternatives === null) return own;
  if (within !== null) {
    return rule.alternatives.some(({ cube }) => holds(cube, within)) ? own : undefined;
  }
  const cubes: Cube[] = [];
  for (const { cube } of rule.alternatives) {
    if (!cube.every(({ index }) => carry.has(index))) return undefined;
    const moved = cube
      .map((bits) => ({ ...bits, index: carry.get(bits.index) ?? bits.index }))
      .sort((a, b) => a.index - b.index);
    const joined = both(moved, only ?? []);
    if (joined !== null) cubes.push(joined);
  }
  return cubes;
}

interface Draft {
  entries: Map<string, Entry>;
  rules: Map<string, Rule>;
  added: Change[];
  notes: string[];
}

/** Adds `to` beside what is there: never narrows it, and never past what `from` could do. */
function add(draft: Draft, from: Entry, abi: Abi, to: string, cubes: readonly Cube[] | null): void {
  const key = entryKey(abi, to);
  const known = draft.entries.get(key);
  const elsewhere = [...draft.entries.values()].some((e) => e.name === to && e.answer === 'allow');
  const rule = draft.rules.get(to);
  if (elsewhere && (rule === undefined || rule.alternatives === null)) {
    if (known?.answer === 'allow') return;
  } else if (cubes !== null) {
    const fresh = cubes.map(
      (cube): Alternative => ({ cube, covers: `what ${from.name} does`, kind: `as ${from.name}` }),
    );
    const alternatives = tidy([...(rule?.alternatives ?? []), ...fresh]);
    const before = new Set((rule?.alternatives ?? []).map(({ cube }) => cubeKey(cube)));
    if (known?.answer === 'allow' && alternatives.every(({ cube }) => before.has(cubeKey(cube)))) {
      return;
    }
    draft.rules.set(to, { alternatives, note: rule?.note ?? null });
  } else if (elsewhere) {
    draft.rules.set(to, { alternatives: null, note: `it does no more than ${from.name}` });
  }
  draft.entries.set(key, {
    abi,
    name: to,
    answer: 'allow',
    why:
      known?.answer === 'allow'
        ? [...new Set([...known.why, 'equivalent' as const])]
        : ['equivalent'],
    phases: known?.phases ?? [],
    executables: known?.executables ?? [],
    needs: known?.needs ?? [],
  });
  draft.added.push({ abi, name: to, reason: `instead of ${from.name}` });
}

function startDraft(state: State): Draft {
  return { entries: new Map(state.entries), rules: new Map(state.rules), added: [], notes: [] };
}

/** `libcs`: those alone that another libc makes on the same architecture. */
function addEquivalents(
  draft: Draft,
  from: Entry,
  abi: Abi,
  rules: State['rules'],
  libcs = false,
): void {
  for (const equivalent of EQUIVALENTS) {
    const { to } = equivalent;
    if (libcs && !isAnotherLibcs(abi, equivalent)) continue;
    if (equivalent.from !== from.name || syscallNumber(abi, to) === null) continue;
    const cubes = carried(equivalent, rules.get(from.name));
    if (cubes === undefined) {
      draft.notes.push(`${to} not added: the rule of ${from.name} does not translate to it`);
    } else add(draft, from, abi, to, cubes);
  }
}

export const portable: Pass = {
  name: 'portable',
  about:
    'calls that another libc makes instead (with --arch: another architecture), with no more privilege',
  off: 'as without --portable',
  run(state, { options }) {
    if (!options.portable) return { state, findings: { notes: ['not asked for (--portable)'] } };
    const draft = startDraft(state);
    for (const entry of permitted(state)) {
      addEquivalents(draft, entry, entry.abi, state.rules, options.arch === null);
    }
    const { entries, rules, added, notes } = draft;
    return { state: { ...state, entries, rules }, findings: { added, notes } };
  },
};

function names32(name: string, abi: Abi): string[] {
  if (abi !== 'i386' && abi !== 'arm') return [];
  return WIDER_SUFFIXES.map((suffix) => name + suffix).filter(
    (wider) => syscallNumber(abi, wider) !== null,
  );
}

export const arch: Pass = {
  name: 'arch',
  about: 'the same calls by name for another architecture (--arch)',
  off: 'the profile is for the architecture that was recorded, whatever --arch says',
  run(state, { options }) {
    const target = options.arch;
    if (target === null || permittedAbis(state).size === 0) {
      return { state, findings: { notes: ['not asked for (--arch)'] } };
    }
    const foreign = permitted(state).filter(({ abi }) => abi !== target);
    if (foreign.length === 0) return { state, findings: { notes: [`already for ${target}`] } };
    const draft = startDraft(state);
    draft.entries = new Map(
      [...state.entries].filter(([, { abi, answer }]) => abi === target || answer !== 'allow'),
    );
    for (const [key, { abi }] of [...draft.entries]) if (abi !== target) draft.entries.delete(key);
    const missing: Change[] = [];
    for (const entry of foreign) {
      const before = draft.added.length;
      if (syscallNumber(target, entry.name) !== null) {
        draft.entries.set(entryKey(target, entry.name), { ...entry, abi: target });
        for (const wider of names32(entry.name, target)) {
          const rule = state.rules.get(entry.name);
          add(draft, entry, target, wider, rule?.alternatives?.map(({ cube }) => cube) ?? null);
        }
        continue;
      }
      addEquivalents(draft, entry, target, state.rules);
      const equivalents = EQUIVALENTS.some(
        ({ from, to }) => from === entry.name && syscallNumber(target, to) !== null,
      );
      if (draft.added.length > before || equivalents) continue;
      if (entry.why.every((why) => why === 'essential')) continue;
      missing.push({ abi: target, name: entry.name, reason: `${target} has no such call` });
    }
    for (const { name, reason } of essentials(target)) {
      const key = entryKey(target, name);
      if (draft.entries.has(key)) continue;
      const needs = [anyNeed('essential', reason)];
      const seen = { phases: [], executables: [] };
      draft.entries.set(key, {
        abi: target,
        name,
        answer: 'allow',
        why: ['essential'],
        needs,
        ...seen,
      });
    }
    const gone = missing.map(({ name }) => name).sort();
    const risky = draft.added.filter(({ name }) => (riskTier(name) ?? 3) < 3);
    return {
      state: { ...state, entries: draft.entries, rules: draft.rules },
      findings: {
        added: draft.added,
        removed: missing,
        notes: [
          `written for ${target} by name; recorded under ${ABIS.filter((abi) =>
            foreign.some((entry) => entry.abi === abi),
          ).join(', ')}`,
          ...draft.notes,
        ],
        warnings: [
          `--arch ${target}: nothing of it was recorded or measured on ${target}; what a libc or ` +
            'runtime there calls besides is missing',
          ...(gone.length === 0 ? [] : [`no counterpart on ${target}: ${gone.join(', ')}`]),
          ...risky.map(({ name }) => `${name}: risk tier ${riskTier(name)}, added by --arch`),
        ],
      },
    };
  },
};
