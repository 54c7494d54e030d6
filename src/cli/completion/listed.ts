/**
 * Words that depend on where and when they are asked for. A shell asks at a press of a key, so whatever
 * is wrong there is no answer, and only names that no shell takes for anything else are given. Names of
 * containers are not among them: an engine would be asked each time.
 */
import { readFileSync } from 'node:fs';

export const LISTS = ['apps', 'sessions', 'calls'] as const;
export type List = (typeof LISTS)[number];

/** Of the configuration here, one with mistakes in it included. */
function apps(): string[] {
  const config: unknown = JSON.parse(readFileSync('sysieve.config.json', 'utf8'));
  return Object.keys((config as { apps: object }).apps);
}

async function sessions(): Promise<string[]> {
  const { allStored } = await import('../../capture/session-store.js');
  return allStored().map(({ id }) => id);
}

async function calls(): Promise<string[]> {
  const { ABIS, names } = await import('../../tables/index.js');
  return [...new Set(ABIS.flatMap((abi) => names(abi)))];
}

export async function listed(list: List): Promise<string[]> {
  try {
    const all = await { apps, sessions, calls }[list]();
    return all.filter((name) => /^[A-Za-z0-9][\w.-]{0,127}$/.test(name)).sort();
  } catch {
    return [];
  }
}
