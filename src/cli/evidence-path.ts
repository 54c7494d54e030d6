/** Where the evidence beside a profile lies. */

/** app.json → app.evidence.json; a SeccompProfile's is named alike. */
export function evidencePath(profilePath: string): string {
  return `${profilePath.replace(/\.(?:json|ya?ml)$/, '')}.evidence.json`;
}
