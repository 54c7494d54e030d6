/** Denied calls that are no news. */
import type { Call, Recording, Run } from '../recording';
import { deniedArguments } from './denied';

/** The tuples of denied attempts; null: not all of them are known. */
function deniedTuples(calls: readonly Call[]): Set<string> | null {
  const tuples = new Set<string>();
  for (const call of calls) {
    const args = deniedArguments(call);
    if (args === null || args.overflow + args.unreadable > 0) return null;
    for (const { values } of args.tuples) tuples.add(values.join(' '));
  }
  return tuples;
}

const errnosOf = (calls: readonly Call[]): Set<string> =>
  new Set(calls.flatMap(({ denied }) => Object.keys(denied.errnos)));

/**
 * Whether what `run` was denied of a call got the same answers where it was recorded: the call never
 * passed there, or was denied there with all the arguments with which it is now.
 */
export function isDeniedAlike(
  { abi, number }: { readonly abi: string; readonly number: number },
  run: Run,
  { runs }: Recording,
): boolean {
  const same = (one: Call): boolean => one.abi === abi && one.number === number;
  const made = runs.flatMap(({ calls }) => calls.filter(same));
  const now = run.calls.filter(same);
  const answers = errnosOf(made);
  if (![...errnosOf(now)].every((errno) => answers.has(errno))) return false;
  if (made.every((call) => call.denied.count === call.count)) return true;
  const before = deniedTuples(made.filter((call) => call.denied.count > 0));
  const tuples = deniedTuples(now);
  return before !== null && tuples !== null && [...tuples].every((tuple) => before.has(tuple));
}
