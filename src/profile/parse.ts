/** Text to Profile, exact for u64; every way the text can be wrong is an error that says where. */
import { SysieveError } from '../errors';
import { checkDocument, type JsonPath, locate, place, readDocument, showPath } from '../json';
import { type Profile, ProfileSchema } from './schema';

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
  const document = readDocument('profile', text, source);
  const gate = findGate(document.value);
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
  return checkDocument(ProfileSchema, document);
}
