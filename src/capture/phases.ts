/** Which of the marked phases a call of the application was made in: those in which its count grew. */
import type { Phase } from '../recording/schema';
import type { NativeCall, NativeTuple, Observation } from './binding-types';

/** From here on, the application's calls belong to `phase`; `seen` is what was counted before. */
export interface Mark {
  phase: Phase;
  seen: Observation;
}

/** What a run without marks, and the time before the first of them, count as. */
const UNMARKED: Phase = 'steady';

const callKey = (call: NativeCall): string => `${call.slot} ${call.abi} ${call.number}`;
const tupleKey = (tuple: NativeTuple): string =>
  `${tuple.phase} ${tuple.abi} ${tuple.number} ${tuple.denied} ${tuple.values.join(' ')}`;

function totals<T extends { count: bigint }>(
  items: readonly T[],
  key: (item: T) => string,
): Map<string, bigint> {
  const counts = new Map<string, bigint>();
  for (const item of items) {
    counts.set(key(item), (counts.get(key(item)) ?? 0n) + item.count);
  }
  return counts;
}

/** Phase by phase, for what carries one key; the last phase for a count that never grew. */
function growth(phases: readonly Phase[], readings: readonly Map<string, bigint>[]) {
  return (key: string): Phase[] => {
    const grown = phases.filter(
      (_, at) => (readings[at]?.get(key) ?? 0n) > (readings[at - 1]?.get(key) ?? 0n),
    );
    return grown.length > 0 ? [...new Set(grown)] : phases.slice(-1);
  };
}

export interface MarkedPhases {
  /** Made or denied. */
  ofCall(call: NativeCall): Phase[];
  ofTuple(tuple: NativeTuple): Phase[];
}

/** `end`: what was counted at the end. Readings take a moment, in which calls go on: they fall to either side. */
export function markedPhases(marks: readonly Mark[], end: Observation): MarkedPhases {
  const phases = [UNMARKED, ...marks.map(({ phase }) => phase)];
  const readings = [...marks.map(({ seen }) => seen), end];
  const calls = growth(
    phases,
    readings.map((seen) => totals([...seen.calls, ...seen.denied], callKey)),
  );
  const tuples = growth(
    phases,
    readings.map((seen) => totals(seen.tuples, tupleKey)),
  );
  return {
    ofCall: (call) => calls(callKey(call)),
    ofTuple: (tuple) => tuples(tupleKey(tuple)),
  };
}
