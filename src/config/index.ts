/** `sysieve.config.json`: its schema and its reading. No I/O. */
export { profileOf } from './consistency';
export { configJsonSchema, parseConfig } from './parse';
export {
  type App,
  type Config,
  DEFAULTS,
  milliseconds,
  type Ready,
  type RunOptions,
  type Step,
} from './schema';
export { looksSecret } from './secrets';
export { configText, withApps } from './write';
