/** Profiles in the formats of other tools. No I/O. */
export { isKubernetes, type SpoOptions, type SpoProfile, spoProfile } from './spo';
export { readYaml } from './yaml';
