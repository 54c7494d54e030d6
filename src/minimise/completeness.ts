/** Which runs missed something, in words; a profile of an incomplete recording is made only on request. */
import { SysieveError } from '../errors';
import {
  CALLS_REWRITTEN,
  isComplete,
  LISTENER_UNWATCHED,
  PERMITTED_CALLS,
  type Run,
  START_UNSEEN,
  TASKS_HIDDEN,
  TRACER_LOST,
  UNKNOWN_EXTENT,
} from '../recording';
import type { PassReport } from './types';

const LOSSES = [
  ['callsLost', 'calls lost'],
  ['tasksLost', 'tasks over the limit, their calls lost'],
  ['namespacesOverLimit', 'namespaces over the limit, not watched'],
  ['cgroupsOverLimit', 'cgroups over the limit or closed to sysieve, not watched'],
  [
    'tasksUnstarted',
    'tasks that joined and had executed nothing yet: their calls are not recorded',
  ],
] as const;

const SPOTS = [
  [PERMITTED_CALLS, 'made in complain mode: the calls that its profile permits are not in it'],
  [START_UNSEEN, 'a restart of it was not seen from its first instruction'],
  [
    LISTENER_UNWATCHED,
    'it made a seccomp listener, whose answers were not watched yet (record with --denied)',
  ],
  [
    CALLS_REWRITTEN,
    'a tracer of its own may have changed calls behind a filter: those that were made are not in it',
  ],
  [
    TASKS_HIDDEN,
    'processes that ran already could not all be looked at, so that some of its own may be missing ' +
      '(give CAP_SYS_PTRACE, or /proc without hidepid)',
  ],
  [
    TRACER_LOST,
    'its tracer was killed, or was held up by the target and given up: what was called after that is not recorded',
  ],
] as const;

/** Not needed for a sufficient profile, but nothing is dropped without a word. */
const GAPS = [
  [
    'executablesOverLimit',
    'executables over the limit: their calls are recorded under no executable',
  ],
  ['pathsTruncated', 'paths of executables truncated'],
  ['argumentOverflow', 'calls with arguments over the limit'],
] as const;

export function runLabel(run: Run): string {
  const target = run.target.name ?? run.target.id;
  return `run ${run.id} (${run.target.kind}${target === null ? '' : ` ${target}`})`;
}

/** What a run missed; empty when it is complete. */
export function missing(run: Run): string[] {
  const { completeness } = run;
  if (isComplete(completeness)) return [];
  const words: string[] = [];
  if (completeness.startsSeen === 0) {
    const age = completeness.attachedLate?.targetAgeMs ?? null;
    const late = age === null ? '' : `, attached ${age / 1000} s after it`;
    words.push(`no start of the target was seen${late}`);
  }
  for (const [field, text] of LOSSES) {
    if (completeness[field] > 0) words.push(`${completeness[field]} ${text}`);
  }
  for (const [spot, text] of SPOTS) {
    if (completeness.blindSpots.includes(spot)) words.push(text);
  }
  if (completeness.blindSpots.includes(UNKNOWN_EXTENT)) {
    words.push(
      `made of a log (${run.tracer}) that does not say which calls it leaves out (import it with ` +
        '--unfiltered where none were)',
    );
  }
  return words;
}

/**
 * Made in complain mode, and whole as that: what its profile lacks, all of it. Beside the recordings
 * that the profile was made of it is enough, alone it is not.
 */
export function isSupplement({ completeness }: Run): boolean {
  const others = completeness.blindSpots.filter((spot) => spot !== PERMITTED_CALLS);
  return !isComplete(completeness) && isComplete({ ...completeness, blindSpots: others });
}

const RESTART =
  'attached to a running target and saw it restart, which is no first start: what the application ' +
  'does only once, such as making its directories, may be missing';

/** A limit of what a complete run shows; null: none. */
export function restartOnly(run: Run): string | null {
  const { attachedLate, startsSeen } = run.completeness;
  return attachedLate !== null && startsSeen > 0 ? RESTART : null;
}

const EXECUTABLES_UNREADABLE = 'executables-unreadable';

/** Which calls stand under no executable because a right was missing; null: none do. */
export function unnamed({ tracer, completeness: { blindSpots } }: Run): string | null {
  if (!blindSpots.includes(EXECUTABLES_UNREADABLE)) return null;
  const which = tracer === 'ebpf' ? 'a task that ran already' : 'a task';
  return (
    `which program ${which} runs could not be read: its calls are recorded under no executable ` +
    '(CAP_SYS_PTRACE permits to read that)'
  );
}

/** The blind spot of a tracer that counts what a filter denied among the calls that were made. */
const DENIED_AS_ATTEMPTS = 'denied-as-attempts';

const WIDER =
  'ran under a seccomp filter, and its tracer cannot tell what that denied: the profile permits ' +
  'calls that were denied there. Record with --tracer ebpf, or without a filter';

export function checkCompleteness(runs: readonly Run[], allowIncomplete: boolean): PassReport {
  const supplements = runs.some(({ completeness }) => isComplete(completeness))
    ? runs.filter(isSupplement)
    : [];
  const incomplete = runs
    .filter((run) => !supplements.includes(run))
    .map((run) => ({ run, words: missing(run) }))
    .filter((r) => r.words.length > 0);
  const lines = incomplete.map(({ run, words }) => `${runLabel(run)}: ${words.join('; ')}`);
  if (lines.length > 0 && !allowIncomplete) {
    const remedy = incomplete.every(({ run }) => isSupplement(run))
      ? 'Give the recordings that the profile was made of beside it.'
      : "Record again from the start (a restart under 'sysieve record --container NAME' does), or take what there " +
        'is with --allow-incomplete.';
    throw new SysieveError(
      'incomplete',
      'recording-incomplete',
      `incomplete recording: ${lines.join(' | ')}`,
      { remedy },
    );
  }
  const notes: string[] = [];
  for (const run of runs) {
    const { completeness } = run;
    const restart = restartOnly(run);
    if (restart !== null) notes.push(`${runLabel(run)}: ${restart}`);
    const nameless = unnamed(run);
    if (nameless !== null) notes.push(`${runLabel(run)}: ${nameless}`);
    for (const [field, text] of GAPS) {
      if (completeness[field] > 0) notes.push(`${runLabel(run)}: ${completeness[field]} ${text}`);
    }
    if (completeness.blindSpots.length > 0) {
      notes.push(
        `${runLabel(run)}: not visible to its tracer: ${completeness.blindSpots.join(', ')}`,
      );
    }
    if (completeness.deniedSinceMs === null) {
      notes.push(`${runLabel(run)}: denied calls were not watched`);
    }
  }
  return {
    pass: 'completeness',
    about: 'what the runs missed',
    added: [],
    removed: [],
    notes,
    warnings: [
      ...lines.map((line) => `incomplete: ${line}`),
      ...supplements.map(
        (run) =>
          `${runLabel(run)} was made in complain mode: what its profile permits comes from the other ` +
          'recordings alone, which must be those that the profile was made of',
      ),
      ...runs
        .filter((run) => run.completeness.blindSpots.includes(DENIED_AS_ATTEMPTS))
        .map((run) => `wider: ${runLabel(run)} ${WIDER}`),
    ],
  };
}
