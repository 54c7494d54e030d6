/** When a recording may end because nothing new has been seen. */
import type { Progress } from './capture';

export interface StableRule {
  /** So long nothing new: no call, no tuple of tracked arguments. */
  readonly quietMs: number;
  /** Not before the recording is so old. */
  readonly minMs: number;
  /** Not before a start of the target was seen. */
  readonly needsStart: boolean;
}

type Seen = Pick<Progress, 'elapsedMs' | 'distinct' | 'tuples' | 'starts'>;

/**
 * `Progress.quietMs` is about calls alone, and about each executable anew: a program that makes
 * programs would never be quiet, one that opens sockets of another kind would be.
 */
export class Stability {
  private known = '';
  private sinceMs = 0;

  constructor(private readonly rule: StableRule) {}

  /** Whether it may end now. */
  update({ elapsedMs, distinct, tuples, starts }: Seen): boolean {
    const { quietMs, minMs, needsStart } = this.rule;
    const now = `${distinct} ${tuples}`;
    if (now !== this.known) {
      this.known = now;
      this.sinceMs = elapsedMs;
    }
    if (needsStart && starts === 0) return false;
    // Before the first call nothing runs that could do anything new.
    if (distinct === 0) return false;
    return elapsedMs >= minMs && elapsedMs - this.sinceMs >= quietMs;
  }
}
