/** Errors about JSON input that say where: file, line and column, and the path in the document. */
import { SysieveError } from './index';

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

export function place(source: string, text: string, offset: number): string {
  const { line, column } = lineColumn(text, offset);
  return `${source}:${line}:${column}`;
}

/** runs[0].calls[3].abi */
export function showPath(path: JsonPath): string {
  let shown = '';
  for (const step of path) {
    if (typeof step === 'number') shown += `[${step}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(step)))
      shown += shown === '' ? String(step) : `.${String(step)}`;
    else shown += `[${JSON.stringify(String(step))}]`;
  }
  return shown === '' ? 'the document' : shown;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const SCALAR = /[^,\]}\s]+/y;

/**
 * The offset of the value at `path` in text that is known to be valid JSON. Where the path leads
 * past what is there (a missing key), the offset of the innermost value that is.
 */
export function locate(text: string, path: JsonPath): number {
  let at = 0;
  const eat = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  };
  const skipValue = () => {
    let depth = 0;
    do {
      eat(SPACE);
      const char = text[at];
      if (char === '{' || char === '[') {
        depth += 1;
        at += 1;
      } else if (char === '}' || char === ']') {
        depth -= 1;
        at += 1;
      } else if (char === ',' || char === ':') at += 1;
      else if (char === '"') eat(STRING);
      else if (eat(SCALAR) === '') return;
      eat(SPACE);
    } while (depth > 0);
  };
  const enter = (step: PropertyKey): boolean => {
    const open = text[at];
    if (open !== '{' && open !== '[') return false;
    at += 1;
    for (let index = 0; ; index += 1) {
      eat(SPACE);
      if (text[at] === '}' || text[at] === ']') return false;
      let key: PropertyKey = index;
      if (open === '{') {
        key = JSON.parse(eat(STRING)) as string;
        eat(SPACE);
        at += 1; // the colon
        eat(SPACE);
      }
      if (key === step || String(key) === String(step)) return true;
      skipValue();
      if (text[at] === ',') at += 1;
    }
  };
  eat(SPACE);
  for (const step of path) {
    const parent = at;
    if (!enter(step)) return parent;
  }
  return at;
}

/**
 * The error for text that a JSON parser refused with a message ending in "at position N".
 * `what` is a noun ("recording") that also begins the code: recording-truncated, recording-syntax.
 */
export function jsonSyntaxError(
  what: string,
  source: string,
  text: string,
  thrown: unknown,
): SysieveError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof RangeError) {
    return new SysieveError(
      'input',
      `${what}-syntax`,
      `${source}: nested too deeply to be a ${what}`,
    );
  }
  const found = /^(.*?)(?: but (?:got .*|reached end of input))? at position (\d+)$/s.exec(message);
  const end = text.trimEnd().length;
  const offset = found === null ? 0 : Math.min(Number(found[2]), text.length);
  if (end === 0) {
    return new SysieveError('input', `${what}-truncated`, `${source}: the file is empty`, {
      remedy: `Give a whole ${what}.`,
    });
  }
  const rest = text.slice(offset, end);
  const cutWord = rest !== '' && ['true', 'false', 'null'].some((word) => word.startsWith(rest));
  const cutEscape = /^\\(?:u[\da-fA-F]{0,3})?$/.test(rest);
  if (offset >= end || cutWord || cutEscape) {
    return new SysieveError(
      'input',
      `${what}-truncated`,
      `${place(source, text, end)}: the ${what} ends too early`,
      { remedy: `The file was cut short; make or copy the ${what} again.`, cause: message },
    );
  }
  const expected = found?.[1] ?? message;
  return new SysieveError(
    'input',
    `${what}-syntax`,
    `${place(source, text, offset)}: not JSON: ${expected}`,
    { cause: message },
  );
}

/** The part of a zod issue that is read here. */
export interface Issue {
  readonly path: JsonPath;
  readonly message: string;
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** The error for a document that is JSON but not what `what` names: the first issue, and how many more. */
export function jsonSchemaError(
  what: string,
  source: string,
  text: string,
  issues: readonly Issue[],
): SysieveError {
  const first = issues[0] ?? { path: [], message: 'not as expected' };
  const extra = first.code === 'unrecognized_keys' ? first.keys?.[0] : undefined;
  const where = locate(text, extra === undefined ? first.path : [...first.path, extra]);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new SysieveError(
    'input',
    `${what}-schema`,
    `${place(source, text, where)}: not a ${what}: ${showPath(first.path)}: ${first.message}${more}`,
    { remedy: `\`sysieve schema ${what}\` prints what a ${what} holds.` },
  );
}
