/** Recordings to a least-privilege profile by named, pure passes. No I/O. */
export {
  type Baseline,
  baselineJsonSchema,
  parseBaseline,
  type RuntimeChoice,
} from './baseline';
export { missing, restartOnly } from './completeness';
export { DEFAULT_OPTIONS, minimise, PASS_NAMES } from './minimise';
export type {
  Change,
  MinimiseInput,
  MinimiseOptions,
  MinimiseResult,
  PassReport,
  Tier,
} from './types';
export { TIERS } from './types';
