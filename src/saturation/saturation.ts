/** What each run of a recording added to those before it, and what is probably still unseen. */
import { isApplication } from '../minimise';
import { type Call, PERMITTED_CALLS, type Recording, type Run } from '../recording';
import { type Estimate, estimate } from './estimate';

export interface RunSaturation {
  readonly id: string;
  readonly durationMs: number;
  /** Calls, and tuples of tracked arguments, that no earlier run had. */
  readonly newCalls: number;
  readonly newTuples: number;
  /** When the last of these calls was made, in ms from the run's beginning; null: there were none. */
  readonly lastNewMs: number | null;
  /** By minute of the run: how many calls it made there for the first time. Minutes without are left out. */
  readonly byMinute: readonly { readonly minute: number; readonly calls: number }[];
}

export interface Saturation {
  /** In the order they began. */
  readonly runs: readonly RunSaturation[];
  /** How many at the end had nothing new. */
  readonly quietRuns: number;
  readonly calls: Estimate;
  readonly tuples: Estimate;
  /** Where the numbers say less than they seem to, a sentence each. */
  readonly notes: readonly string[];
}

const MINUTE_MS = 60_000;

/** What a profile would have to permit: made by the application, and not only ever denied. */
function needed(run: Run): Call[] {
  return run.calls.filter((call) => isApplication(call) && call.count > call.denied.count);
}

function callKey({ abi, number }: Call): string {
  return `${abi} ${number}`;
}

function tupleKeys(calls: readonly Call[]): string[] {
  return calls.flatMap((call) =>
    (call.args?.tuples ?? [])
      .filter(({ phases }) => phases === undefined || isApplication({ phases }))
      .map(({ values }) => `${callKey(call)} ${values.join(' ')}`),
  );
}

function minutes(calls: readonly Call[]): RunSaturation['byMinute'] {
  const counts = new Map<number, number>();
  for (const { firstSeenMs } of calls) {
    const minute = Math.floor(firstSeenMs / MINUTE_MS);
    counts.set(minute, (counts.get(minute) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b).map(([minute, calls]) => ({ minute, calls }));
}

/** In how many runs each key was seen. */
class Seen {
  private readonly runs = new Map<string, number>();

  /** The keys that are new. */
  add(keys: readonly string[]): Set<string> {
    const fresh = new Set<string>();
    for (const key of new Set(keys)) {
      const before = this.runs.get(key) ?? 0;
      if (before === 0) fresh.add(key);
      this.runs.set(key, before + 1);
    }
    return fresh;
  }

  frequencies(): number[] {
    return [...this.runs.values()];
  }
}

function notesOf(runs: readonly Run[], leftOut: number): string[] {
  const notes: string[] = [];
  if (leftOut > 0) {
    notes.push(
      `${leftOut} made in complain mode ${leftOut === 1 ? 'is' : 'are'} left out: not every call is in it`,
    );
  }
  const targets = new Set(
    runs.map(({ target }) => JSON.stringify([target.kind, target.image ?? target.name])),
  );
  if (targets.size > 1) {
    notes.push('the runs are of different targets: the estimate takes them for samples of one');
  }
  const lossy = runs.filter(({ completeness }) => !completeness.complete).length;
  if (lossy > 0) {
    notes.push(`${lossy} of the runs missed something: what they did not see counts as not done`);
  }
  const overflowed = runs.some(({ calls }) =>
    calls.some(({ args }) => args !== null && args.overflow + args.unreadable > 0),
  );
  if (overflowed)
    notes.push('some arguments were not kept: there are more tuples than are counted');
  return notes;
}

/** Runs in complain mode are no samples of what the application does, and are left out. */
export function saturation(recording: Recording): Saturation {
  const runs = recording.runs
    .filter(({ completeness }) => !completeness.blindSpots.includes(PERMITTED_CALLS))
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || (a.id < b.id ? -1 : 1));
  const calls = new Seen();
  const tuples = new Seen();
  const each = runs.map((run): RunSaturation => {
    const made = needed(run);
    const freshCalls = calls.add(made.map(callKey));
    const fresh = made.filter((call) => freshCalls.has(callKey(call)));
    return {
      id: run.id,
      durationMs: run.durationMs,
      newCalls: fresh.length,
      newTuples: tuples.add(tupleKeys(made)).size,
      lastNewMs:
        fresh.length === 0
          ? null
          : fresh.reduce((last, call) => Math.max(last, call.firstSeenMs), 0),
      byMinute: minutes(made),
    };
  });
  const lastWithNew = each.findLastIndex(({ newCalls, newTuples }) => newCalls + newTuples > 0);
  return {
    runs: each,
    quietRuns: each.length - 1 - lastWithNew,
    calls: estimate(calls.frequencies(), each.length),
    tuples: estimate(tuples.frequencies(), each.length),
    notes: notesOf(runs, recording.runs.length - runs.length),
  };
}
