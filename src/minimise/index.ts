/** Recordings to a least-privilege profile by named, pure passes. No I/O. */
export {
  type Baseline,
  baselineJsonSchema,
  parseBaseline,
  type RuntimeChoice,
} from './baseline';
export { missing, restartOnly } from './completeness';
export { DEFAULT_OPTIONS, minimise } from './minimise';
export type {
  Change,
  MinimiseInput,
  MinimiseOptions,
  MinimiseResult,
  PassReport,
} from './types';
