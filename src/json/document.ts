/** Text to a checked document: what every format of sysieve's has in common. */
import type { z } from 'zod';
import { type Issue, JsonError, type Source, schemaError, syntaxError } from './errors';
import { mistakenFor } from './kinds';
import { readJson } from './read';

/** JSON that has been read, and where it came from. */
export interface JsonDocument extends Source {
  readonly value: unknown;
}

/** Throws a SysieveError that says where the text is no JSON. */
export function readDocument(what: string, text: string, source: string): JsonDocument {
  try {
    return { what, source, text, value: readJson(text) };
  } catch (thrown) {
    if (thrown instanceof JsonError) throw syntaxError({ what, source, text }, thrown);
    throw thrown;
  }
}

/**
 * The document as the schema gives it. `inconsistencies`: what the schema cannot say, as issues;
 * `remedy`: instead of pointing to the JSON Schema.
 * Throws a SysieveError that says where the first wrong value is and what was expected.
 */
export function checkDocument<T>(
  schema: z.ZodType<T>,
  document: JsonDocument,
  options: { inconsistencies?: (data: T) => readonly Issue[]; remedy?: string } = {},
): T {
  // Loaded where it is needed: it brings zod.
  const { check }: typeof import('./check') = require('./check');
  const result = check(schema, document.value);
  const { remedy } = options;
  if (!result.ok) {
    const { knownKeys }: typeof import('./known-keys') = require('./known-keys');
    throw schemaError(document, result.issues, {
      remedy: mistakenFor(document.what, document.value) ?? remedy,
      known: (path) => knownKeys(schema, path),
    });
  }
  const issues = options.inconsistencies?.(result.data) ?? [];
  if (issues.length > 0) throw schemaError(document, issues, { remedy });
  return result.data;
}
