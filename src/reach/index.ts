/** Which system calls a program's own files can make, whether a recording saw them or not. No I/O. */
export { describeProgram } from './describe';
export {
  parseReach,
  type Reach,
  type ReachableCall,
  type ReachableExecutable,
  reachJsonSchema,
  serializeReach,
} from './document';
export type { Module } from './program';
export { readScan, type Scan } from './scanned';
export { type Unseen, type UnseenCall, unseen } from './unseen';
export { gapsSentence, newlyLikely, suggestion, unseenSentence } from './words';
