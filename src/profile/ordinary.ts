/**
 * Ordinary profiles without zod: loading it, building its schemas and checking two files is a quarter
 * of what `sysieve diff` takes (docs/adr/0021). What is read here is what the schemas of schema.ts and
 * gated-schema.ts make of the same document; whatever could be wrong, or is merely rare, is left to
 * them. They alone say what is valid, and test/unit/ordinary.test.ts holds this file to them.
 */
import { errnoNumber, OCI_ARCHES } from '../tables';
import type { Gate, GatedProfile, GatedRule } from './gated-schema';
import type { Condition, Profile, Rule } from './schema';
import { ACTIONS, FLAGS, OPERATORS, U32_MAX, U64_MAX } from './values';

type Test = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Test>>;

/** Fewer than the schemas take: no document of such a size is read fast anyway. */
const MOST_ENTRIES = 1000;

function oneOf(words: readonly string[]): Test {
  return (value) => words.includes(value as string);
}

function listOf(test: Test): Test {
  return (value) => Array.isArray(value) && value.length <= MOST_ENTRIES && value.every(test);
}

function orNull(test: Test): Test {
  return (value) => value === null || test(value);
}

function matching(pattern: RegExp): Test {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function objectOf(fields: Fields, required: readonly string[]): Test {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    for (const key in value) {
      if (!Object.hasOwn(fields, key)) return false;
      if (fields[key]?.((value as Record<string, unknown>)[key]) !== true) return false;
    }
    return required.every((key) => Object.hasOwn(value, key));
  };
}

function integerTo(max: number): Test {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

const isSmallU64 = integerTo(Number.MAX_SAFE_INTEGER);
const isU64: Test = (value) =>
  isSmallU64(value) || (typeof value === 'bigint' && value >= 0n && value <= U64_MAX);
const isU32 = integerTo(U32_MAX);
/** ASCII: no unpaired surrogates, and a length that everyone counts alike. */
const isWord = matching(/^[ -~]{1,256}$/);
const isText = matching(/^[ -~]{0,4096}$/);
const isString: Test = (value) => typeof value === 'string';
const isErrno: Test = (value) =>
  typeof value === 'string' && (value === '' || errnoNumber(value) !== null);
const isKernel: Test = (value) =>
  value === '' || matching(/^(?:[1-9]\d?\.\d{1,2}|0\.[1-9]\d?)$/)(value);
const isAction = oneOf(ACTIONS);
const isArch = oneOf(OCI_ARCHES);
const isFlag = oneOf(FLAGS);

const isCondition = objectOf(
  { index: integerTo(5), value: isU64, valueTwo: isU64, op: oneOf(OPERATORS) },
  ['index', 'value', 'op'],
);

const isRule = objectOf(
  { names: listOf(isWord), action: isAction, errnoRet: isU32, args: listOf(isCondition) },
  ['names', 'action'],
);

const isProfile = objectOf(
  {
    defaultAction: isAction,
    defaultErrnoRet: isU32,
    architectures: listOf(isArch),
    flags: listOf(isFlag),
    listenerPath: isText,
    listenerMetadata: isText,
    syscalls: listOf(isRule),
  },
  ['defaultAction'],
);

const isGate = objectOf(
  {
    caps: orNull(listOf(isWord)),
    arches: orNull(listOf(isWord)),
    minKernel: orNull(isKernel),
  },
  [],
);

const isGatedRule = objectOf(
  {
    name: orNull(matching(/^[ -~]{0,256}$/)),
    names: orNull(listOf(isWord)),
    action: isAction,
    errnoRet: orNull(isU32),
    errno: orNull(isErrno),
    args: orNull(listOf(isCondition)),
    comment: orNull(isString),
    includes: orNull(isGate),
    excludes: orNull(isGate),
  },
  ['action'],
);

const isGatedProfile = objectOf(
  {
    defaultAction: isAction,
    defaultErrnoRet: orNull(isU32),
    defaultErrno: orNull(isErrno),
    architectures: orNull(listOf(isArch)),
    archMap: orNull(
      listOf(
        objectOf({ architecture: isArch, subArchitectures: orNull(listOf(isArch)) }, [
          'architecture',
        ]),
      ),
    ),
    flags: orNull(listOf(isFlag)),
    listenerPath: orNull(isText),
    listenerMetadata: orNull(isText),
    syscalls: orNull(listOf(isGatedRule)),
  },
  ['defaultAction'],
);

/** What the tests above leave: any field may be absent, and in gated files null. */
type Loose<T> = { readonly [Key in keyof T]?: T[Key] | null };
type LooseCondition = Loose<{
  index: number;
  op: Condition['op'];
  value: number | bigint;
  valueTwo: number | bigint;
}>;
type LooseRule = Loose<Omit<Rule, 'args'> & { args: LooseCondition[] }>;
type LooseGate = Loose<{ caps: string[]; arches: string[]; minKernel: string }>;
type LooseGatedRule = LooseRule &
  Loose<{ name: string; errno: string; includes: LooseGate; excludes: LooseGate }>;

/** Without what is absent or null. */
function present<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], null> } {
  const made: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) if (value != null) made[key] = value;
  return made as { [Key in keyof T]: Exclude<T[Key], null> };
}

function conditions(args: readonly LooseCondition[] | null | undefined): Condition[] {
  return (args ?? []).map(({ index, value, valueTwo, op }) => ({
    index: index as number,
    value: BigInt(value as number),
    valueTwo: BigInt(valueTwo ?? 0),
    op: op as Condition['op'],
  }));
}

/** Null: not ordinary, or not valid. */
export function ordinaryProfile(document: unknown): Profile | null {
  if (!isProfile(document)) return null;
  const from = document as Loose<Omit<Profile, 'syscalls'> & { syscalls: LooseRule[] }>;
  const { defaultAction, defaultErrnoRet, listenerPath, listenerMetadata } = from;
  const rules: Rule[] = [];
  for (const { names, action, errnoRet, args } of from.syscalls ?? []) {
    if (names == null || names.length === 0) return null;
    const answer = present({ action, errnoRet }) as Pick<Rule, 'action' | 'errnoRet'>;
    rules.push({ names: [...names], ...answer, args: conditions(args) });
  }
  // In the order of the schema's fields.
  return present({
    defaultAction,
    defaultErrnoRet,
    architectures: [...(from.architectures ?? [])],
    flags: from.flags == null ? null : [...from.flags],
    listenerPath,
    listenerMetadata,
    syscalls: rules,
  }) as Profile;
}

function gate(from: LooseGate | null | undefined): Gate {
  const { caps, arches, minKernel } = from ?? {};
  const [version = 0, major = 0] = (minKernel ?? '').split('.').map(Number);
  return {
    caps: [...(caps ?? [])],
    arches: [...(arches ?? [])],
    ...(minKernel == null && from != null ? {} : { minKernel: undefined }),
    ...(minKernel == null ? {} : { minKernel: [version, major] as const }),
  };
}

function gatedRule(from: LooseGatedRule): GatedRule | null {
  const { name, names, action, errnoRet, errno, args, includes, excludes } = from;
  const given = names ?? [];
  // One of the two.
  if (Boolean(name) === given.length > 0) return null;
  const answer = present({ action, errnoRet, errno }) as Pick<GatedRule, 'action'>;
  return {
    names: name ? [name] : [...given],
    ...answer,
    args: conditions(args),
    includes: gate(includes),
    excludes: gate(excludes),
  };
}

/** Null: not ordinary, or not valid. */
export function ordinaryGatedProfile(document: unknown): GatedProfile | null {
  if (!isGatedProfile(document)) return null;
  const { syscalls, architectures, archMap, flags, ...rest } = document as Loose<
    Omit<GatedProfile, 'syscalls'> & { syscalls: LooseGatedRule[] }
  >;
  if ((architectures ?? []).length > 0 && (archMap ?? []).length > 0) return null;
  const rules: GatedRule[] = [];
  for (const entry of syscalls ?? []) {
    const rule = gatedRule(entry);
    if (rule === null) return null;
    rules.push(rule);
  }
  const { defaultAction, defaultErrnoRet, defaultErrno, listenerPath, listenerMetadata } = rest;
  const answer = present({ defaultAction, defaultErrnoRet, defaultErrno });
  return {
    ...(answer as Pick<GatedProfile, 'defaultAction'>),
    architectures: [...(architectures ?? [])],
    archMap: (archMap ?? []).map(({ architecture, subArchitectures }) => ({
      architecture,
      subArchitectures: [...(subArchitectures ?? [])],
    })),
    flags: [...(flags ?? [])],
    listenerPath: listenerPath ?? '',
    listenerMetadata: listenerMetadata ?? '',
    syscalls: rules,
  };
}
