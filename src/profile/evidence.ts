/** Evidence to text and back; evidence-schema.ts says what it is. */
import { escapeUnsafeJson } from '../errors/text';
import { checkDocument, readDocument, upToDate } from '../json';
import { ABIS } from '../tables';
import type { Evidence, Why } from './evidence-schema';
import {
  EVIDENCE_VERSION,
  EVIDENCE_VERSIONS,
  LIKELIHOODS,
  type Likelihood,
  WHYS,
} from './evidence-values';

export type {
  Evidence,
  EvidenceAlternative,
  EvidenceCall,
  ExcludedCall,
  UnseenEvidence,
  Why,
} from './evidence-schema';
export { EVIDENCE_VERSION, LIKELIHOODS, type Likelihood, WHYS };

export function parseEvidence(text: string, source: string): Evidence {
  const document = readDocument('evidence', text, source);
  const current = upToDate(
    document,
    EVIDENCE_VERSIONS,
    ': this one could lose its justifications on a rewrite',
  );
  // Loaded where it is needed: it brings zod.
  const { EvidenceSchema }: typeof import('./evidence-schema') = require('./evidence-schema');
  return checkDocument(EvidenceSchema, current);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function whys(why: readonly Why[]): Why[] {
  return WHYS.filter((option) => why.includes(option));
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
    ...(evidence.unseen === undefined
      ? {}
      : {
          unseen: evidence.unseen.map(({ abi, name, likelihood, chain }) => ({
            abi,
            name,
            likelihood,
            chain,
          })),
        }),
    justifications,
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}

export function evidenceJsonSchema(): object {
  const { evidenceJsonSchema: make }: typeof import('./evidence-schema') =
    require('./evidence-schema');
  return make();
}
