/** Adding to what the profile will say. */
import type { Why } from '../profile';
import type { Abi } from '../tables';
import type { Entry, State } from './types';

export function entryKey(abi: Abi, name: string): string {
  return `${abi} ${name}`;
}

type NewEntry = Pick<Entry, 'abi' | 'name' | 'answer'> &
  Partial<Pick<Entry, 'phases' | 'executables'>> & { why: Why };

/** The state with the entries added; a call that is there already gets the further reason. */
export function withEntries(state: State, added: readonly NewEntry[]): State {
  const entries = new Map(state.entries);
  for (const entry of added) {
    const key = entryKey(entry.abi, entry.name);
    const known = entries.get(key);
    if (known === undefined) {
      entries.set(key, { phases: [], executables: [], ...entry, why: [entry.why] });
    } else if (!known.why.includes(entry.why)) {
      entries.set(key, { ...known, why: [...known.why, entry.why] });
    }
  }
  return { ...state, entries };
}

export function permitted(state: State): Entry[] {
  return [...state.entries.values()].filter((entry) => entry.answer === 'allow');
}

/** The ABIs the profile permits anything under. */
export function permittedAbis(state: State): Set<Abi> {
  return new Set(permitted(state).map((entry) => entry.abi));
}
