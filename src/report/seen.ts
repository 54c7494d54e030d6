/** What runs say of each call, folded over all of them, and how the calls came to be known. */
import { isApplication } from '../minimise';
import type { Call, Phase, Recording, Run } from '../recording';
import { saturation, saturationText } from '../saturation';
import { ABIS, type Abi, syscallName } from '../tables';
import type { Discovery, RecordedRun } from './types';

export interface SeenCall {
  readonly abi: Abi;
  readonly number: number;
  readonly name: string | null;
  readonly count: number;
  readonly denied: number;
  readonly errnos: readonly string[];
  readonly phases: readonly Phase[];
  readonly executables: readonly string[];
  readonly firstSeen: { readonly run: number; readonly ms: number };
}

interface Folded extends SeenCall {
  count: number;
  denied: number;
  errnos: string[];
  phases: Phase[];
  executables: string[];
  firstSeen: { run: number; ms: number };
}

function add<Item>(list: Item[], items: readonly (Item | undefined)[]): void {
  for (const item of items) if (item !== undefined && !list.includes(item)) list.push(item);
}

export function inOrder(runs: readonly Run[]): Run[] {
  return [...runs].sort(
    (a, b) => Date.parse(a.start) - Date.parse(b.start) || (a.id < b.id ? -1 : 1),
  );
}

/** `runs` in the order they began. By ABI and number. */
export function seenCalls(runs: readonly Run[]): SeenCall[] {
  const calls = new Map<string, Folded>();
  for (const [at, run] of runs.entries()) {
    for (const call of run.calls) {
      const key = `${call.abi} ${call.number}`;
      const known: Folded = calls.get(key) ?? {
        abi: call.abi,
        number: call.number,
        name: syscallName(call.abi, call.number) ?? call.name,
        count: 0,
        denied: 0,
        errnos: [],
        phases: [],
        executables: [],
        firstSeen: { run: at + 1, ms: call.firstSeenMs },
      };
      calls.set(key, known);
      known.count += call.count;
      known.denied += call.denied.count;
      add(known.errnos, Object.keys(call.denied.errnos));
      add(known.phases, call.phases);
      add(
        known.executables,
        call.executables.map((index) => run.executables[index]),
      );
    }
  }
  return [...calls.values()].sort(
    (a, b) => ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || a.number - b.number,
  );
}

export function targetText({ target }: Run): string {
  const name = target.name ?? target.id;
  const what = name === null ? target.kind : `${target.kind} ${name}`;
  return target.image === null ? what : `${what} (${target.image})`;
}

export function recordedRuns(runs: readonly Run[]): RecordedRun[] {
  return runs.map((run) => ({
    id: run.id,
    target: targetText(run),
    start: run.start,
    durationMs: run.durationMs,
    tracer: run.tracer,
    calls: run.calls.length,
  }));
}

/** As saturation counts: made by the application, and not only ever denied. */
function isNeeded(call: Call): boolean {
  return isApplication(call) && call.count > call.denied.count;
}

const SHARES = [50, 90, 99, 100] as const;

/** null: no run shows what the application does. */
export function discoveryOf(recording: Recording): Discovery | null {
  const found = saturation(recording);
  if (found.runs.length === 0) return null;
  const byId = new Map(recording.runs.map((run) => [run.id, run]));
  const known = new Set<string>();
  const curve: { atMs: number; calls: number }[] = [];
  let begin = 0;
  const runs = found.runs.map((run) => {
    const { start = '', calls = [] } = byId.get(run.id) ?? {};
    const needed = calls.filter(isNeeded).sort((a, b) => a.firstSeenMs - b.firstSeenMs);
    for (const { abi, number, firstSeenMs } of needed) {
      known.add(`${abi} ${number}`);
      const atMs = begin + Math.min(firstSeenMs, run.durationMs);
      const last = curve.at(-1);
      if (last?.calls === known.size) continue;
      if (last?.atMs === atMs) last.calls = known.size;
      else curve.push({ atMs, calls: known.size });
    }
    begin += run.durationMs;
    const { id, durationMs, newCalls, newTuples, lastNewMs } = run;
    return { id, start, durationMs, calls: needed.length, newCalls, newTuples, lastNewMs };
  });
  const reached = SHARES.flatMap((percent) => {
    const calls = Math.ceil((known.size * percent) / 100);
    const point = curve.find((one) => one.calls >= calls);
    return point === undefined ? [] : [{ percent, calls, atMs: point.atMs }];
  });
  return {
    saturation: saturationText(found),
    notes: found.notes,
    runs,
    totalMs: begin,
    curve,
    reached,
  };
}
