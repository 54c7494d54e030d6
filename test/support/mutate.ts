/** Mutations of JSON documents: of their structure (still JSON) and of their bytes (mostly not). */
import fc from 'fast-check';

/** Raw JSON in place of a value, so that what JavaScript could not write is tried as well. */
const NASTY = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e3',
  '1e999',
  '6',
  '4096',
  '4294967296',
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '""',
  '"\\ud800"',
  '"\\u0000\\u001b[2J\\u202e"',
  '"0x"',
  '"SCMP_ACT_ALLOW"',
  '"x86_64"',
  '[]',
  '{}',
  '[[[[[[[[]]]]]]]]',
  '{"":{"":[]}}',
  '{"__proto__":1}',
  '{"constructor":{"prototype":{}}}',
];
const KEYS = [
  '__proto__',
  'constructor',
  'version',
  'runs',
  'args',
  'names',
  '',
  'toString',
  '\ud800',
];

type Json = null | boolean | number | string | Raw | Json[] | { [key: string]: Json } | Entries;
/** Text put in as it is. */
class Raw {
  constructor(readonly text: string) {}
}
/** An object that may hold a key twice. */
class Entries {
  constructor(readonly entries: [string, Json][]) {}
}

function write(value: Json): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = value instanceof Entries ? value.entries : Object.entries(value);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item)}`).join()}}`;
}

/** Every container and scalar of the document, each as a function that puts another in its place. */
function places(
  value: Json,
  put: (next: Json) => Json,
  found: ((change: (v: Json) => Json) => Json)[],
) {
  found.push((change) => put(change(value)));
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      places(item, (next) => put(value.map((old, at) => (at === index ? next : old))), found);
    }
  } else if (typeof value === 'object' && value !== null && !(value instanceof Raw)) {
    const entries = value instanceof Entries ? value.entries : Object.entries(value);
    for (const [index, [key, item]] of entries.entries()) {
      const change = (next: Json) =>
        put(new Entries(entries.map((old, at) => (at === index ? [key, next] : old))));
      places(item, change, found);
    }
  }
  return found;
}

function changed(value: Json, kind: number, pick: number): Json {
  const nasty = new Raw(NASTY[pick % NASTY.length] as string);
  if (Array.isArray(value)) {
    const at = value.length === 0 ? 0 : pick % value.length;
    if (kind === 0) return value.filter((_item, index) => index !== at);
    if (kind === 1) return [...value.slice(0, at), value[at] ?? nasty, ...value.slice(at)];
    if (kind === 2) return [...value].reverse();
    if (kind === 3) return [...value, nasty];
  } else if (
    value instanceof Entries ||
    (typeof value === 'object' && value !== null && !(value instanceof Raw))
  ) {
    const entries = value instanceof Entries ? value.entries : Object.entries(value);
    const at = entries.length === 0 ? 0 : pick % entries.length;
    const key = KEYS[pick % KEYS.length] as string;
    if (kind === 0) return new Entries(entries.filter((_item, index) => index !== at));
    if (kind === 1) return new Entries([...entries, ...entries.slice(at, at + 1)]);
    if (kind === 2) return new Entries([...entries].reverse());
    if (kind === 3) return new Entries([...entries, [key, nasty]]);
    if (kind === 4)
      return new Entries(entries.map(([old, item], index) => [index === at ? key : old, item]));
  } else if (typeof value === 'number') {
    if (kind === 0) return value + 1;
    if (kind === 1) return -value;
    if (kind === 2) return new Raw(`${value}.0`);
    if (kind === 3) return 2 ** (pick % 65);
    if (kind === 4) return String(value);
  } else if (typeof value === 'string') {
    if (kind === 0) return value.slice(0, pick % (value.length + 1));
    if (kind === 1) return value + value;
    if (kind === 2) return value.toUpperCase();
    // Repeated by each of several changes, it would grow to megabytes.
    if (kind === 3) return value.slice(0, 100).repeat(pick % 200);
    if (kind === 4) return `${value.slice(0, 1)}${String.fromCharCode(pick)}${value.slice(1)}`;
  }
  return nasty;
}

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '\n',
  '\0',
  '\ufeff',
  '\ud800',
  'null',
  'tru',
  '-',
  '1e',
  '.',
  ' ',
  '/*',
  '0'.repeat(30),
];

function bytesChanged(text: string, kind: number, at: number, pick: number): string {
  const cut = at % (text.length + 1);
  const token = TOKENS[pick % TOKENS.length] as string;
  if (kind === 0) return text.slice(0, cut);
  if (kind === 1) return text.slice(0, cut) + text.slice(cut + 1 + (pick % 8));
  if (kind === 2) return text.slice(0, cut) + token + text.slice(cut);
  if (kind === 3) return text.slice(0, cut) + token + text.slice(cut + token.length);
  if (kind === 4) return text.slice(0, cut) + text.slice(cut - (pick % 40)) + text.slice(cut);
  return text.slice(0, cut) + String.fromCharCode(pick) + text.slice(cut + 1);
}

export interface Mutated {
  text: string;
  /** Only rewritten by JSON.parse and back: the document is still valid. */
  untouched: boolean;
}

const step = fc.tuple(fc.nat(), fc.nat(5), fc.nat(0xffff));

/** Up to three changes of the structure and up to two of the bytes, of one of the valid documents. */
export function mutated(documents: readonly string[]): fc.Arbitrary<Mutated> {
  const parsed = documents.map((text) => JSON.parse(text) as Json);
  return fc
    .tuple(
      fc.nat(documents.length - 1),
      fc.array(step, { maxLength: 3 }),
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(step, { maxLength: 2 })),
    )
    .map(([which, structure, bytes]) => {
      let value = parsed[which] as Json;
      for (const [at, kind, pick] of structure) {
        const found = places(value, (next) => next, []);
        value = (found[at % found.length] as (change: (v: Json) => Json) => Json)((old) =>
          changed(old, kind, pick),
        );
      }
      let text = write(value);
      for (const [at, kind, pick] of bytes) text = bytesChanged(text, kind, at, pick);
      return { text, untouched: structure.length + bytes.length === 0 };
    });
}
