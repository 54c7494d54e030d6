/** Recording v1: its schema, reading, canonical bytes, set union. No I/O. */
export { canonicalRecording, serializeRecording } from './canonical';
export { mergeRecordings } from './merge';
export { parseRecording, recordingJsonSchema } from './parse';
export {
  type Abi,
  CALLS_REWRITTEN,
  type Call,
  type Completeness,
  isComplete,
  LISTENER_UNWATCHED,
  PERMITTED_CALLS,
  Phase,
  type Recording,
  type Run,
  START_UNSEEN,
  TASKS_HIDDEN,
  TRACER_LOST,
  UNKNOWN_EXTENT,
} from './schema';
