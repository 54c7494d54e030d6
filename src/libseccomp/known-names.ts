/** Which names the libseccomp at hand knows, where there is one and a way to call it. */
import { SysieveError } from '../errors/index';
import { isKnownName } from './names';

export interface KnownNames {
  /** null: there is none to ask. */
  resolves: ((name: string) => boolean) | null;
  /** Why, then. */
  notes: string[];
}

export function knownNames(): KnownNames {
  const known = new Map<string, boolean>();
  const ask = (name: string): boolean => {
    const answer = known.get(name) ?? isKnownName(name);
    known.set(name, answer);
    return answer;
  };
  try {
    ask('read');
    return { resolves: ask, notes: [] };
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind !== 'system') throw thrown;
    return { resolves: null, notes: [`names are not held to libseccomp: ${thrown.message}`] };
  }
}
