/** Sets of values of one argument, 64 bits wide as a filter sees it, in the field's words. */
import { type ArgumentMeaning, argumentMeaning } from './symbols';

export type WordSet =
  | { readonly kind: 'all' }
  | { readonly kind: 'values'; readonly values: readonly bigint[] }
  /** The union of the cubes: word & mask == value. */
  | {
      readonly kind: 'bits';
      readonly cubes: readonly { readonly mask: bigint; readonly value: bigint }[];
    }
  /** First and last, both in it. */
  | { readonly kind: 'ranges'; readonly ranges: readonly (readonly [bigint, bigint])[] }
  | { readonly kind: 'except'; readonly set: WordSet };

const WORD = 0xffff_ffff_ffff_ffffn;
const INT = 0xffff_ffffn;

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** A bound of a range: decimal as long as people think of it as a number. */
function bound(value: bigint): string {
  return value < 10_000n ? value.toString() : hex(value);
}

function ascending(values: Iterable<bigint>): bigint[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : Number(a > b)));
}

/** The named bits of `bits`, then what is left in one hex number. */
function bitNames(meaning: ArgumentMeaning | null, bits: bigint): string[] {
  const out: string[] = [];
  let rest = bits;
  if (meaning?.kind === 'flags') {
    for (const [bit, name] of meaning.names) {
      if ((rest & bit) === 0n) continue;
      out.push(name);
      rest &= ~bit;
    }
  }
  return rest === 0n ? out : [...out, hex(rest)];
}

function symbol(names: ArgumentMeaning['names'], value: bigint): string | undefined {
  return names.find(([known]) => known === value)?.[1];
}

/** One value: its symbol, its flags joined by |, or hex. Every value has a text of its own. */
function valueText(meaning: ArgumentMeaning | null, value: bigint): string {
  if (meaning === null) return hex(value);
  if (meaning.kind === 'number') return bound(value);
  if (meaning.kind === 'values') return symbol(meaning.names, value) ?? hex(value);
  const mask = meaning.low?.mask ?? 0n;
  const low = symbol(meaning.low?.names ?? [], value & mask);
  const rest = low === undefined ? value : value & ~mask;
  const parts = [...(low === undefined ? [] : [low]), ...bitNames(meaning, rest)];
  return parts.length === 0 ? '0' : parts.join('|');
}

function joined(texts: readonly string[], last: string): string {
  if (texts.length < 2) return texts.join('');
  return `${texts.slice(0, -1).join(', ')} ${last} ${texts.at(-1)}`;
}

interface Cube {
  readonly mask: bigint;
  readonly value: bigint;
}

/** What the low field of a flags word is, where the cube says something about it. */
function lowText(low: NonNullable<ArgumentMeaning['low']>, { mask, value }: Cube): string[] {
  const fixed = mask & low.mask;
  if (fixed === 0n) return [];
  if (fixed !== low.mask) return [`${low.what} & ${hex(fixed)} = ${hex(value & fixed)}`];
  return [`${low.what} ${symbol(low.names, value & fixed) ?? hex(value & fixed)}`];
}

/** Flags: those that are set, those that are not; the others may be either. */
function flagsText(meaning: ArgumentMeaning, cube: Cube): string {
  const low = meaning.low?.mask ?? 0n;
  const set = [
    ...(meaning.low === undefined ? [] : lowText(meaning.low, cube)),
    ...bitNames(meaning, cube.value & ~low),
  ];
  const clear = bitNames(meaning, cube.mask & ~cube.value & ~low);
  const parts = [
    ...(set.length === 0 ? [] : [`with ${joined(set, 'and')}`]),
    ...(clear.length === 0 ? [] : [`without ${clear.join(', ')}`]),
  ];
  return parts.join(' and ');
}

/** A cube that leaves at most this many bits free is told by its value and those. */
const FEW = 4;

function count(bits: bigint): number {
  return bits.toString(2).replaceAll('0', '').length;
}

/**
 * The free bits of a cube that comes close to fixing one value, and whether that is the value of all
 * 64 bits or of the low 32 alone. null: it leaves more open, which is better told by what it fixes.
 */
function nearlyValue(
  meaning: ArgumentMeaning | null,
  { mask }: Cube,
): { free: bigint; lowHalf: boolean } | null {
  const lowHalf = (mask & ~INT) === 0n;
  if (!lowHalf && (mask & ~INT) !== (WORD & ~INT)) return null;
  const free = INT & ~mask;
  if (free === 0n) return { free, lowHalf };
  if (meaning?.kind !== 'flags') return count(free) <= FEW ? { free, lowHalf } : null;
  const field = meaning.low?.mask ?? 0n;
  const counted = (free & field) === field ? free & ~field : free;
  return count(counted) <= FEW ? { free, lowHalf } : null;
}

function nearlyText(meaning: ArgumentMeaning, value: bigint, free: bigint): string {
  if (free === 0n) return valueText(meaning, value);
  const field = meaning.low?.mask ?? 0n;
  const anyLow = field !== 0n && (free & field) === field;
  const fixed = anyLow ? bitNames(meaning, value).join('|') || '0' : valueText(meaning, value);
  const rest = bitNames(meaning, anyLow ? free & ~field : free);
  return [
    fixed,
    ...(anyLow ? [`with any ${meaning.low?.what}`] : []),
    ...(rest.length === 0 ? [] : [`with or without ${rest.join(', ')}`]),
  ].join(' ');
}

/** Values one by one, flags by those that may be either. */
function nearlyTexts(meaning: ArgumentMeaning | null, value: bigint, free: bigint): string[] {
  if (meaning?.kind === 'flags') return [nearlyText(meaning, value, free)];
  const values = [value];
  for (let rest = free; rest !== 0n; rest &= rest - 1n) {
    const bit = rest & -rest;
    values.push(...values.map((one) => one | bit));
  }
  return ascending(values).map((one) => valueText(meaning, one));
}

const LOW_HALF = ' (low 32 bits)';

/** Alternatives of one form. */
interface List {
  readonly texts: readonly string[];
  readonly form: 'values' | 'halves' | 'bits';
}

function byValue(a: Cube, b: Cube): number {
  const difference = a.value - b.value || a.mask - b.mask;
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** Up to this many bits are tried out to find what a union of cubes leaves out. */
const TRIED = 10;

/**
 * "all of one cube but these": shorter than a union of cubes that is nearly one. null: it is not, or
 * the exceptions are no fewer. Nothing but `all` and `some` decides over the set.
 */
function allBut(cubes: readonly Cube[]): { all: Cube; some: bigint; but: bigint[] } | null {
  const [first, ...others] = cubes;
  if (first === undefined || others.length === 0) return null;
  let mask = first.mask;
  let some = first.mask;
  for (const cube of others) {
    mask &= cube.mask & ~(cube.value ^ first.value);
    some |= cube.mask;
  }
  const bits = some & ~mask;
  if (mask === 0n || count(bits) > TRIED) return null;
  const all = { mask, value: first.value & mask };
  let words = [all.value];
  for (let rest = bits; rest !== 0n; rest &= rest - 1n) {
    const bit = rest & -rest;
    words = words.flatMap((word) => [word, word | bit]);
  }
  const but = words.filter((word) => !cubes.some((cube) => (word & cube.mask) === cube.value));
  return but.length > 0 && but.length < cubes.length ? { all, some, but: ascending(but) } : null;
}

/** Of values and numbers; flags are told by name. */
function allButText(meaning: ArgumentMeaning | null, cubes: readonly Cube[]): string | null {
  const found = meaning?.kind === 'flags' ? null : allBut(cubes);
  if (found === null) return null;
  const { all, some, but } = found;
  const left = but.map((word) => valueText(meaning, word)).join(', ');
  return `& ${hex(all.mask)} = ${hex(all.value)} but not & ${hex(some)} = ${left}`;
}

function cubeLists(meaning: ArgumentMeaning | null, cubes: readonly Cube[]): List[] {
  const short = allButText(meaning, cubes);
  if (short !== null) return [{ form: 'bits', texts: [short] }];
  const texts = { values: new Set<string>(), halves: new Set<string>(), bits: new Set<string>() };
  for (const cube of [...cubes].sort(byValue)) {
    const nearly = nearlyValue(meaning, cube);
    if (nearly !== null) {
      const told = nearlyTexts(meaning, cube.value, nearly.free);
      for (const text of told) texts[nearly.lowHalf ? 'halves' : 'values'].add(text);
    } else if (meaning?.kind === 'flags') {
      texts.bits.add(flagsText(meaning, cube));
    } else {
      texts.bits.add(`& ${hex(cube.mask)} = ${hex(cube.value)}`);
    }
  }
  const forms = ['values', 'halves', 'bits'] as const;
  return forms
    .map((form) => ({ form, texts: [...texts[form]] }))
    .filter((list) => list.texts.length > 0);
}

/** What "A, B or C" cannot hold without being read in two ways. */
function isSimple(text: string): boolean {
  return !text.includes(',');
}

function listText({ texts, form }: List): string {
  const suffix = form === 'halves' ? LOW_HALF : '';
  const simple = texts.filter(isSimple);
  const others = texts.filter((text) => !isSimple(text)).map((text) => text + suffix);
  return [...(simple.length === 0 ? [] : [joined(simple, 'or') + suffix]), ...others].join('; or ');
}

/** A union of ranges; what is said about each end is a number, what is one value its symbol. */
function rangeTexts(
  meaning: ArgumentMeaning | null,
  ranges: readonly (readonly [bigint, bigint])[],
): string[] {
  const sorted = [...ranges].sort(([a, b], [c, d]) =>
    byValue({ value: a, mask: b }, { value: c, mask: d }),
  );
  const texts = sorted.map(([first, last]) => {
    if (first === last) return valueText(meaning, first);
    return last === WORD ? `${bound(first)} and above` : `${bound(first)} to ${bound(last)}`;
  });
  return [...new Set(texts)];
}

type Listed = Exclude<WordSet, { kind: 'all' } | { kind: 'except' }>;
type Tidied = { kind: 'all' } | Listed | { kind: 'except'; set: Listed };

function isEmpty(set: WordSet): boolean {
  if (set.kind === 'values') return set.values.length === 0;
  if (set.kind === 'bits') return set.cubes.length === 0;
  return set.kind === 'ranges' && set.ranges.length === 0;
}

/** Without what is empty in it, and without an exception from an exception. */
function tidied(set: WordSet): Tidied {
  switch (set.kind) {
    case 'all':
    case 'values':
      return set;
    case 'bits': {
      const cubes = set.cubes.filter(({ mask, value }) => (value & ~mask) === 0n);
      return cubes.some(({ mask }) => mask === 0n) ? { kind: 'all' } : { kind: 'bits', cubes };
    }
    case 'ranges': {
      const ranges = set.ranges.filter(([first, last]) => first <= last);
      const whole = ranges.some(([first, last]) => first === 0n && last === WORD);
      return whole ? { kind: 'all' } : { kind: 'ranges', ranges };
    }
    case 'except': {
      const inner = tidied(set.set);
      if (inner.kind === 'except') return inner.set;
      if (inner.kind === 'all') return { kind: 'values', values: [] };
      return isEmpty(inner) ? { kind: 'all' } : { kind: 'except', set: inner };
    }
  }
}

function lists(meaning: ArgumentMeaning | null, set: Listed): List[] {
  if (set.kind === 'bits') return cubeLists(meaning, set.cubes);
  const texts =
    set.kind === 'values'
      ? ascending(set.values).map((value) => valueText(meaning, value))
      : rangeTexts(meaning, set.ranges);
  return [{ form: 'values', texts }];
}

/** All but one cube of flags: where it fixes one bit, or says "none of them". */
function exceptFlags(meaning: ArgumentMeaning | null, set: Listed): string | null {
  if (meaning?.kind !== 'flags' || set.kind !== 'bits' || set.cubes.length !== 1) return null;
  const { mask, value } = set.cubes[0] as Cube;
  if ((mask & (meaning.low?.mask ?? 0n)) !== 0n || nearlyValue(meaning, { mask, value }) !== null) {
    return null;
  }
  if ((mask & (mask - 1n)) === 0n) return flagsText(meaning, { mask, value: mask & ~value });
  return value === 0n ? `with any of ${bitNames(meaning, mask).join(', ')}` : null;
}

function exceptText(kept: readonly List[]): string {
  const [list, ...more] = kept;
  if (list !== undefined && more.length === 0 && list.texts.every(isSimple)) {
    if (list.form === 'bits') return `other than those ${listText(list)}`;
    return `other than ${list.texts.join(', ')}${list.form === 'halves' ? LOW_HALF : ''}`;
  }
  return `other than (${kept.map(listText).join('; or ')})`;
}

/** The first `limit` alternatives, and how many are left out. */
function cut(all: readonly List[], limit: number): { kept: List[]; more: number } {
  const kept: List[] = [];
  let room = limit;
  for (const list of all) {
    const texts = list.texts.slice(0, room);
    if (texts.length > 0) kept.push({ ...list, texts });
    room -= texts.length;
  }
  const total = all.reduce((sum, { texts }) => sum + texts.length, 0);
  return { kept, more: Math.max(0, total - limit) };
}

function described(name: string, index: number, set: WordSet, limit: number): string {
  const meaning = argumentMeaning(name, index);
  const parameter = meaning?.parameter ?? (index < 6 ? `args[${index}]` : 'instruction pointer');
  const said = tidied(set);
  if (said.kind === 'all') return `any ${parameter}`;
  if (isEmpty(said)) return `no ${parameter}`;
  const inner = said.kind === 'except' ? said.set : said;
  const simple = said.kind === 'except' ? exceptFlags(meaning, inner) : null;
  if (simple !== null) return `${parameter} ${simple}`;
  const { kept, more } = cut(lists(meaning, inner), limit);
  const text =
    said.kind === 'except' ? exceptText(kept) : kept.map(listText).join('; or ');
  return `${parameter} ${text}${more === 0 ? '' : ` and ${more} more`}`;
}

/**
 * The set in words, e.g. "domain AF_INET or AF_INET6", "flags without CLONE_NEWUSER". "(low 32 bits)"
 * says that the filter does not look at the upper half, as the kernel does not for a parameter of
 * 32 bits. Exact: different sets have different texts. Nothing is cut, however long. `index` 6 is
 * the instruction pointer.
 */
export function describeSet(name: string, index: number, set: WordSet): string {
  return described(name, index, set, Number.POSITIVE_INFINITY);
}

/** As describeSet, with at most `limit` alternatives: "… and 12 more". */
export function describeBriefly(name: string, index: number, set: WordSet, limit = 8): string {
  return described(name, index, set, limit);
}
