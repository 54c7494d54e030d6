/** Changes of ranges of numbers, call by call. */
import type { Change } from '../policy';
import type { Effect } from '../review';
import type { Abi } from '../tables';
import { namedIn } from './cves';

export type AnswerEffect = Exclude<Effect, 'none'>;
export type AnswerChange = Change<AnswerEffect>;

/** One change of one call that has a name. */
export interface Named {
  readonly change: AnswerChange;
  readonly abi: Abi;
  readonly name: string;
  /** As a filter sees it. */
  readonly nr: number;
}

/** The rest of a range: numbers that no table has. */
export interface Nameless {
  readonly change: AnswerChange;
  readonly first: number;
  readonly last: number;
}

export interface TakenApart {
  /** By name; a call may change in several ways, under several ABIs. */
  readonly named: ReadonlyMap<string, readonly Named[]>;
  readonly nameless: readonly Nameless[];
}

export function takenApart(changes: readonly AnswerChange[]): TakenApart {
  const named = new Map<string, Named[]>();
  const nameless: Nameless[] = [];
  for (const change of changes) {
    const { abi, first, last } = change;
    let next = first;
    for (const { name, nr } of abi === null ? [] : namedIn(abi, first, last)) {
      const here = named.get(name) ?? [];
      here.push({ change, abi: abi as Abi, name, nr });
      named.set(name, here);
      if (nr > next) nameless.push({ change, first: next, last: nr - 1 });
      next = nr + 1;
    }
    if (next <= last) nameless.push({ change, first: next, last });
  }
  return { named, nameless };
}
