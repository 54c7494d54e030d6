/** What filters do with one call, by ABI and runtime. */
import { type Answer, type Area, answerText, callsAnswered, isPassing, mayPass } from '../policy';
import { type Abi, describeSet, syscallNumber } from '../tables';
import { answersOf, type Filter, placeOf, type Runtime } from './filters';

export interface Case {
  /** As findings name it: "allow", "errno EPERM". */
  readonly answer: string;
  /** allow and log pass; notify and trace leave it to somebody else. */
  readonly passes: 'yes' | 'asked' | 'no';
  /** One text for each alternative; null: with any arguments. */
  readonly values: readonly string[] | null;
}

export interface Rule {
  readonly abis: readonly Abi[];
  /** Empty: the filter is installed, whoever did that. */
  readonly runtimes: readonly Runtime[];
  /** The filter lets no call of these ABIs in. */
  readonly unlisted: boolean;
  /** What passes first. */
  readonly cases: readonly Case[];
}

/** Stands for the values of a case that has too many. */
export const TOO_MANY = 'argument values that cannot be put shortly';

function passing(answer: Answer): Case['passes'] {
  if (isPassing(answer)) return 'yes';
  return mayPass(answer) ? 'asked' : 'no';
}

type WordSet = Area[number]['set'];

/** Registers of 32 bits have no upper half: that it is 0 goes without saying. */
function withoutUpper(set: WordSet): WordSet {
  if (set.kind === 'except') return { kind: 'except', set: withoutUpper(set.set) };
  if (set.kind !== 'bits') return set;
  const narrow = ({ mask, value }: { mask: bigint; value: bigint }) =>
    mask >> 32n === LOW && value >> 32n === 0n ? { mask: mask & LOW, value } : { mask, value };
  return { kind: 'bits', cubes: set.cubes.map(narrow) };
}

const LOW = 0xffff_ffffn;
const HAS_64_BITS: ReadonlySet<Abi> = new Set<Abi>(['x86_64', 'aarch64']);

function areasText(name: string, abi: Abi, areas: readonly Area[] | null): string[] {
  if (areas === null) return [TOO_MANY];
  const shown = (set: WordSet): WordSet => (HAS_64_BITS.has(abi) ? set : withoutUpper(set));
  return areas.map((area) =>
    area.map(({ index, set }) => describeSet(name, index, shown(set))).join(' and '),
  );
}

const ORDER: readonly Case['passes'][] = ['yes', 'asked', 'no'];

function casesOf(name: string, filter: Filter, abi: Abi, number: number): Case[] {
  const answers = answersOf(filter, abi, number);
  const made = answers.map((answer): Case => {
    const { action, data } = answer;
    const about = { answer: answerText(answer), passes: passing(answer) };
    if (answers.length === 1) return { ...about, values: null };
    const areas = callsAnswered(
      filter.policy,
      placeOf(abi, number),
      (other) => other.action === action && other.data === data,
    );
    return { ...about, values: areasText(name, abi, areas) };
  });
  return made.sort(
    (a, b) => ORDER.indexOf(a.passes) - ORDER.indexOf(b.passes) || (a.answer < b.answer ? -1 : 1),
  );
}

interface Seen {
  abi: Abi;
  runtime: Runtime | null;
  unlisted: boolean;
  cases: Case[];
}

/** Under every filter and ABI that has the call; those alike together. */
export function rulesOf(name: string, filters: readonly Filter[], abis: readonly Abi[]): Rule[] {
  const seen = filters.flatMap((filter) =>
    abis.flatMap((abi): Seen[] => {
      const number = syscallNumber(abi, name);
      if (number === null) return [];
      const unlisted = filter.abis !== null && !filter.abis.has(abi);
      return [
        { abi, runtime: filter.runtime, unlisted, cases: casesOf(name, filter, abi, number) },
      ];
    }),
  );
  const byRuntimes = grouped(seen, (one) => `${one.abi} ${textOf(one)}`);
  const together = grouped(
    byRuntimes.map((group) => ({ group, first: group[0] as Seen })),
    ({ group, first }) => `${group.map(({ runtime }) => runtime).join()} ${textOf(first)}`,
  );
  return together.map((groups) => {
    const { first, group } = groups[0] as (typeof groups)[number];
    return {
      abis: groups.map((one) => one.first.abi),
      runtimes: group.flatMap(({ runtime }) => runtime ?? []),
      unlisted: first.unlisted,
      cases: first.cases,
    };
  });
}

function textOf({ cases, unlisted }: Seen): string {
  return JSON.stringify([unlisted, cases]);
}

function grouped<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const made = new Map<string, T[]>();
  for (const item of items) {
    const at = key(item);
    made.set(at, [...(made.get(at) ?? []), item]);
  }
  return [...made.values()];
}
