/**
 * NAME.evidence.json beside a profile: why each call is in it. No counts and no times, so that a
 * re-run leaves it unchanged; what people wrote in `justifications` is kept on every rewrite.
 */
import * as z from 'zod';
import { ABIS } from '../tables';
import { EVIDENCE_VERSION, LIKELIHOODS, WHYS } from './evidence-values';
import { Action } from './schema';

const Why = z.enum(WHYS);
export type Why = z.infer<typeof Why>;

const Hex = z.string().regex(/^0x(0|[1-9a-f][0-9a-f]{0,15})$/);

/** An argument's bits that are fixed, 0x-prefixed hex; `value` lies within `mask`. */
const BitsSchema = z.strictObject({ index: z.number().int().min(0).max(5), mask: Hex, value: Hex });

const AlternativeSchema = z.strictObject({
  /** All of them hold. */
  args: z.array(BitsSchema).min(1).max(6),
  /** In words. */
  covers: z.string().max(256),
  why: z.array(Why).min(1),
  executables: z.array(z.string().max(4096)),
  phases: z.array(z.string().max(32)),
});
export type EvidenceAlternative = z.infer<typeof AlternativeSchema>;

/** A call, or one value of its tracked arguments, that passed when recorded and is left out. */
const ExcludedSchema = z.strictObject({
  abi: z.enum(ABIS),
  name: z.string().min(1).max(64),
  /** In the order of the tracked arguments; null: the call as a whole. */
  values: z.array(Hex).nullable(),
  reason: z.string().max(256),
});
export type ExcludedCall = z.infer<typeof ExcludedSchema>;

/** A call that no run made, that the program's files can make, and that the profile does not permit. */
const UnseenSchema = z.strictObject({
  abi: z.enum(ABIS),
  name: z.string().min(1).max(64),
  likelihood: z.enum(LIKELIHOODS),
  /** Executable, library, function: the easiest way to it, as far as it has names. Untrusted. */
  chain: z.array(z.string().max(4096)).max(64),
});
export type UnseenEvidence = z.infer<typeof UnseenSchema>;

const EvidenceCallSchema = z.strictObject({
  abi: z.enum(ABIS),
  name: z.string().min(1).max(64),
  action: Action,
  errnoRet: z.number().int().min(0).max(4095).nullable(),
  why: z.array(Why).min(1),
  /** Paths as passed to execve. Untrusted. */
  executables: z.array(z.string().max(4096)),
  phases: z.array(z.string().max(32)),
  /** The arguments it is permitted with; absent: all. */
  alternatives: z.array(AlternativeSchema).min(1).optional(),
  /** What its rule, or the lack of one, leaves open. */
  note: z.string().max(1024).optional(),
});
export type EvidenceCall = z.infer<typeof EvidenceCallSchema>;

export const EvidenceSchema = z.strictObject({
  /** An editor's. Not written, and so gone with the next rewrite: docs/how-to/editor.md. */
  $schema: z.string().max(4096).optional(),
  version: z.literal(EVIDENCE_VERSION, { error: `expected 1 to ${EVIDENCE_VERSION}` }),
  calls: z.array(EvidenceCallSchema).max(100_000),
  excluded: z.array(ExcludedSchema).max(100_000).default([]),
  /** Absent: nobody looked (minimise --reach none). */
  unseen: z.array(UnseenSchema).max(100_000).optional(),
  /** Written by people: a call's name → why it may be in the profile. */
  justifications: z.record(z.string().min(1).max(64), z.string().min(1).max(65536)),
});
export type Evidence = z.infer<typeof EvidenceSchema>;

export function evidenceJsonSchema(): object {
  return { title: 'sysieve evidence', ...z.toJSONSchema(EvidenceSchema, { io: 'input' }) };
}
