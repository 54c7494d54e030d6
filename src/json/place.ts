/** Where in a JSON text something is: offset, line and column, path. */

export type JsonPath = readonly PropertyKey[];

/** 1-based line and column (in UTF-16 units) of an offset. */
export function lineColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

/** The same for many offsets: the lines are counted once. */
export function linesOf(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}

export function place(source: string, text: string, offset: number): string {
  const { line, column } = lineColumn(text, offset);
  return `${source}:${line}:${column}`;
}

const SHOWN = 60;

/** In quotes, and short whatever it was. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

/** runs[0].calls[3].abi */
export function showPath(path: JsonPath): string {
  let shown = '';
  for (const step of path) {
    if (typeof step === 'number') shown += `[${step}]`;
    else if (/^[A-Za-z_$][\w$]{0,63}$/.test(String(step)))
      shown += shown === '' ? String(step) : `.${String(step)}`;
    else shown += `[${quote(String(step))}]`;
  }
  return shown === '' ? 'the document' : shown;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /[^,\]}\s]+/y;
const BRACKET = /["{}[\]]/g;

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

/** Walks over text that is known to be valid JSON. */
class Walker {
  at = 0;

  constructor(private readonly text: string) {}

  eat(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  // Not a pattern: one that repeats a group fails on a string of megabytes.
  string(): string {
    const start = this.at;
    let end = this.text.indexOf('"', start + 1);
    while (isEscaped(this.text, end)) end = this.text.indexOf('"', end + 1);
    this.at = end + 1;
    return this.text.slice(start, this.at);
  }

  skipValue(): void {
    this.eat(SPACE);
    const char = this.text[this.at];
    if (char === '"') this.string();
    else if (char === '{' || char === '[') this.skipContainer();
    else this.eat(SCALAR);
    this.eat(SPACE);
  }

  /** From bracket to bracket, and over strings, which may hold some. */
  private skipContainer(): void {
    let depth = 0;
    do {
      BRACKET.lastIndex = this.at;
      const found = BRACKET.exec(this.text);
      if (found === null) return;
      this.at = found.index;
      if (found[0] === '"') {
        this.string();
        continue;
      }
      depth += found[0] === '{' || found[0] === '[' ? 1 : -1;
      this.at += 1;
    } while (depth > 0);
  }

  /** Where the key of the value last entered begins; of an element the element. */
  key = 0;

  /** The values in the container here: by key, or in order; null: this is no container. */
  children(): Map<string, number> | null {
    const open = this.text[this.at];
    if (open !== '{' && open !== '[') return null;
    const found = new Map<string, number>();
    this.at += 1;
    for (;;) {
      this.eat(SPACE);
      if (this.text[this.at] === '}' || this.text[this.at] === ']') return found;
      let key = String(found.size);
      if (open === '{') {
        key = JSON.parse(this.string()) as string;
        this.eat(SPACE);
        this.at += 1; // the colon
        this.eat(SPACE);
      }
      found.set(key, this.at);
      this.skipValue();
      if (this.text[this.at] === ',') this.at += 1;
    }
  }

  /** Into the container here, to the value of a key or index; false: it has none. */
  enter(step: PropertyKey): boolean {
    const open = this.text[this.at];
    if (open !== '{' && open !== '[') return false;
    this.at += 1;
    for (let index = 0; ; index += 1) {
      this.eat(SPACE);
      if (this.text[this.at] === '}' || this.text[this.at] === ']') return false;
      let key: PropertyKey = index;
      const start = this.at;
      if (open === '{') {
        key = JSON.parse(this.string()) as string;
        this.eat(SPACE);
        this.at += 1; // the colon
        this.eat(SPACE);
      }
      if (key === step || String(key) === String(step)) {
        this.key = start;
        return true;
      }
      this.skipValue();
      if (this.text[this.at] === ',') this.at += 1;
    }
  }
}

export interface Located {
  offset: number;
  /** Of its key, or of the value itself where that has none. */
  key: number;
  /** False: the path leads past what is there; the offset is that of the innermost value that is. */
  there: boolean;
}

/** The value at `path` in text that is known to be valid JSON. */
export function find(text: string, path: JsonPath): Located {
  const walker = new Walker(text);
  walker.eat(SPACE);
  for (const step of path) {
    const offset = walker.at;
    if (!walker.enter(step)) return { offset, key: offset, there: false };
  }
  return { offset: walker.at, key: walker.key, there: true };
}

/** The offset just behind the value at `path`, which is there. */
export function endOf(text: string, path: JsonPath): number {
  const walker = new Walker(text);
  walker.at = find(text, path).offset;
  walker.skipValue();
  return text.slice(0, walker.at).trimEnd().length;
}

/** The offset that `find` gives. */
export function locate(text: string, path: JsonPath): number {
  return find(text, path).offset;
}

/**
 * The offset of the value at a path, or of the innermost one there is, for many paths in one text:
 * every container is walked over once. The text is known to be valid JSON.
 */
export function offsetsIn(text: string): (path: JsonPath) => number {
  const seen = new Map<number, Map<string, number> | null>();
  const start = new Walker(text);
  start.eat(SPACE);
  const root = start.at;
  return (path) => {
    let at = root;
    for (const step of path) {
      let children = seen.get(at);
      if (children === undefined) {
        const walker = new Walker(text);
        walker.at = at;
        children = walker.children();
        seen.set(at, children);
      }
      const next = children?.get(String(step));
      if (next === undefined) return at;
      at = next;
    }
    return at;
  };
}

/** What the value at an offset is, in a few words for an error. */
export function describe(text: string, offset: number): string {
  const walker = new Walker(text);
  walker.at = offset;
  const char = text[offset];
  if (char === '{') return 'an object';
  if (char === '[') return 'a list';
  const token = char === '"' ? walker.string() : walker.eat(SCALAR);
  return token.length > SHOWN ? `${token.slice(0, SHOWN)}…` : token;
}
