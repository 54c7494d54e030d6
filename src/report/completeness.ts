/** What runs missed, in words: every counter that is not zero, and every blind spot. */
import { isSupplement, missing, restartOnly } from '../minimise';
import type { Run } from '../recording';
import { targetText } from './seen';
import type { Completeness } from './types';

type Counts = Run['completeness'];

const COUNTERS: readonly (readonly [field: keyof Counts & string, text: string])[] = [
  ['callsLost', 'calls were lost: they were made, and nobody knows which they were'],
  ['tasksLost', 'tasks were over the limit: what they called is not recorded'],
  ['namespacesOverLimit', 'namespaces were over the limit, and not watched'],
  ['cgroupsOverLimit', 'control groups were over the limit or closed to sysieve, and not watched'],
  ['tasksUnstarted', 'tasks had joined and executed nothing yet: their calls are not recorded'],
  [
    'callsBeforeStart',
    'calls were made before the start, by the runtime or launcher: no profile meets them',
  ],
  [
    'executablesOverLimit',
    'executables were over the limit: their calls are recorded under no executable',
  ],
  ['pathsTruncated', 'paths of executables were cut'],
  ['argumentOverflow', 'calls had arguments over the limit: no argument rule is made of them'],
  ['numbersUnknown', 'numbers are in no table: a profile cannot name them'],
];

const BLIND_SPOTS: Readonly<Record<string, string>> = {
  'abi-unseen': "the log does not tell the ABI: names are taken for the machine's own",
  'audited-calls-only': 'only what filters log or audit rules name is in the log',
  'calls-rewritten':
    'the target may have changed calls of processes that it traces: those that were made are not seen',
  'calls-without-a-name': 'calls whose number the profile could not name are not seen',
  'denied-as-attempts':
    'a filter was in place, and what it denied stands among the calls that were made: the profile is wider than needed',
  'denied-by-outer-filter': 'sysieve itself was under a filter: what that denies is not seen',
  'denied-by-own-filter': 'the target installed a filter of its own: what that denies is not seen',
  'denied-from-failed': 'a denied call looks like one that failed: none is counted as denied',
  'denied-uncertain':
    'some denied calls could not be told from the ends of others, and are not counted as denied',
  'entrants-unseen': 'what entered from outside, or started there later, is not seen',
  'executable-unreadable':
    'the memory of an executed program could not be read: its calls stand under no executable',
  'executables-by-inode': 'executables are named by where they lie, not by how they were called',
  'executables-unreadable':
    'which program a task runs could not be read: its calls stand under no executable',
  'executables-unseen': 'the log has no paths: calls stand under no executable',
  'extent-unknown': 'the log does not say which calls it leaves out',
  'io-uring-operations': 'io_uring was used: what it carries out is no system call, and not seen',
  'kill-thread-unseen': 'a thread killed by a filter beside living ones is not seen',
  'listener-unwatched':
    'the target made a seccomp listener before denied calls were watched: what it answered is not seen',
  'nested-ptrace': 'the target traces processes itself: that was refused, or saw nothing',
  'own-listener-refused': 'the target asked for a seccomp listener and was refused one',
  'permitted-calls': 'complain mode: calls that the profile permits are not recorded',
  'restarts-counted-again': 'a call interrupted by a signal is counted once more',
  'start-unseen': 'a container was started again and not followed from its first instruction',
  'tasks-hidden':
    'processes that ran already could not all be looked at: some of its own may be missing',
  'tracer-lost':
    'the tracer was killed, or was held up by the target and given up: what was called after that is not recorded',
  'tracer-preempted':
    'the kernel may interrupt the programs that count: what it may have missed counts as lost',
  'withdrawn-before-seen':
    'a signal took a call back before it was seen: it did not run, and counts as lost',
};

function runText(run: Run): string {
  return `run ${run.id} (${targetText(run)})`;
}

/** `text`: how many runs share a sentence. */
function shared(sentences: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const sentence of sentences) counts.set(sentence, (counts.get(sentence) ?? 0) + 1);
  return [...counts].map(([sentence, runs]) =>
    runs === 1 ? sentence : `${sentence} (${runs} runs)`,
  );
}

function deniedText({ completeness: { deniedSinceMs } }: Run): string | null {
  if (deniedSinceMs === null) return 'denied calls were not watched';
  if (deniedSinceMs === 0) return null;
  return `denied calls were watched from ${deniedSinceMs / 1000} s on`;
}

export function completenessOf(runs: readonly Run[]): Completeness {
  const counters = COUNTERS.flatMap(([field, text]) => {
    const values = runs.map((run) => Number(run.completeness[field])).filter((value) => value > 0);
    const total = values.reduce((sum, value) => sum + value, 0);
    return total === 0 ? [] : [{ field, text, total, runs: values.length }];
  });
  const spots = [...new Set(runs.flatMap((run) => run.completeness.blindSpots))].sort();
  return {
    runs: runs.length,
    complete: runs.filter((run) => run.completeness.complete).length,
    incomplete: runs
      .filter((run) => !run.completeness.complete)
      .map((run) => ({
        run: runText(run),
        reasons: isSupplement(run)
          ? ['made in complain mode: the calls that its profile permits are not in it']
          : missing(run),
      })),
    counters,
    blindSpots: spots.map((spot) => ({
      spot,
      text:
        (Object.hasOwn(BLIND_SPOTS, spot) ? BLIND_SPOTS[spot] : undefined) ??
        'a blind spot that this sysieve does not know',
      runs: runs.filter((run) => run.completeness.blindSpots.includes(spot)).length,
    })),
    remarks: shared(
      runs.flatMap((run) => [restartOnly(run), deniedText(run)].filter((text) => text !== null)),
    ),
  };
}
