/** Saturation in words, with no more digits than it has meaning. */
import { type Estimate, LEAST_RUNS } from './estimate';
import type { Saturation } from './saturation';

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function time(ms: number): string {
  // A time of whole milliseconds, rounded down.
  if (ms < 1) return 'less than 1 ms';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Null: nothing of the kind was seen. */
function unseenText({ unseen, interval }: Estimate, noun: string): string | null {
  if (unseen === null || interval === null) return null;
  const range = `(95 %: ${Math.floor(interval[0])} to ${Math.ceil(interval[1])})`;
  const rounded = Math.round(unseen);
  // Not that there are none: it is a lower bound.
  if (rounded === 0) return `nothing points to unseen ${noun}s ${range}`;
  return `about ${plural(rounded, noun)} likely unseen ${range}`;
}

function ended(quietRuns: number, runs: number): string {
  if (quietRuns === 0) return 'something new in the last';
  if (quietRuns === 1) return 'nothing new in the last';
  if (quietRuns === runs) return 'nothing in any of them';
  return `nothing new in the last ${quietRuns}`;
}

function single({ runs, calls, tuples }: Saturation): string {
  const [run] = runs;
  const last = run?.lastNewMs ?? null;
  const when =
    run === undefined || last === null
      ? ''
      : `, the last after ${time(last)} of ${time(run.durationMs)}`;
  return (
    `1 run: ${plural(calls.seen, 'call')} and ${plural(tuples.seen, 'argument tuple')}${when}; ` +
    'how much is unseen cannot be estimated from one run'
  );
}

/** One line: "3 runs, nothing new in the last 2; about 1 call likely unseen (95 %: 0 to 4)". */
export function saturationText(saturation: Saturation): string {
  const { runs, quietRuns, calls, tuples } = saturation;
  if (runs.length === 0) return 'no run to estimate from';
  if (runs.length === 1) return single(saturation);
  const head = `${runs.length} runs, ${ended(quietRuns, runs.length)}`;
  if (runs.length < LEAST_RUNS) {
    return `${head}; how much is unseen can be estimated from ${LEAST_RUNS} on`;
  }
  const parts = [unseenText(calls, 'call'), unseenText(tuples, 'argument tuple')].filter(
    (part) => part !== null,
  );
  return [head, ...parts].join('; ');
}
