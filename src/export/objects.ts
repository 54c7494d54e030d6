/** Objects of Kubernetes as files. */
import { stringify } from 'lossless-json';
import { SysieveError } from '../errors';
import { escapeUnsafeJson } from '../errors/text';
import type { ExportedFile, ExportOptions } from './types';
import { type PlainObject, toYaml } from './yaml';

/** etcd takes requests of 1.5 MiB (--max-request-bytes); what else an object gathers needs room, too. */
const OBJECT_LIMIT = 1024 * 1024;

/** `what` names the object in the error. */
export function objectFile(
  name: string,
  object: PlainObject,
  { syntax }: ExportOptions,
  what: string,
): ExportedFile {
  const json = escapeUnsafeJson(`${stringify(object, null, 2) ?? ''}\n`);
  const data = syntax === 'json' ? json : toYaml(object);
  if (Buffer.byteLength(json) > OBJECT_LIMIT) {
    throw new SysieveError(
      'input',
      'export-too-large',
      `${what} would have ${Buffer.byteLength(json)} bytes: an API server takes ${OBJECT_LIMIT} at most`,
      { remedy: 'Export fewer profiles at once.' },
    );
  }
  return { name: `${name}.${syntax === 'json' ? 'json' : 'yaml'}`, data };
}
