/** A recording against the profile that is committed: what it lacks, what it has no use for. No I/O. */
import { missingCalls } from './missing';
import type { CheckInput, Compared } from './types';
import { unusedCalls } from './unused';

export { finding } from './finding';
export { type Judged, judge } from './judge';
export type { CheckInput, Compared } from './types';

/** Throws a SysieveError for a profile whose meaning cannot be decided. */
export function compare(input: CheckInput): Compared {
  const missing = missingCalls(input);
  const unused = unusedCalls(input);
  return {
    missing: missing.findings,
    unused: unused.findings,
    notes: [...new Set([...missing.notes, ...unused.notes])],
  };
}
