/** Whether the evidence that is there says what was made anew: a file in a repository stays then. */
import { type Evidence, parseEvidence } from '../profile';

/**
 * On which side of a mark a call falls is a matter of milliseconds where it is made at both times. And
 * where nobody could look this time, what is known of what is reachable is not to be lost.
 */
function compared(evidence: Evidence, looked: boolean): string {
  const { unseen, ...rest } = evidence;
  return JSON.stringify(looked ? evidence : rest, (key, value) =>
    key === 'phases' ? undefined : value,
  );
}

/** `before`: null: there is none. `wanted`: whether the app's options ask for what is reachable. */
export function saysTheSame(before: string | null, now: string, wanted: boolean): boolean {
  if (before === null) return false;
  if (before === now) return true;
  const [old, made] = [parseEvidence(before, 'evidence'), parseEvidence(now, 'evidence')];
  const looked = !wanted || made.unseen !== undefined;
  return compared(old, looked) === compared(made, looked);
}
