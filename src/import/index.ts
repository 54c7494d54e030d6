/** Formats of other tools: profiles, recordings, and what runs containers. No I/O. */
export { type ComposeApps, type ComposeOptions, readCompose } from './compose';
export { IMPORT_FORMATS } from './formats';
export { parseEnvFile } from './interpolate';
export { type SpoOptions, type SpoProfile, spoProfile } from './spo';
export type { Imported, ImportInput, ImportOptions } from './types';
export { readYaml } from './yaml';
