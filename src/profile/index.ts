/** OCI linux.seccomp profiles and the evidence beside them: schema, reading, canonical bytes. No I/O. */

export {
  type DefaultVersion,
  defaultProfile,
  defaultVersions,
  type GatedDefault,
  gatedDefault,
} from './defaults';
export {
  EVIDENCE_VERSION,
  type Evidence,
  type EvidenceAlternative,
  type EvidenceCall,
  type ExcludedCall,
  evidenceJsonSchema,
  LIKELIHOODS,
  type Likelihood,
  parseEvidence,
  serializeEvidence,
  type UnseenEvidence,
  WHYS,
  type Why,
} from './evidence';
export { type GatedProfile, type GatedRule, parseGatedProfile } from './gated';
export { profileLines } from './lines';
export { notifyingProfile } from './notifying';
export { type EitherProfile, parseEitherProfile, parseProfile, profileJsonSchema } from './parse';
export { type EngineContext, resolveGatedProfile, unreadFields } from './resolve';
export type { Action, Condition, Profile, Rule } from './schema';
export { canonicalProfile, serializeProfile } from './serialize';
