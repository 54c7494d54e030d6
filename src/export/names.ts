/** What platforms take for a name. Users' own words go into paths, units and objects only through here. */
import { SysieveError } from '../errors';

function invalid(what: string, value: string, remedy: string): SysieveError {
  return new SysieveError('input', 'name-invalid', `${JSON.stringify(value)} is no ${what}`, {
    remedy,
  });
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** RFC 1123, as Kubernetes has it: usable in an object's name, a path, a unit and a C identifier's place. */
export function checkLabel(what: string, value: string, remedy: string): string {
  if (!LABEL.test(value)) throw invalid(what, value, remedy);
  return value;
}

/** The name of an object of Kubernetes: labels with dots between them, 253 characters. */
export function checkObjectName(what: string, value: string): string {
  if (value.length <= 253 && SUBDOMAIN.test(value)) return value;
  throw invalid(
    what,
    value,
    'Of lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253.',
  );
}

/** The name that a profile has in the formats: of its file, without endings. */
export function nameOfFile(source: string): string {
  const base = source.split('/').at(-1) ?? '';
  return base.replace(/\.(?:json|ya?ml)$/i, '');
}

/** A reference to an image, without what systemd would read: blanks, quotes, % and backslashes. */
const IMAGE = /^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,511}$/;

export function checkImage(image: string): string {
  if (IMAGE.test(image)) return image;
  throw invalid('reference to an image', image, 'For example registry.example/app:1.2, in full.');
}
