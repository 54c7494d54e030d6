/** Errors about JSON input that say where: file, line and column, and what was expected there. */
import { SysieveError } from '../errors';
import { nearest } from '../errors/near';
import { describe, find, type JsonPath, type Located, place, showPath } from './place';

/** What `readJson` throws; the place is an offset, since it does not know the file. */
export class JsonError extends Error {
  constructor(
    readonly offset: number,
    message: string,
    /** cut: the text ends where more was expected; refused: JSON, but in no document of ours. */
    readonly kind: 'syntax' | 'cut' | 'duplicate' | 'refused' = 'syntax',
  ) {
    super(message);
    this.name = 'JsonError';
  }
}

/** A text, and how errors name it. */
export interface Source {
  /** A noun ("recording") that also begins the codes: recording-truncated, recording-syntax. */
  readonly what: string;
  /** A file, or "standard input". */
  readonly source: string;
  readonly text: string;
  /** Where values are in a text that is not JSON. */
  readonly finder?: {
    readonly find: (path: JsonPath) => Located;
    /** The value at an offset that `find` gave, in a few words. */
    readonly describe: (offset: number) => string;
  };
}

function withArticle(what: string): string {
  return what === 'evidence' ? what : `a ${what}`;
}

export function syntaxError({ what, source, text }: Source, error: JsonError): SysieveError {
  if (text.trimEnd() === '') {
    return new SysieveError('input', `${what}-truncated`, `${source}:1:1: the file is empty`, {
      remedy: `Give the whole ${what}.`,
    });
  }
  if (error.kind === 'cut') {
    const end = place(source, text, text.trimEnd().length);
    return new SysieveError(
      'input',
      `${what}-truncated`,
      `${end}: the ${what} ends too early: ${error.message}`,
      { remedy: `Make or copy the ${what} again: the file was cut short.` },
    );
  }
  const where = place(source, text, error.offset);
  if (error.kind === 'duplicate') {
    return new SysieveError('input', `${what}-duplicate-key`, `${where}: ${error.message}`, {
      remedy: 'Leave one of the two out: readers of JSON differ in which they take.',
    });
  }
  const says = error.kind === 'refused' ? error.message : `not JSON: ${error.message}`;
  return new SysieveError('input', `${what}-syntax`, `${where}: ${says}`);
}

/** The part of a zod issue that is read here. */
export interface Issue {
  readonly path: JsonPath;
  readonly message: string;
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  /** Of a key that is not allowed: why. */
  readonly issues?: readonly { readonly message: string }[] | undefined;
  /** Of a union: what is wrong for each of its options. */
  readonly errors?: readonly (readonly Issue[])[] | undefined;
}

/** The keys that are known at a path. */
export type KnownKeys = (path: JsonPath) => readonly string[];

/**
 * zod says of a union only that no option fits. Where one fits better than the others, what is wrong
 * is what is wrong for that one.
 */
function throughUnions(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const ofAnotherType = (options: readonly Issue[]) =>
    options.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  const options = (issue.errors ?? []).filter((option) => !ofAnotherType(option));
  const fewest = Math.min(...options.map((option) => option.length));
  const [best, other] = options.filter((option) => option.length === fewest);
  if (best === undefined || other !== undefined) return [issue];
  return best.flatMap((inner) =>
    throughUnions({ ...inner, path: [...issue.path, ...inner.path] } as Issue),
  );
}

function meant(key: string, known: readonly string[]): string {
  const near = nearest(key, known, 2).map((name) => JSON.stringify(name));
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
}

/** Past this many, only that there are more is said. */
export const MAX_ISSUES = 100;

/** zod's words for what was expected, where ours are clearer. `found`: the value as it is written. */
function expectedText(message: string, found: string): string {
  const text = message.replace(/^Invalid \w+: /, '').replace(/, received \w+$/, '');
  if (text !== 'expected number' && text !== 'expected int') return text;
  // Every number in our formats is an integer.
  const range = /^-?\d{16}/.test(found) ? ` of at most ${Number.MAX_SAFE_INTEGER}` : '';
  return `expected an integer${range}`;
}

function issueText(
  issue: Issue,
  source: Source,
  known: KnownKeys,
): { offset: number; says: string } {
  const { text } = source;
  const located = source.finder?.find ?? ((path: JsonPath) => find(text, path));
  const described = source.finder?.describe ?? ((offset: number) => describe(text, offset));
  const extra = issue.code === 'unrecognized_keys' ? issue.keys?.[0] : undefined;
  if (extra !== undefined) {
    const path = [...issue.path, extra];
    const says = `${showPath(path)}: no such key is known${meant(extra, known(issue.path))}`;
    return { offset: located(path).key, says };
  }
  const { offset, key, there } = located(issue.path);
  const where = showPath(issue.path);
  if (issue.code === 'invalid_key') {
    const wanted = issue.issues?.[0]?.message ?? issue.message;
    return { offset: key, says: `${where}: not a key that goes here: ${expectedText(wanted, '')}` };
  }
  // Our own checks have no code, and their message says all.
  if (issue.code === undefined) return { offset, says: `${where}: ${issue.message}` };
  const found = there ? described(offset) : '';
  const expected = `${where}: ${expectedText(issue.message, found)}`;
  if (!there) return { offset, says: `${expected}, which is missing` };
  const length = /^Too (?:small|big): expected (?:array|record)/.test(issue.message);
  return { offset, says: length ? expected : `${expected}, found ${found}` };
}

/** The error for a document that is JSON but not what `what` names: the first issue, and how many more. */
export function schemaError(
  document: Source,
  wrong: readonly Issue[],
  { remedy, known = () => [] }: { remedy?: string | undefined; known?: KnownKeys } = {},
): SysieveError {
  const { what, source, text } = document;
  const issues = wrong.slice(0, MAX_ISSUES).flatMap(throughUnions);
  const first = issues[0] ?? { path: [], message: 'not as expected' };
  const { offset, says } = issueText(first, document, known);
  const others = Math.max(issues.length, wrong.length) - 1;
  const count = others >= MAX_ISSUES - 1 ? `at least ${others}` : `${others}`;
  return new SysieveError(
    'input',
    `${what}-schema`,
    `${place(source, text, offset)}: not ${withArticle(what)}: ${says}${others > 0 ? ` (and ${count} more)` : ''}`,
    {
      remedy: remedy ?? `Run 'sysieve schema ${what}': it prints what ${withArticle(what)} holds.`,
    },
  );
}

/** The error for a document of a version that only a newer sysieve knows. */
export function newerError(
  source: Source,
  version: number | bigint,
  newest: number,
  remedy: string,
): SysieveError {
  const { what, text } = source;
  const where = place(source.source, text, find(text, ['version']).offset);
  return new SysieveError(
    'input',
    `${what}-version`,
    `${where}: ${what} of version ${version}, made by a newer sysieve: this one knows versions up to ${newest}`,
    { remedy },
  );
}
