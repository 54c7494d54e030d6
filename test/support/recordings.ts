/** Hand-made recordings: a complete run unless told otherwise. */
import {
  type Abi,
  type Call,
  isComplete,
  type Phase,
  type Recording,
  type Run,
} from '../../src/recording';
import { syscallName, syscallNumber, trackedArguments } from '../../src/tables';

export interface CallSpec {
  abi?: Abi;
  /** A name of the tables, or a number. */
  call: string | number;
  /** Unless given: one, or as many as were denied. */
  count?: number;
  /** errno → attempts. */
  denied?: Record<string, number>;
  phases?: Phase[];
  executables?: number[];
  /** Values of the tracked arguments, one call each; the call's count follows from them. */
  tuples?: bigint[][];
  overflow?: number;
  unreadable?: number;
}

export function makeCall(spec: CallSpec | string): Call {
  const {
    abi = 'x86_64',
    call,
    count,
    denied = {},
    phases,
    executables,
    tuples,
    overflow = 0,
    unreadable = 0,
  } = typeof spec === 'string' ? { call: spec } : spec;
  const number = typeof call === 'number' ? call : syscallNumber(abi, call);
  if (number === null) throw new Error(`${abi} has no ${call}`);
  const refused = Object.values(denied).reduce((sum, n) => sum + n, 0);
  const name = syscallName(abi, number);
  const indexes = (name === null ? null : trackedArguments(abi, name))?.map(({ index }) => index);
  const known = tuples ?? [];
  const args =
    tuples === undefined && overflow + unreadable === 0
      ? null
      : {
          indexes: indexes ?? [],
          tuples: known.map((values) => ({
            values: values.map((value) => `0x${value.toString(16)}`),
            count: 1,
          })),
          overflow,
          unreadable,
        };
  const counted = args === null ? undefined : refused + known.length + overflow + unreadable;
  return {
    abi,
    number,
    name,
    count: count ?? counted ?? Math.max(1, refused),
    denied: { count: refused, errnos: denied },
    phases: phases ?? ['steady'],
    executables: executables ?? [0],
    firstSeenMs: 1,
    args,
  };
}

export function makeRun(
  calls: (CallSpec | string)[],
  changes: Partial<Run> & { missed?: Partial<Run['completeness']> } = {},
): Run {
  const { missed = {}, ...rest } = changes;
  const counts = {
    startsSeen: 1,
    attachedLate: null,
    callsLost: 0,
    tasksLost: 0,
    namespacesOverLimit: 0,
    cgroupsOverLimit: 0,
    tasksUnstarted: 0,
    callsBeforeStart: 0,
    executablesOverLimit: 0,
    pathsTruncated: 0,
    argumentOverflow: 0,
    numbersUnknown: 0,
    deniedSinceMs: 0,
    blindSpots: [],
    ...missed,
  };
  return {
    id: '00000000-0000-4000-8000-000000000001',
    tool: { name: 'sysieve', version: '0.1.0' },
    host: { kernel: '6.18.0', machine: 'x86_64', runtime: { name: 'runc', version: '1.1.5' } },
    target: { kind: 'container', engine: 'docker', name: 'web', id: 'abc', image: 'web:1' },
    tracer: 'ebpf',
    start: '2026-01-02T03:04:05Z',
    durationMs: 1000,
    marks: [],
    executables: ['/usr/bin/web', '/usr/bin/helper'],
    calls: calls.map(makeCall),
    completeness: { complete: isComplete(counts), ...counts },
    ...rest,
  };
}

export function makeRecording(...runs: Run[]): Recording {
  return { version: 1, runs };
}
