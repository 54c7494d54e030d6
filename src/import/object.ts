/** Objects of Kubernetes and configurations, in YAML or JSON. */
import { SysieveError } from '../errors';
import { type JsonDocument, type JsonPath, locate, place, readDocument, showPath } from '../json';
import type { ImportInput } from './types';
import { readYaml } from './yaml';

export async function readObject({ text, source }: ImportInput): Promise<JsonDocument> {
  return /^\s*[{[]/.test(text) ? readDocument('profile', text, source) : readYaml(text, source);
}

export function nameOf({ value }: JsonDocument): string | null {
  const name = (value as { metadata?: { name?: unknown } } | null)?.metadata?.name;
  return typeof name === 'string' ? name : null;
}

/** An error about the value at `path`. */
export function refusal(
  document: JsonDocument,
  path: JsonPath,
  says: string,
  remedy?: string,
): SysieveError {
  const { source, text, finder } = document;
  const offset = finder === undefined ? locate(text, path) : finder.find(path).offset;
  return new SysieveError(
    'input',
    'import-refused',
    `${place(source, text, offset)}: ${showPath(path)}: ${says}`,
    remedy === undefined ? {} : { remedy },
  );
}
