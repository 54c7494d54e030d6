/** What other programs may use of sysieve: the pure core, without tracer, engines or command line. */
export { SysieveError } from './errors';
export {
  type Baseline,
  DEFAULT_OPTIONS,
  type MinimiseOptions,
  type MinimiseResult,
  minimise,
  parseBaseline,
} from './minimise';
export {
  type Evidence,
  type Profile,
  parseEvidence,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from './profile';
export {
  mergeRecordings,
  parseRecording,
  type Recording,
  type Run,
  serializeRecording,
} from './recording';
