/** A recording as long and wide as a report has to bear: 500 calls, 60 executables, 24 hours. */
import type { Call, Phase, Recording, Run } from '../../src/recording';
import { mergeRecordings } from '../../src/recording';
import { type Abi, names, syscallNumber, trackedArguments } from '../../src/tables';
import { makeCall, makeRun } from './recordings';

const HOUR = 3_600_000;

/** The same numbers every time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

const CALLS = 500;
const EXECUTABLES = 60;
const PHASES: readonly Phase[] = ['startup', 'steady', 'shutdown'];

const paths = Array.from(
  { length: EXECUTABLES },
  (_, n) => `/opt/application-server/releases/current/bin/worker-${String(n).padStart(2, '0')}`,
);

/** x86_64 first, then i386. */
function chosen(): { abi: Abi; name: string }[] {
  return (['x86_64', 'i386'] as const)
    .flatMap((abi) => names(abi).map((name) => ({ abi, name })))
    .filter(({ name }) => name !== 'clone3')
    .slice(0, CALLS);
}

function callOf(
  { abi, name }: { abi: Abi; name: string },
  at: number,
  random: () => number,
  durationMs: number,
): Call {
  const tracked = trackedArguments(abi, name);
  const tuples = tracked === null ? undefined : [tracked.map(() => 0n), tracked.map(() => 1n)];
  // Some calls are everybody's, most are of a few.
  const most = at % 7 === 0 ? EXECUTABLES : 1 + Math.floor(random() * 12);
  const first = Math.floor(random() * EXECUTABLES);
  const executables = Array.from({ length: most }, (_, n) => (first + n) % EXECUTABLES);
  const denied = at % 25 === 3 ? { '1': 1 + Math.floor(random() * 40) } : {};
  const call = makeCall({
    ...{ abi, call: syscallNumber(abi, name) as number, denied },
    ...(tuples === undefined ? { count: 50 + Math.floor(random() * 1e6) } : { tuples }),
    executables: executables.sort((a, b) => a - b),
    phases: PHASES.filter((_, n) => n === 1 || random() < 0.3),
  });
  // Most of it at once, the rest ever more seldom.
  return { ...call, firstSeenMs: Math.floor(durationMs * random() ** 8) };
}

/** Four runs of six hours, each with most of the calls and, but for the last, some of its own. */
export function longRecording(): Recording {
  const all = chosen();
  const random = numbers(17);
  const runs = Array.from({ length: 4 }, (_, n): Run => {
    const durationMs = 6 * HOUR;
    const some = all.filter((_, at) => (at % 10 === 9 ? n > at % 3 : random() < 0.97) || n === 3);
    return makeRun([], {
      id: `00000000-0000-4000-8000-00000000000${n}`,
      start: `2025-03-0${n + 1}T06:00:00.000Z`,
      durationMs,
      executables: paths,
      target: {
        ...{ kind: 'container', engine: 'docker', name: 'application-server' },
        ...{ id: 'f'.repeat(64), image: 'registry.example/application-server:4.2' },
      },
      calls: some.map((call, at) => callOf(call, at, random, durationMs)),
    });
  });
  return mergeRecordings([{ version: 1, runs }]);
}
