/** Recordings to a least-privilege profile by named, pure passes. No I/O. */
export {
  type Baseline,
  baselineJsonSchema,
  parseBaseline,
  type RuntimeChoice,
  selectBaselines,
} from './baseline';
export { isSupplement, missing, restartOnly, unnamed } from './completeness';
export { costOfRules, giveUp, INSTRUCTION_NS, LOST_BITMAP_NS, type RuleCost } from './cost';
export { cubeKey, cubeOf } from './cubes';
export { hasKinds } from './kinds';
export { DEFAULT_OPTIONS, minimise, PASS_NAMES } from './minimise';
export { isApplication, observe } from './observe';
export { baselineCalls, baselineNeeds } from './permit';
export type {
  Change,
  EngineDefaults,
  MinimiseInput,
  MinimiseOptions,
  MinimiseResult,
  ObservedCall,
  PassReport,
  ReachableCall,
  ReachChoice,
  Tier,
} from './types';
export { REACHES, TIERS } from './types';
