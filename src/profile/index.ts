/** OCI linux.seccomp profiles and the evidence beside them: schema, reading, canonical bytes. No I/O. */
export {
  EVIDENCE_VERSION,
  type Evidence,
  type EvidenceAlternative,
  type EvidenceCall,
  type ExcludedCall,
  evidenceJsonSchema,
  parseEvidence,
  serializeEvidence,
  Why,
} from './evidence';
export { parseProfile } from './parse';
export { type Action, type Condition, type Profile, profileJsonSchema, type Rule } from './schema';
export { canonicalProfile, serializeProfile } from './serialize';
