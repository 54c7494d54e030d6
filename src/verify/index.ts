/** Proof that a profile is sufficient and minimal for recordings, on its Policy. No I/O. */
export { type Compiled, type Finding, type Proof, type ProveInput, prove } from './prove';
