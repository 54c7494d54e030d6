/** Formats of other tools: profiles, and what runs containers. No I/O. */
export { type ComposeApps, type ComposeOptions, readCompose } from './compose';
export { parseEnvFile } from './interpolate';
export { type SpoOptions, type SpoProfile, spoProfile } from './spo';
export { readYaml } from './yaml';
