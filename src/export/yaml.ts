/**
 * Plain data to YAML that readers of 1.1 and of 1.2 read alike (src/import/yaml.ts says what that is):
 * block style, texts in double quotes wherever one of them could take them for something else.
 */
import { escapeUnsafeJson } from '../errors/text';

export type Plain = string | number | bigint | boolean | null | readonly Plain[] | PlainObject;
export interface PlainObject {
  readonly [key: string]: Plain | undefined;
}

/** No word, number or mark of either version can look like this. */
const PLAIN = /^[A-Za-z][A-Za-z0-9]*(?:[-_./][A-Za-z0-9]+)*$/;
const WORDS = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function quoted(text: string): string {
  return escapeUnsafeJson(JSON.stringify(text));
}

/**
 * A text of several lines that a literal block holds as it is: every line ended, the last one not empty.
 * YAML 1.1 ends lines at U+2028 and U+2029, too.
 */
function isLiteral(text: string): boolean {
  return (
    text.endsWith('\n') && !text.endsWith('\n\n') && !/^[\s]|[^\P{C}\n]|[\p{Zl}\p{Zp}]/u.test(text)
  );
}

function scalar(value: string | number | bigint | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  return PLAIN.test(value) && !WORDS.test(value) ? value : quoted(value);
}

function isObject(value: Plain): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands behind a key or a dash: on the same line, or below with this indentation. */
function behind(value: Plain, indent: string): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? ' []\n' : `\n${list(value, indent)}`;
  }
  if (isObject(value)) {
    return Object.keys(value).length === 0 ? ' {}\n' : `\n${map(value, indent)}`;
  }
  if (typeof value === 'string' && isLiteral(value)) {
    return ` |\n${value.replace(/^(?=[^\n])/gm, indent)}`;
  }
  return ` ${scalar(value as string | number | bigint | boolean | null)}\n`;
}

function list(items: readonly Plain[], indent: string): string {
  return items
    .map((item) => {
      // The first key stands behind the dash.
      if (isObject(item) && Object.keys(item).length > 0) {
        return `${indent}- ${map(item, `${indent}  `).slice(indent.length + 2)}`;
      }
      return `${indent}-${behind(item, `${indent}  `)}`;
    })
    .join('');
}

function map(object: PlainObject, indent: string): string {
  return Object.entries(object)
    .map(([key, value]) => {
      if (value === undefined) return '';
      const name = PLAIN.test(key) && !WORDS.test(key) ? key : quoted(key);
      return `${indent}${name}:${behind(value, `${indent}  `)}`;
    })
    .join('');
}

export function toYaml(object: PlainObject): string {
  return map(object, '');
}
