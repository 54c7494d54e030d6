/**
 * NAME.evidence.json beside a profile: why each call is in it. No counts and no times, so that a
 * re-run leaves it unchanged; what people wrote in `justifications` is kept on every rewrite.
 */
import * as z from 'zod';
import { escapeUnsafeJson } from '../errors/text';
import { checkDocument, readDocument, refuseNewer } from '../json';
import { ABIS } from '../tables';
import { Action } from './schema';

/** 2: argument alternatives, and what was left out. Version 1 is read as such a file without them. */
export const EVIDENCE_VERSION = 2;

/** observed: the application made it; the others: see the pass of that name. */
export const Why = z.enum([
  'observed',
  'essential',
  'runtime',
  'generalised',
  'equivalent',
  'fallback',
]);
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
  version: z
    .union([z.literal(1), z.literal(EVIDENCE_VERSION)], { error: 'expected 1 or 2' })
    .transform(() => EVIDENCE_VERSION),
  calls: z.array(EvidenceCallSchema).max(100_000),
  excluded: z.array(ExcludedSchema).max(100_000).default([]),
  /** Written by people: a call's name → why it may be in the profile. */
  justifications: z.record(z.string().min(1).max(64), z.string().min(1).max(65536)),
});
export type Evidence = z.infer<typeof EvidenceSchema>;

export function parseEvidence(text: string, source: string): Evidence {
  const document = readDocument('evidence', text, source);
  refuseNewer(
    document,
    EVIDENCE_VERSION,
    'Upgrade sysieve: rewriting it with this one could lose its justifications.',
  );
  return checkDocument(EvidenceSchema, document);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function whys(why: readonly Why[]): Why[] {
  return Why.options.filter((option) => why.includes(option));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compare);
}

export function serializeEvidence(evidence: Evidence): string {
  const calls = [...evidence.calls]
    .sort((a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || compare(a.name, b.name))
    .map((call) => ({
      abi: call.abi,
      name: call.name,
      action: call.action,
      errnoRet: call.errnoRet,
      why: whys(call.why),
      executables: unique(call.executables),
      phases: [...new Set(call.phases)],
      ...(call.alternatives === undefined
        ? {}
        : {
            alternatives: call.alternatives.map((alternative) => ({
              args: alternative.args.map(({ index, mask, value }) => ({ index, mask, value })),
              covers: alternative.covers,
              why: whys(alternative.why),
              executables: unique(alternative.executables),
              phases: [...new Set(alternative.phases)],
            })),
          }),
      ...(call.note === undefined ? {} : { note: call.note }),
    }));
  const excluded = evidence.excluded
    .map(({ abi, name, values, reason }) => ({ abi, name, values, reason }))
    .sort(
      (a, b) =>
        ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || compare(JSON.stringify(a), JSON.stringify(b)),
    );
  const justifications = Object.fromEntries(
    Object.entries(evidence.justifications).sort(([a], [b]) => compare(a, b)),
  );
  const document = {
    version: EVIDENCE_VERSION,
    calls,
    ...(excluded.length === 0 ? {} : { excluded }),
    justifications,
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}

export function evidenceJsonSchema(): object {
  return { title: 'sysieve evidence', ...z.toJSONSchema(EvidenceSchema, { io: 'input' }) };
}
