/** Adding to what the profile will say. */
import type { Why } from '../profile';
import type { Phase } from '../recording';
import type { Abi } from '../tables';
import { isApplication } from './observe';
import type { Entry, Need, ObservedCall, State } from './types';

export function entryKey(abi: Abi, name: string): string {
  return `${abi} ${name}`;
}

type NewEntry = Pick<Entry, 'abi' | 'name' | 'answer'> &
  Partial<Pick<Entry, 'phases' | 'executables' | 'needs'>> & { why: Why };

/** The state with the entries added; a call that is there already gets the further reasons. */
export function withEntries(state: State, added: readonly NewEntry[]): State {
  const entries = new Map(state.entries);
  for (const { why, ...entry } of added) {
    const key = entryKey(entry.abi, entry.name);
    const known = entries.get(key);
    const { needs = [], phases = [], executables = [] } = entry;
    entries.set(
      key,
      known === undefined
        ? { ...entry, why: [why], needs, phases, executables }
        : {
            ...known,
            why: known.why.includes(why) ? known.why : [...known.why, why],
            needs: [...known.needs, ...needs],
          },
    );
  }
  return { ...state, entries };
}

export function anyNeed(why: Why, reason: string): Need {
  return { values: null, why, reason, phases: [], executables: [] };
}

/** What a recorded call needs of its arguments: each tuple, or any where not all are known. */
export function needsOf(call: ObservedCall): Need[] {
  const { phases, executables, args } = call;
  if (args === null) return [];
  const whose = (of: readonly Phase[]): Why =>
    isApplication({ phases: of }) ? 'observed' : 'runtime';
  return [
    ...args.tuples.map((tuple) => ({ ...tuple, why: whose(tuple.phases), reason: 'recorded' })),
    ...args.unknown.map((reason) => ({
      values: null,
      why: whose(phases),
      reason,
      phases,
      executables,
    })),
  ];
}

export function permitted(state: State): Entry[] {
  return [...state.entries.values()].filter((entry) => entry.answer === 'allow');
}

/** The ABIs the profile permits anything under. */
export function permittedAbis(state: State): Set<Abi> {
  return new Set(permitted(state).map((entry) => entry.abi));
}
