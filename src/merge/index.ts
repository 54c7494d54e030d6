/** One OCI profile that permits what any of several does, proved, and the evidence beside it. No I/O. */
export { mergeEvidence } from './evidence';
export { type Denial, type MergedProfile, mergeProfiles, type NamedProfile } from './profiles';
