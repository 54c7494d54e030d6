/** Profiles in the formats of other tools. No I/O. */
export { type SpoOptions, type SpoProfile, spoProfile } from './spo';
export { readYaml } from './yaml';
