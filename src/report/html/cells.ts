/** What several sections put into their cells. */
import type { CallRow, State } from '../types';
import { type Html, html } from './html';
import { type Cell, foldedNames } from './tables';

const STATE: Readonly<Record<State, string>> = {
  open: 'permitted',
  bounded: 'certain arguments',
  closed: 'refused',
};
const STATES: readonly State[] = ['open', 'bounded', 'closed'];

export function state(value: State | null): Cell {
  return value === null
    ? { content: '', sort: -1 }
    : { content: STATE[value], sort: STATES.indexOf(value) };
}

export const RISK: Readonly<Record<State, string>> = {
  open: 'bad',
  bounded: 'warn',
  closed: 'good',
};

/** The same where it is a matter of risk: in words and in colour. */
export function risk(value: State): Cell {
  return { ...state(value), content: html`<span class="${RISK[value]}">${STATE[value]}</span>` };
}

/** Where another ABI than the machine's own is spoken of. */
export function callName({ abi, name }: Pick<CallRow, 'abi' | 'name'>, machine: string): Html {
  return html`<code>${name}</code>${abi !== machine && html` <span class="soft">${abi}</span>`}`;
}

export interface Names {
  /** Of executables, shortened, by their place. */
  readonly short: readonly string[];
}

export function who(places: readonly number[], { short }: Names): Html | null {
  if (places.length === short.length && places.length > 4) return html`all ${places.length}`;
  return foldedNames(
    places.map((place) => short[place] ?? ''),
    4,
    'executables',
  );
}

/** Of lists with a row for each run; more are counted. */
export const MOST_ROWS = 200;

/** Of characters in a path or a name; what is cut is counted. */
export const LONG_PATH = 300;
