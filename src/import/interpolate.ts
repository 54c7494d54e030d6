/** Variables in a Compose file, as its specification has them (12-interpolation.md). */

export interface Variables {
  readonly get: (name: string) => string | undefined;
  /** One that is not set and has no default, and what a `?` says about it. */
  readonly onMissing: (name: string, says: string | null) => void;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const DEPTH = 16;

/** Where the brace that was opened just before `from` is closed; -1: nowhere. */
function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{' && text[at - 1] === '$') depth += 1;
    else if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

function braced(inner: string, variables: Variables, depth: number): string | null {
  const name = NAME.exec(inner)?.[0];
  if (name === undefined) return null;
  const rest = inner.slice(name.length);
  const value = variables.get(name);
  if (rest === '') {
    if (value === undefined) variables.onMissing(name, null);
    return value ?? '';
  }
  const match = /^(:?)([-?+])([\s\S]*)$/.exec(rest);
  if (match === null) return null;
  const [, colon, kind, word = ''] = match;
  const set = value !== undefined && (colon === '' || value !== '');
  const filled = (): string => interpolate(word, variables, depth + 1);
  if (kind === '+') return set ? filled() : '';
  if (set) return value;
  if (kind === '-') return filled();
  variables.onMissing(name, filled());
  return '';
}

/** What is no variable is left as it is. `$$` is a dollar sign. */
export function interpolate(text: string, variables: Variables, depth = 0): string {
  if (depth > DEPTH || !text.includes('$')) return text;
  let made = '';
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('$', at);
    if (next === -1) return made + text.slice(at);
    made += text.slice(at, next);
    const end = text[next + 1] === '{' ? closing(text, next + 2) : -1;
    const inner = end === -1 ? null : braced(text.slice(next + 2, end), variables, depth);
    const name = NAME.exec(text.slice(next + 1, next + 257))?.[0];
    if (text[next + 1] === '$') {
      made += '$';
      at = next + 2;
    } else if (inner !== null) {
      made += inner;
      at = end + 1;
    } else if (name !== undefined) {
      const value = variables.get(name);
      if (value === undefined) variables.onMissing(name, null);
      made += value ?? '';
      at = next + 1 + name.length;
    } else {
      made += '$';
      at = next + 1;
    }
  }
  return made;
}

/** NAME=VALUE lines, as an .env file beside a Compose file has them. Nothing in it is expanded. */
export function parseEnvFile(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, name = '', written = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(written);
    found.set(name, quoted?.[2] ?? written.replace(/\s+#.*$/, ''));
  }
  return found;
}
