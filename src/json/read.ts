/**
 * JSON text to a value, strictly: what RFC 8259 leaves to the parser is an error here. A key given
 * twice (most parsers let the last one win, so two readers of one file may see different documents),
 * numbers that are not plain integers (kept as NumberLiteral, which no field takes), nesting and
 * sizes no document of ours has. Memory is bounded by the text: strings are slices of it, and the
 * number of values and of distinct keys is limited.
 */
import { JsonError } from './errors';
import { quote } from './place';

/** A number that is no plain integer: a fraction, an exponent, minus zero. */
export class NumberLiteral {
  constructor(readonly literal: string) {}
}

export interface Limits {
  /** Containers in containers; the deepest format of ours nests nine. */
  depth: number;
  /** Values of all kinds together. */
  values: number;
  distinctKeys: number;
}

/** A recording of the largest size read holds about 9 million values. */
const LIMITS: Limits = { depth: 64, values: 10_000_000, distinctKeys: 100_000 };

const PLAIN_INTEGER = /^(?:0|-?[1-9]\d*)$/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Of 15 digits, every integer is exact. */
const EXACT_DIGITS = 15;

function numberOf(literal: string): number | bigint | NumberLiteral {
  if (!PLAIN_INTEGER.test(literal)) return new NumberLiteral(literal);
  const number = Number(literal);
  if (literal.length <= EXACT_DIGITS || Number.isSafeInteger(number)) return number;
  // A u64 has 20 digits. Beyond, the value does not matter, and millions of digits take minutes.
  return literal.length > 64 ? new NumberLiteral(literal) : BigInt(literal);
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const WORDS: readonly (readonly [word: string, value: boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

class Reader {
  private at = 0;
  private depth = 0;
  private values = 0;
  private readonly keys = new Set<string>();

  constructor(
    private readonly text: string,
    private readonly limits: Limits,
  ) {}

  document(): unknown {
    if (this.text.charCodeAt(0) === 0xfeff) {
      throw new JsonError(0, 'expected no byte order mark', 'refused');
    }
    this.skipSpace();
    const value = this.value('a JSON value');
    if (this.at < this.text.length) throw this.unexpected('the end of the file');
    return value;
  }

  private fail(what: string, offset = this.at): JsonError {
    return new JsonError(offset, what);
  }

  /** For what is JSON, but in no document of ours. */
  private refused(what: string, offset = this.at): JsonError {
    return new JsonError(offset, what, 'refused');
  }

  /** `wanted` was expected here, and something else or nothing is. */
  private unexpected(wanted: string): JsonError {
    if (this.at >= this.text.length) return new JsonError(this.at, `expected ${wanted}`, 'cut');
    const code = this.text.codePointAt(this.at) ?? 0;
    const printed =
      code > SPACE && code < 0x7f
        ? String.fromCodePoint(code)
        : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    return new JsonError(this.at, `expected ${wanted}, found ${printed}`);
  }

  private skipSpace(): void {
    const { text } = this;
    for (;;) {
      const code = text.charCodeAt(this.at);
      if (code !== SPACE && code !== LINE_FEED && code !== RETURN && code !== TAB) {
        return;
      }
      this.at += 1;
    }
  }

  /** A value and the space behind it. */
  private value(wanted: string): unknown {
    this.values += 1;
    if (this.values > this.limits.values) {
      throw this.refused(`more than ${this.limits.values} values in one file`);
    }
    const code = this.text.charCodeAt(this.at);
    let value: unknown;
    if (code === QUOTE) value = this.string();
    else if (code === OPEN_BRACE) value = this.object();
    else if (code === OPEN_BRACKET) value = this.array();
    else if (code === MINUS || (code >= ZERO && code <= NINE)) value = this.number();
    else value = this.word(wanted);
    this.skipSpace();
    return value;
  }

  private word(wanted: string): boolean | null {
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    const rest = this.text.slice(this.at, this.at + 6);
    if (rest !== '' && WORDS.some(([word]) => word.startsWith(rest))) {
      throw new JsonError(this.at, `expected ${wanted}`, 'cut');
    }
    throw this.unexpected(wanted);
  }

  private number(): number | bigint | NumberLiteral {
    const { text } = this;
    const start = this.at;
    let code = text.charCodeAt(start);
    // Nearly all numbers are short plain integers.
    if (code !== MINUS) {
      let number = 0;
      let end = start;
      while (code >= ZERO && code <= NINE) {
        number = number * 10 + (code - ZERO);
        end += 1;
        code = text.charCodeAt(end);
      }
      const digits = end - start;
      const plain = (code | 0x20) !== 0x65 && code !== DOT;
      if (plain && (digits === 1 || (digits <= EXACT_DIGITS && text.charCodeAt(start) !== ZERO))) {
        this.at = end;
        return number;
      }
    }
    NUMBER.lastIndex = start;
    const literal = NUMBER.exec(text)?.[0];
    if (literal === undefined) {
      this.at += 1;
      throw this.unexpected('a digit');
    }
    this.at += literal.length;
    if (/^[.eE\d]/.test(text.charAt(this.at))) {
      if (/^\d/.test(text.charAt(this.at))) {
        throw this.fail('expected a number without leading zeros', start);
      }
      this.at += /^[eE][+-]/.test(text.slice(this.at, this.at + 2)) ? 2 : 1;
      throw this.unexpected('a digit');
    }
    return numberOf(literal);
  }

  private string(): string {
    const { text } = this;
    const start = this.at + 1;
    let escaped = false;
    for (let at = start; ; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.at = at + 1;
        if (!escaped) return text.slice(start, at);
        // The escapes have been checked: this cannot fail.
        return JSON.parse(text.slice(start - 1, at + 1)) as string;
      }
      if (code === BACKSLASH) {
        escaped = true;
        at = this.escape(at);
      } else if (!(code >= SPACE)) {
        this.at = at;
        throw at >= text.length
          ? this.unexpected('the end of the string, "')
          : this.unexpected('no control character in a string');
      }
    }
  }

  /** The offset of the last character of the escape at `at`. */
  private escape(at: number): number {
    const whole = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/.exec(this.text.slice(at, at + 6))?.[0];
    if (whole !== undefined) return at + whole.length - 1;
    const rest = this.text.slice(at, at + 6);
    if (at + rest.length === this.text.length && /^\\(?:u[\da-fA-F]{0,3})?$/.test(rest)) {
      throw new JsonError(this.text.length, 'expected the rest of an escape', 'cut');
    }
    throw this.fail('expected an escape: \\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and 4 digits', at);
  }

  private enter(): void {
    this.depth += 1;
    if (this.depth > this.limits.depth) {
      throw this.refused(`nested too deeply, expected at most ${this.limits.depth} levels`);
    }
    this.at += 1;
    this.skipSpace();
  }

  private leave(): void {
    this.depth -= 1;
    this.at += 1;
  }

  private array(): unknown[] {
    this.enter();
    const array: unknown[] = [];
    if (this.text.charCodeAt(this.at) !== CLOSE_BRACKET) {
      for (;;) {
        array.push(this.value(array.length === 0 ? 'a value or ]' : 'a value'));
        const code = this.text.charCodeAt(this.at);
        if (code === CLOSE_BRACKET) break;
        if (code !== COMMA) throw this.unexpected(', or ]');
        this.at += 1;
        this.skipSpace();
      }
    }
    this.leave();
    return array;
  }

  private key(object: object): string {
    const start = this.at;
    if (this.text.charCodeAt(start) !== QUOTE) {
      throw this.unexpected(
        Object.keys(object).length === 0 ? 'a key in quotes or }' : 'a key in quotes',
      );
    }
    const key = this.string();
    if (Object.hasOwn(object, key)) {
      throw new JsonError(start, `expected each key once, found ${quote(key)} again`, 'duplicate');
    }
    // A plain assignment would set the prototype, and no format of ours has such a key.
    if (key === '__proto__') throw this.refused('expected no key "__proto__"', start);
    this.keys.add(key);
    if (this.keys.size > this.limits.distinctKeys) {
      throw this.refused(`more than ${this.limits.distinctKeys} different keys`, start);
    }
    this.skipSpace();
    if (this.text.charCodeAt(this.at) !== COLON) throw this.unexpected(': after the key');
    this.at += 1;
    this.skipSpace();
    return key;
  }

  private object(): Record<string, unknown> {
    this.enter();
    const object: Record<string, unknown> = {};
    if (this.text.charCodeAt(this.at) !== CLOSE_BRACE) {
      for (;;) {
        const key = this.key(object);
        object[key] = this.value('a value');
        const code = this.text.charCodeAt(this.at);
        if (code === CLOSE_BRACE) break;
        if (code !== COMMA) throw this.unexpected(', or }');
        this.at += 1;
        this.skipSpace();
      }
    }
    this.leave();
    return object;
  }
}

/** Integers are numbers where that is exact, and bigints beyond. Throws a JsonError. */
export function readJson(text: string, limits: Limits = LIMITS): unknown {
  return new Reader(text, limits).document();
}
