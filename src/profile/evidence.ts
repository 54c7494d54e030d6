/**
 * NAME.evidence.json beside a profile: why each call is in it. No counts and no times, so that a
 * re-run leaves it unchanged; what people wrote in `justifications` is kept on every rewrite.
 */
import { z } from 'zod';
import { escapeUnsafeJson } from '../errors/text';
import { checkDocument, readDocument, refuseNewer } from '../json';
import { ABIS } from '../tables';
import { Action } from './schema';

export const EVIDENCE_VERSION = 1;

/** observed: the application made it; the others: see the pass of that name. */
export const Why = z.enum(['observed', 'essential', 'runtime', 'fallback']);
export type Why = z.infer<typeof Why>;

const EvidenceCallSchema = z.strictObject({
  abi: z.enum(ABIS),
  name: z.string().min(1).max(64),
  action: Action,
  errnoRet: z.number().int().min(0).max(4095).nullable(),
  why: z.array(Why).min(1),
  /** Paths as passed to execve. Untrusted. */
  executables: z.array(z.string().max(4096)),
  phases: z.array(z.string().max(32)),
});
export type EvidenceCall = z.infer<typeof EvidenceCallSchema>;

export const EvidenceSchema = z.strictObject({
  version: z.literal(EVIDENCE_VERSION),
  calls: z.array(EvidenceCallSchema).max(100_000),
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

export function serializeEvidence(evidence: Evidence): string {
  const calls = [...evidence.calls]
    .sort((a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || compare(a.name, b.name))
    .map((call) => ({
      abi: call.abi,
      name: call.name,
      action: call.action,
      errnoRet: call.errnoRet,
      why: Why.options.filter((why) => call.why.includes(why)),
      executables: [...new Set(call.executables)].sort(compare),
      phases: [...new Set(call.phases)],
    }));
  const justifications = Object.fromEntries(
    Object.entries(evidence.justifications).sort(([a], [b]) => compare(a, b)),
  );
  const document = { version: EVIDENCE_VERSION, calls, justifications };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}

export function evidenceJsonSchema(): object {
  return { title: 'sysieve evidence', ...z.toJSONSchema(EvidenceSchema) };
}
