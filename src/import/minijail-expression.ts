/** The lines of a minijail policy: words, constants, and expressions of arguments as OCI's conditions. */
import type { Condition } from '../profile';
import { argumentMeaning, errnoNumber } from '../tables';

const ALL = 0xffff_ffff_ffff_ffffn;
/** Of one statement: beyond that no filter could hold it. */
const MOST_ALTERNATIVES = 1024;

const TOKEN =
  /\s*(?:(?<number>-?0[xX][0-9a-fA-F]+|-?\d+)|(?<argument>arg\d+)\b|(?<word>[a-zA-Z_@][a-zA-Z_0-9@-]*)|(?<sign>\|\||&&|==|!=|<=|>=|[|&<>=~(){}[\],;:]))/y;

export interface Token {
  readonly kind: 'number' | 'argument' | 'word' | 'sign';
  readonly text: string;
}

/** What is wrong with a line, without its place. */
export class Malformed extends Error {}

export function tokens(line: string): Token[] {
  const made: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = line.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(line)?.groups;
    if (groups === undefined) {
      throw new Malformed(`cannot read ${JSON.stringify(line.slice(at, at + 20).trim())}`);
    }
    for (const kind of ['number', 'argument', 'word', 'sign'] as const) {
      const text = groups[kind];
      if (text !== undefined) made.push({ kind, text });
    }
  }
  return made;
}

export class Cursor {
  private at = 0;

  constructor(private readonly all: readonly Token[]) {}

  peek(): Token | undefined {
    return this.all[this.at];
  }

  next(what: string): Token {
    const token = this.all[this.at];
    if (token === undefined) throw new Malformed(`expected ${what}, found the end of the line`);
    this.at += 1;
    return token;
  }

  /** Whether the next word or sign is this one; it is passed then. */
  take(text: string): boolean {
    const token = this.peek();
    if (token?.text !== text) return false;
    this.at += 1;
    return true;
  }

  expect(text: string): void {
    if (this.take(text)) return;
    throw new Malformed(
      `expected ${text}, found ${JSON.stringify(this.peek()?.text ?? 'the end')}`,
    );
  }

  done(): boolean {
    return this.at >= this.all.length;
  }
}

function numberOf(text: string): bigint {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  // As strtol with base 0: a leading 0 is octal.
  const octal = /^0\d/.test(digits);
  if (octal && !/^0[0-7]+$/.test(digits)) throw new Malformed(`no octal number: ${text}`);
  if (digits.length > 30) throw new Malformed('a number beyond 64 bits');
  const value = octal ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
  if (value > ALL || (negative && value > 1n << 63n))
    throw new Malformed('a number beyond 64 bits');
  return BigInt.asUintN(64, negative ? -value : value);
}

/** Constants that the names of an argument do not have by themselves. */
const EXTRA: Readonly<Record<string, bigint>> = {
  PROT_NONE: 0n,
  PROT_READ: 1n,
  PROT_WRITE: 2n,
  PROT_EXEC: 4n,
};

function constantOf(word: string, call: string, index: number): bigint {
  const own = argumentMeaning(call, index)?.names.find(([, name]) => name === word);
  if (own !== undefined) return own[0];
  if (Object.hasOwn(EXTRA, word)) return EXTRA[word] as bigint;
  throw new Malformed(`no value is known for the constant ${word}: write its number`);
}

/** single constants joined by |, each with an optional ~, in parentheses or not. */
function constant(cursor: Cursor, call: string, index: number, depth = 0): bigint {
  if (depth > 16) throw new Malformed('nested too deeply');
  let value = 0n;
  do {
    const negated = cursor.take('~');
    let one: bigint;
    if (cursor.take('(')) {
      one = constant(cursor, call, index, depth + 1);
      cursor.expect(')');
    } else {
      const token = cursor.next('a constant');
      if (token.kind === 'number') one = numberOf(token.text);
      else if (token.kind === 'word') one = constantOf(token.text, call, index);
      else throw new Malformed(`expected a constant, found ${JSON.stringify(token.text)}`);
    }
    value |= negated ? ALL & ~one : one;
  } while (cursor.take('|'));
  return value;
}

export function errno(cursor: Cursor): number {
  const token = cursor.next('an errno');
  const found = token.kind === 'number' ? Number(numberOf(token.text)) : errnoNumber(token.text);
  if (found === null || found > 4095) throw new Malformed(`no errno: ${token.text}`);
  return found;
}

const OPERATORS: Readonly<Record<string, Condition['op']>> = {
  '==': 'SCMP_CMP_EQ',
  '!=': 'SCMP_CMP_NE',
  '<': 'SCMP_CMP_LT',
  '<=': 'SCMP_CMP_LE',
  '>': 'SCMP_CMP_GT',
  '>=': 'SCMP_CMP_GE',
};

const masked = (index: number, mask: bigint, wanted: bigint): Condition => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: mask,
  valueTwo: wanted,
});

/** Alternatives. */
function atom(cursor: Cursor, call: string): Condition[] {
  const token = cursor.next('an argument');
  const index = token.kind === 'argument' ? Number(token.text.slice(3)) : 6;
  if (index > 5) throw new Malformed(`expected arg0 to arg5, found ${JSON.stringify(token.text)}`);
  const { text } = cursor.next('an operator');
  const value = constant(cursor, call, index);
  const op = OPERATORS[text];
  if (op !== undefined) return [{ index, op, value, valueTwo: 0n }];
  if (text === 'in') return [masked(index, ALL & ~value, 0n)];
  if (text !== '&') throw new Malformed(`expected an operator, found ${JSON.stringify(text)}`);
  const bits: Condition[] = [];
  for (let bit = 1n; bit <= value; bit <<= 1n) {
    if ((value & bit) !== 0n) bits.push(masked(index, bit, bit));
  }
  return bits;
}

/** One condition for each argument, as OCI needs it; null: nothing fits them all. */
function joined(conditions: readonly Condition[]): Condition[] | null {
  const made = new Map<number, Condition>();
  for (const condition of conditions) {
    const known = made.get(condition.index);
    if (known === undefined) {
      made.set(condition.index, condition);
      continue;
    }
    const [a, b] = [asMask(known), asMask(condition)];
    if (a === null || b === null) {
      throw new Malformed(
        `two conditions on arg${condition.index} that no OCI rule can hold together`,
      );
    }
    if (((a.wanted ^ b.wanted) & a.mask & b.mask) !== 0n) return null;
    made.set(condition.index, masked(condition.index, a.mask | b.mask, a.wanted | b.wanted));
  }
  return [...made.values()].filter(({ op, value }) => op !== 'SCMP_CMP_MASKED_EQ' || value !== 0n);
}

function asMask({ op, value, valueTwo }: Condition): { mask: bigint; wanted: bigint } | null {
  if (op === 'SCMP_CMP_EQ') return { mask: ALL, wanted: value };
  return op === 'SCMP_CMP_MASKED_EQ' ? { mask: value, wanted: valueTwo } : null;
}

/** Alternatives, each ANDed; one without conditions always holds. None: nothing fits. */
export function expression(cursor: Cursor, call: string): Condition[][] {
  const all: Condition[][] = [];
  do {
    let clause: Condition[][] = [[]];
    do {
      const alternatives = atom(cursor, call);
      clause = clause.flatMap((before) => alternatives.map((one) => [...before, one]));
      if (clause.length > MOST_ALTERNATIVES) throw new Malformed('too many alternatives');
    } while (cursor.take('&&'));
    for (const conditions of clause) {
      const one = joined(conditions);
      if (one !== null) all.push(one);
    }
    if (all.length > MOST_ALTERNATIVES) throw new Malformed('too many alternatives');
  } while (cursor.take('||'));
  return all;
}
