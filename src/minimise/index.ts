/** Recordings to a least-privilege profile by named, pure passes. No I/O. */
export {
  type Baseline,
  baselineId,
  baselineJsonSchema,
  parseBaseline,
  type RuntimeChoice,
  selectBaselines,
} from './baseline';
export { missing } from './completeness';
export { DEFAULT_OPTIONS, minimise, PASSES } from './minimise';
export type {
  Change,
  MinimiseInput,
  MinimiseOptions,
  MinimiseResult,
  PassReport,
} from './types';
