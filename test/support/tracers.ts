/**
 * The tracers, as rows of one table: how `record` is told to use each, and what each cannot see by
 * nature. All are held to what the fixtures say of themselves; where that has to be adjusted for one
 * of them, its recording must declare the blind spot, and must really differ without the adjustment.
 */
import { spawnSync } from 'node:child_process';
import type { Run } from '../../src/recording';
import type { Expectation, Fixture, Seen } from './fixtures';
import { CLI } from './recorder';

export type TracerChoice = 'ebpf' | 'ptrace' | 'notify';

/**
 * What `record --tracer` must offer. A tracer that is listed here and not offered fails the suites; one
 * that is offered runs in them, listed or not.
 */
export const EXPECTED_TRACERS: readonly TracerChoice[] = ['ebpf', 'ptrace', 'notify'];

interface Adjustment {
  /** Holds of the fixture's expectation under this tracer. */
  adjust?(expectation: Expectation): Expectation;
  /** The words in `blindSpots` that must stand for it. */
  declares: readonly string[];
  /** Differs on some runs only: the proof that it is needed is left out. */
  byChance?: true;
  /** The fixture cannot run under this tracer, and says so in these words. */
  fails?: RegExp;
}

export interface Tracer {
  name: string;
  choice: TracerChoice;
  /** Options of `record`. */
  how: readonly string[];
  /** Fixtures take their smaller numbers: a call costs microseconds, or another row has the full ones. */
  slow: boolean;
  /** Declared in every recording. */
  blindSpots: readonly string[];
  /** Of a denied call, whether it and its errno are known, it is taken for a failed one, or unseen. */
  denied: 'known' | 'as-failed' | 'unseen';
  /** Named by fixture. */
  adjustments: Readonly<Record<string, Adjustment>>;
}

/** Counts become least counts. */
const least = (expectation: Expectation): Expectation => ({ ...expectation, exact: false });

/** The fixtures that install filters. */
const FILTERED = [
  'denied-arguments',
  'denied-errno',
  'denied-inherited',
  'denied-int80',
  'denied-kill-process',
  'denied-kill-thread',
  'denied-notify',
  'denied-trace',
  'denied-trap',
  'denied-tsync',
];

const forAll = (names: readonly string[], adjustment: Adjustment): Record<string, Adjustment> =>
  Object.fromEntries(names.map((name) => [name, adjustment]));

/** The same however often it stops a task. */
const PTRACE: Omit<Tracer, 'name' | 'how'> = {
  choice: 'ptrace',
  slow: true,
  blindSpots: ['denied-from-failed'],
  denied: 'as-failed',
  adjustments: {
    ...forAll(FILTERED, { declares: ['denied-as-attempts'] }),
    // What the target traces itself has no room for a second ptracer: TRACEME is told EPERM.
    ...forAll(['traces', 'killed-at-entry'], { declares: ['nested-ptrace'], byChance: true }),
    // A ptraced task is trapped once more when it is continued, which may restart the call again.
    'restart-syscall': { adjust: least, declares: [], byChance: true },
  },
};

export const TRACERS: readonly Tracer[] = [
  {
    name: 'ebpf',
    choice: 'ebpf',
    how: ['--tracer', 'ebpf', '--programs', 'typed', '--denied'],
    slow: false,
    blindSpots: [],
    denied: 'known',
    adjustments: {},
  },
  {
    name: 'ebpf by raw tracepoints',
    choice: 'ebpf',
    how: ['--tracer', 'ebpf', '--programs', 'raw', '--denied'],
    slow: process.env.SYSIEVE_SOAK !== '1',
    blindSpots: ['kill-thread-unseen'],
    denied: 'known',
    adjustments: {
      // A thread that its filter kills beside living ones ends without the exit of its call.
      'denied-kill-thread': { adjust: withoutKilled, declares: ['kill-thread-unseen'] },
    },
  },
  { name: 'ptrace', how: ['--tracer', 'ptrace'], ...PTRACE },
  { name: 'ptrace, entries only', how: ['--tracer', 'ptrace', '--entry-only'], ...PTRACE },
  {
    name: 'notify',
    choice: 'notify',
    how: ['--tracer', 'notify'],
    slow: true,
    blindSpots: [],
    denied: 'unseen',
    adjustments: {
      // A filter of the target's own that denies a call outranks the one that notifies of it.
      ...forAll(FILTERED, { declares: ['denied-by-own-filter'] }),
      // One listener to a stack of filters: a target that wants its own is told EBUSY.
      'denied-notify': {
        fails: /seccomp: -16/,
        declares: ['denied-by-own-filter', 'own-listener-refused'],
      },
      // A notification outranks RET_TRACE: the call is let through.
      'denied-trace': { fails: /answered otherwise/, declares: ['denied-by-own-filter'] },
    },
  },
];

/** Which tracers the built command offers. */
function offered(): readonly string[] {
  const { stderr } = spawnSync(process.execPath, [CLI, 'record', '--tracer', '?', '--', 'true'], {
    encoding: 'utf8',
  });
  const choices = /allowed choices are ([a-z, ]+)/.exec(stderr)?.[1];
  if (choices === undefined) throw new Error(`record names no choice of tracers: ${stderr}`);
  return choices.split(', ').filter((choice) => choice !== 'auto');
}

/** The rows of the tracers that are offered or expected. */
export function testedTracers(): readonly Tracer[] {
  const choices = new Set<string>([...offered(), ...EXPECTED_TRACERS]);
  const unknown = [...choices].filter((name) => !TRACERS.some(({ choice }) => choice === name));
  if (unknown.length > 0) throw new Error(`tracers without a row: ${unknown.join(', ')}`);
  return TRACERS.filter(({ choice }) => choices.has(choice));
}

/** One row for each choice of `--tracer`: which programs ebpf loads does not matter everywhere. */
export function choicesTested(): readonly Tracer[] {
  const first = (row: Tracer, at: number, rows: readonly Tracer[]): boolean =>
    rows.findIndex(({ choice }) => choice === row.choice) === at;
  return testedTracers().filter(first);
}

/** The expectation without the calls that ended their task. */
function withoutKilled(expectation: Expectation): Expectation {
  return without(expectation, (errno) => errno === '0');
}

/** The expectation without calls that a filter denied with certain errnos. */
function without(expectation: Expectation, dropped: (errno: string) => boolean): Expectation {
  const calls = expectation.calls.flatMap((call) => {
    const kept = Object.entries(call.errnos).filter(([errno]) => !dropped(errno));
    const denied = kept.reduce((sum, [, count]) => sum + count, 0);
    const count = call.count - call.denied + denied;
    if (count === 0) return [];
    // By which executables those were made is not told apart.
    const executables = denied === call.denied ? call.executables : undefined;
    return [{ ...call, count, denied, errnos: Object.fromEntries(kept), executables }];
  });
  return { ...expectation, calls };
}

/** What a fixture is expected to look like through a tracer. */
export function through(tracer: Tracer, fixture: Fixture, expectation: Expectation): Expectation {
  const seen = tracer.denied === 'unseen' ? without(expectation, () => true) : expectation;
  return tracer.adjustments[fixture.name]?.adjust?.(seen) ?? seen;
}

/** What a tracer saw, without the fields that it cannot fill; wrong where it filled one all the same. */
export function told(tracer: Tracer, seen: readonly Seen[]): Seen[] {
  if (tracer.denied === 'known') return [...seen];
  return seen.map(({ denied, ...rest }) => {
    if (denied?.count) throw new Error(`${tracer.name} claims to know of a denial: ${rest.number}`);
    return rest;
  });
}

/** The blind spots that a recording of a fixture must declare, and no other. */
export function declared(tracer: Tracer, fixture: Fixture): string[] {
  const adjusted = tracer.adjustments[fixture.name]?.declares ?? [];
  return [...new Set([...tracer.blindSpots, ...(fixture.declares ?? []), ...adjusted])].sort();
}

export const deniedSince = (tracer: Tracer, run: Run): boolean =>
  tracer.denied === 'known'
    ? run.completeness.deniedSinceMs !== null
    : run.completeness.deniedSinceMs === null;
