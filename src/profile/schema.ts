/** OCI linux.seccomp: the zod schema is the single source of truth. Strict: pure OCI, nothing else. */
import * as z from 'zod';
import { OCI_ARCHES } from '../tables';
import { ACTIONS, FLAGS, OPERATORS, U32_MAX, U64_MAX } from './values';

export const Action = z.enum(ACTIONS);
export type Action = z.infer<typeof Action>;

const Operator = z.enum(OPERATORS);

export const Flag = z.enum(FLAGS);

/** runc's parser would read U+FFFD in their place: another text than the file holds. */
const LONE_SURROGATE = /\p{Surrogate}/u;

export function text(max: number) {
  return z
    .string()
    .max(max)
    .refine((value) => !LONE_SURROGATE.test(value), { error: 'expected no unpaired surrogate' });
}

const U64_RANGE = `expected an integer from 0 to ${U64_MAX}`;

const U64_FORMAT = 'uint64';
/** As the parser hands it over: a number where that is exact, a bigint beyond. */
const U64 = z
  .union([z.number(), z.bigint()], { error: U64_RANGE })
  .refine(
    (value) =>
      (typeof value === 'bigint' || Number.isInteger(value)) && value >= 0 && value <= U64_MAX,
    { error: U64_RANGE },
  )
  .meta({ format: U64_FORMAT })
  .transform(BigInt);

export const U32 = z.number().int().min(0).max(U32_MAX);

export const ConditionSchema = z.strictObject({
  index: z.number().int().min(0).max(5),
  value: U64,
  /** The value compared with after masking with `value` under SCMP_CMP_MASKED_EQ; otherwise unused. */
  valueTwo: U64.default(0n),
  op: Operator,
});
export type Condition = z.infer<typeof ConditionSchema>;

export const RuleSchema = z.strictObject({
  names: z.array(text(256).min(1)).min(1),
  action: Action,
  errnoRet: U32.optional(),
  args: z.array(ConditionSchema).default([]),
});
export type Rule = z.infer<typeof RuleSchema>;

export const ProfileSchema = z.strictObject({
  defaultAction: Action,
  defaultErrnoRet: U32.optional(),
  architectures: z.array(z.enum(OCI_ARCHES)).default([]),
  /** Absent and empty differ: without the field runc chooses flags of its own. */
  flags: z.array(Flag).optional(),
  listenerPath: text(4096).optional(),
  listenerMetadata: text(65536).optional(),
  syscalls: z.array(RuleSchema).max(100_000).default([]),
});
export type Profile = z.infer<typeof ProfileSchema>;

/** zod cannot express a u64's bounds: its nodes carry this format and are replaced by what it means. */
function boundU64(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(boundU64);
  if (typeof node !== 'object' || node === null) return node;
  if ((node as { format?: unknown }).format === U64_FORMAT) {
    return { type: 'integer', minimum: 0, maximum: U64_MAX };
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, boundU64(value)]));
}

/** Holds a bigint, the largest u64: to be written by a lossless serializer. */
export function profileJsonSchema(): object {
  const schema = z.toJSONSchema(ProfileSchema, { io: 'input', unrepresentable: 'any' });
  return { title: 'OCI linux.seccomp', ...(boundU64(schema) as object) };
}
