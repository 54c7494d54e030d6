/** What a filter means, exactly: ordered decision diagrams over every bit a filter can see. No I/O. */
export { type ActionName, type Answer, answerText, isPassing, mayPass } from './answers';
export type { Area, WordSet } from './areas';
export { family, type NamedRules, namedRules } from './by-name';
export type { Call, Region } from './calls';
export { type Change, callsAnswered, changes, inAreas } from './changes';
export {
  conditionsText,
  conditionText,
  type DeadRule,
  deadRules,
  isUnconditional,
  ruleAnswer,
} from './dead-rules';
export { type Difference, differences } from './differences';
export { multiplexed } from './multiplexed';
export { answerOf, contains, equal, intersection, type Policy, union } from './policy';
export {
  type Context,
  largestOf,
  policyOfProfile,
  refuseUndecidedProfile,
  stubbedAbove,
} from './profile';
export { policyOfPrograms } from './programs';
export { findCall } from './search';
export { RULES_UNDECIDED } from './undecided';
