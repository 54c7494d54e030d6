/** Findings and reports: what diff and lint make and every output format shows. No I/O. */
export { fingerprint } from './fingerprint';
export type { Group } from './grouped';
export { type Totals, totals } from './totals';
export {
  type ContextResult,
  type Effect,
  type Finding,
  NOTHING,
  type Place,
  type Reasons,
  type Report,
  SEVERITIES,
  type Severity,
  type Verdict,
  type Waiver,
  type Witness,
} from './types';
export type { Waived, Waivers } from './waivers';
