/** Proof that a profile is sufficient and minimal for recordings, on its Policy. No I/O. */
export { prove } from './prove';
export { type Refused, recordedAndRefused } from './sufficient';
export type { Compiled, Finding, Proof, ProveInput } from './types';
