/** What names a finding over time: what it says, not where it stands. */
import { createHash } from 'node:crypto';

/** `parts`: what makes the finding another one when it changes; no line numbers, no file names. */
export function fingerprint(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
