/**
 * How a format of sysieve's moves on. Each format says in one place which version is written, and how
 * a document of every earlier one becomes one of the next; its schema knows the current one only.
 */
import { newerError, type Source } from './errors';
import { mistakenFor } from './kinds';

type Fields = Readonly<Record<string, unknown>>;

/**
 * A document of one version to the next. It is not checked yet, and comes from anybody: what is not of
 * the shape that is expected stays as it is, for the schema to refuse. `version` is set by the reader.
 */
export type Migration = (document: Fields) => Fields;

export interface Versions {
  /** What is written, and what the schema describes. */
  readonly current: number;
  /** The version of documents that name none; absent: there are no such documents. */
  readonly unmarked?: number;
  /** By the version they begin at: one for every version before the current. */
  readonly migrations: Readonly<Record<number, Migration>>;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the document says that it is of a version that this sysieve does not know yet. */
export function isNewer(
  value: unknown,
  { current }: Versions,
): value is { version: number | bigint } {
  const version = isFields(value) ? value.version : undefined;
  return (typeof version === 'number' || typeof version === 'bigint') && version > current;
}

/**
 * The value as one of the current version. What has no version that was ever written is returned as it
 * is: the schema says what is wrong with it.
 */
export function migrate(value: unknown, versions: Versions): unknown {
  if (!isFields(value)) return value;
  const version = value.version === undefined ? versions.unmarked : value.version;
  if (typeof version !== 'number' || versions.migrations[version] === undefined) return value;
  let document = value;
  for (let from = version; from < versions.current; from += 1) {
    const migration = versions.migrations[from];
    if (migration === undefined) throw new Error(`no migration from version ${from}`);
    document = { ...migration(document), version: from + 1 };
  }
  return document;
}

/**
 * A document that was read, of the current version. Throws a SysieveError for one of a newer version:
 * it may well hold fields that this sysieve does not know, and `instead` says what else can be done.
 */
export function upToDate<Document extends Source & { readonly value: unknown }>(
  document: Document,
  versions: Versions,
  instead = '',
): Document {
  const { value } = document;
  // Another file of ours has versions of its own: the schema tells that it is another.
  if (isNewer(value, versions) && mistakenFor(document.what, value) === null) {
    throw newerError(document, value.version, versions.current, `Update sysieve${instead}.`);
  }
  return { ...document, value: migrate(value, versions) };
}
