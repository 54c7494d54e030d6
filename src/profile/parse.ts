/** Text to Profile, exact for u64; every way the text can be wrong is an error that says where. */
import { LosslessNumber, parse } from 'lossless-json';
import { SysieveError } from '../errors';
import {
  type JsonPath,
  jsonSchemaError,
  jsonSyntaxError,
  locate,
  place,
  showPath,
} from '../errors/json';
import { type Profile, ProfileSchema } from './schema';

/** Numbers stay exact; what is not a plain integer stays an object, which no field of a profile takes. */
export function exactNumber(literal: string): number | bigint | LosslessNumber {
  if (!/^-?\d+$/.test(literal)) return new LosslessNumber(literal);
  const number = Number(literal);
  return Number.isSafeInteger(number) ? number : BigInt(literal);
}

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

/** `source` names the input in errors: a file, or "standard input". */
export function parseProfile(text: string, source: string): Profile {
  let document: unknown;
  try {
    document = parse(text, null, exactNumber);
  } catch (thrown) {
    throw jsonSyntaxError('profile', source, text, thrown);
  }
  const gate = findGate(document);
  if (gate !== null) {
    throw new SysieveError(
      'input',
      'profile-gated',
      `${place(source, text, locate(text, gate))}: ${showPath(gate)} belongs to Docker's or ` +
        "Podman's own format, not to an OCI profile",
      {
        remedy: 'Give a plain OCI profile: other runtimes ignore such a gate and permit the call.',
      },
    );
  }
  const result = ProfileSchema.safeParse(document);
  if (!result.success) throw jsonSchemaError('profile', source, text, result.error.issues);
  return result.data;
}
