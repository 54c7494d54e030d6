/** Profiles in Docker's and Podman's formats; gated-schema.ts says what they are. */
import { checkDocument, type JsonDocument, readDocument } from '../json';
import type { GatedProfile } from './gated-schema';
import { ordinaryGatedProfile } from './ordinary';

export type { Gate, GatedProfile, GatedRule } from './gated-schema';

export function checkGatedProfile(document: JsonDocument): GatedProfile {
  const ordinary = ordinaryGatedProfile(document.value);
  if (ordinary !== null) return ordinary;
  // Loaded where it is needed: it brings zod.
  const { GatedProfileSchema }: typeof import('./gated-schema') = require('./gated-schema');
  return checkDocument(GatedProfileSchema, document, {
    remedy: "Give a profile in Docker's, Podman's or the OCI format.",
  });
}

/** A plain OCI profile is one too. `source` names the input in errors: a file, or "standard input". */
export function parseGatedProfile(text: string, source: string): GatedProfile {
  return checkGatedProfile(readDocument('profile', text, source));
}
