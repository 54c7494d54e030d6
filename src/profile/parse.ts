/** Text to Profile, exact for u64; every way the text can be wrong is an error that says where. */
import { SysieveError } from '../errors';
import {
  checkDocument,
  type JsonDocument,
  type JsonPath,
  locate,
  place,
  readDocument,
  showPath,
} from '../json';
import { checkGatedProfile, type GatedProfile } from './gated';
import { ordinaryProfile } from './ordinary';
import type { Profile } from './schema';

const GATED_TOP = ['archMap', 'defaultErrno'];
const GATED_RULE = ['includes', 'excludes', 'minKernel', 'errno'];

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** The first field that Docker's and Podman's own formats have and OCI has not. */
function findGate(document: unknown): JsonPath | null {
  const top = GATED_TOP.find((key) => has(document, key));
  if (top !== undefined) return [top];
  const rules: unknown = has(document, 'syscalls')
    ? (document as { syscalls: unknown }).syscalls
    : [];
  for (const [index, rule] of (Array.isArray(rules) ? rules : []).entries()) {
    const key = GATED_RULE.find((name) => has(rule, name));
    if (key !== undefined) return ['syscalls', index, key];
  }
  return null;
}

function checkProfile(document: JsonDocument): Profile {
  const ordinary = ordinaryProfile(document.value);
  if (ordinary !== null) return ordinary;
  // Loaded where it is needed: it brings zod.
  const { ProfileSchema }: typeof import('./schema') = require('./schema');
  return checkDocument(ProfileSchema, document);
}

/** `source` names the input in errors: a file, or "standard input". */
export function parseProfile(text: string, source: string): Profile {
  const document = readDocument('profile', text, source);
  const gate = findGate(document.value);
  if (gate !== null) {
    throw new SysieveError(
      'input',
      'profile-gated',
      `${place(source, text, locate(text, gate))}: ${showPath(gate)} belongs to Docker's or ` +
        "Podman's own format, not to an OCI profile",
      {
        remedy:
          "Give a plain OCI profile ('sysieve import' makes one): other runtimes ignore such a gate and " +
          'permit the call.',
      },
    );
  }
  return checkProfile(document);
}

/** What Docker's and Podman's files may also hold, without a meaning of its own. */
const GATED_WORDS = ['name', 'comment'];

/** Null where something could be: the engines write and read it so, OCI's schema has none. */
function holdsNull(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).includes(null);
}

function isGated(document: unknown): boolean {
  if (findGate(document) !== null || holdsNull(document)) return true;
  const rules = has(document, 'syscalls') ? (document as { syscalls: unknown }).syscalls : [];
  return (
    Array.isArray(rules) &&
    rules.some((rule) => GATED_WORDS.some((key) => has(rule, key)) || holdsNull(rule))
  );
}

/** A profile in the format that its keys say: OCI's, or Docker's or Podman's. */
export type EitherProfile =
  | { readonly format: 'oci'; readonly value: Profile }
  | { readonly format: 'gated'; readonly value: GatedProfile };

export function parseEitherProfile(document: JsonDocument): EitherProfile {
  return isGated(document.value)
    ? { format: 'gated', value: checkGatedProfile(document) }
    : { format: 'oci', value: checkProfile(document) };
}

export function profileJsonSchema(): object {
  const { profileJsonSchema: make }: typeof import('./schema') = require('./schema');
  return make();
}
