/**
 * sysieve as a library: record system calls, make least-privilege seccomp profiles of them, and decide what
 * profiles mean. What is exported here stays within a major version.
 *
 * Loading it needs neither Linux nor the addon; only {@link record} does, when it is called.
 *
 * @module sysieve
 * @packageDocumentation
 */

export { type Explanation, explain } from './api/explain';
export {
  type Minimised,
  type MinimiseOptions,
  minimise,
  type Proof,
  type VerifyOptions,
  verify,
} from './api/minimise';
export {
  Policy,
  type PolicyAnswer,
  type PolicyContext,
  type PolicyDifference,
  policyOf,
  type SystemCall,
  type WitnessCall,
} from './api/policy';
export {
  type Action,
  type Condition,
  type EngineDefault,
  type Evidence,
  type EvidenceCall,
  type MergedProfile,
  mergeEvidence,
  mergeProfiles,
  type Profile,
  type ProfileArchitecture,
  type ProfileFlag,
  type ProfileInput,
  type ProfileText,
  parseEvidence,
  parseProfile,
  type Rule,
  serializeEvidence,
  serializeProfile,
  type Why,
} from './api/profile';
export { record } from './api/record';
export type { CommandTarget, RecordOptions, RecordTarget } from './api/record-options';
export type {
  CommandExit,
  RecordEnd,
  RecordEvent,
  Recorder,
  RecordProgress,
} from './api/recorder';
export {
  type Abi,
  type Completeness,
  mergeRecordings,
  type Phase,
  parseRecording,
  type RecordedArguments,
  type RecordedCall,
  type Recording,
  type Run,
  serializeRecording,
} from './api/recording';
export {
  type DiffOptions,
  type DiffReport,
  diff,
  type Finding,
  type LintOptions,
  type LintReport,
  lint,
  type Severity,
  type Verdict,
} from './api/review';
export { type ErrorDetails, type ExitKind, SysieveError } from './errors';
