/** One order for everything whose order means nothing, so that equal recordings have equal bytes. */
import * as z from 'zod';
import { escapeUnsafeJson } from '../errors/text';
import { ABIS } from '../tables';
import { runIssues } from './consistency';
import {
  type Call,
  MAX_RUNS,
  Phase,
  RECORDING_VERSION,
  type Recording,
  RecordingSchema,
  type Run,
  RunSchema,
} from './schema';

const PHASES = Phase.options;

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A sorted copy. Nearly all there is to sort is in order already, which is cheaper to see. */
function sortedCopy<T>(items: readonly T[], order: (a: T, b: T) => number): T[] {
  const copy = items.slice();
  for (let at = 1; at < copy.length; at += 1) {
    if (order(copy[at - 1] as T, copy[at] as T) > 0) return copy.sort(order);
  }
  return copy;
}

function ascending(numbers: readonly number[]): number[] {
  if (numbers.length < 2) return numbers.slice();
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function inOrder(phases: readonly Phase[]): Phase[] {
  return phases.length < 2 ? phases.slice() : PHASES.filter((phase) => phases.includes(phase));
}

type Errnos = Call['denied']['errnos'];

function canonicalErrnos(errnos: Errnos): Errnos {
  // Keys that are array indexes come out ascending, whatever the order they went in.
  return { ...errnos };
}

type Args = NonNullable<Call['args']>;
type Tuple = Args['tuples'][number];

function canonicalTuple({ values, count, phases, executables }: Tuple): Tuple {
  return {
    values: values.slice(),
    count,
    ...(phases === undefined ? {} : { phases: inOrder(phases) }),
    ...(executables === undefined ? {} : { executables: ascending(executables) }),
  };
}

function compareTuples(a: Tuple, b: Tuple): number {
  return compare(a.values.join(), b.values.join()) || a.count - b.count;
}

function canonicalArgs(args: Args): Args {
  return {
    // The values of each tuple stand in the order of `indexes`, so that order has a meaning.
    indexes: [...args.indexes],
    tuples: sortedCopy(args.tuples, compareTuples).map(canonicalTuple),
    overflow: args.overflow,
    unreadable: args.unreadable,
  };
}

const ABI_ORDER = new Map(ABIS.map((abi, index) => [abi, index]));

function compareCalls(a: Call, b: Call): number {
  if (a.abi === b.abi) return a.number - b.number;
  return (ABI_ORDER.get(a.abi) ?? 0) - (ABI_ORDER.get(b.abi) ?? 0);
}

function canonicalCall(call: Call): Call {
  return {
    abi: call.abi,
    number: call.number,
    name: call.name,
    count: call.count,
    denied: {
      count: call.denied.count,
      errnos: canonicalErrnos(call.denied.errnos),
      ...(call.denied.args === undefined ? {} : { args: canonicalArgs(call.denied.args) }),
    },
    phases: inOrder(call.phases),
    executables: ascending(call.executables),
    firstSeenMs: call.firstSeenMs,
    args: call.args === null ? null : canonicalArgs(call.args),
  };
}

export function canonicalRun(run: Run): Run {
  const { runtime } = run.host;
  const { attachedLate } = run.completeness;
  return {
    id: run.id,
    tool: { name: run.tool.name, version: run.tool.version },
    host: {
      kernel: run.host.kernel,
      machine: run.host.machine,
      runtime: runtime === null ? null : { name: runtime.name, version: runtime.version },
    },
    target: {
      kind: run.target.kind,
      engine: run.target.engine,
      name: run.target.name,
      id: run.target.id,
      image: run.target.image,
    },
    tracer: run.tracer,
    start: run.start,
    durationMs: run.durationMs,
    marks: run.marks.map(({ phase, atMs }) => ({ phase, atMs })),
    executables: [...run.executables],
    calls: sortedCopy(run.calls, compareCalls).map(canonicalCall),
    completeness: {
      complete: run.completeness.complete,
      startsSeen: run.completeness.startsSeen,
      attachedLate: attachedLate === null ? null : { targetAgeMs: attachedLate.targetAgeMs },
      callsLost: run.completeness.callsLost,
      tasksLost: run.completeness.tasksLost,
      namespacesOverLimit: run.completeness.namespacesOverLimit,
      cgroupsOverLimit: run.completeness.cgroupsOverLimit,
      tasksUnstarted: run.completeness.tasksUnstarted,
      callsBeforeStart: run.completeness.callsBeforeStart,
      executablesOverLimit: run.completeness.executablesOverLimit,
      pathsTruncated: run.completeness.pathsTruncated,
      argumentOverflow: run.completeness.argumentOverflow,
      numbersUnknown: run.completeness.numbersUnknown,
      deniedSinceMs: run.completeness.deniedSinceMs,
      blindSpots: [...new Set(run.completeness.blindSpots)].sort(compare),
    },
  };
}

export function canonicalRecording(recording: Recording): Recording {
  return {
    version: RECORDING_VERSION,
    runs: recording.runs.map(canonicalRun).sort((a, b) => compare(a.id, b.id)),
  };
}

function lines(items: readonly unknown[], indent: string): string {
  if (items.length === 0) return '[]';
  const inner = items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n');
  return `[\n${inner}\n${indent}]`;
}

function serializeRun(run: Run): string {
  const fields = Object.entries(run).map(([key, value]) => {
    const listed = key === 'calls' || key === 'executables';
    return `      "${key}": ${listed ? lines(value as unknown[], '      ') : JSON.stringify(value)}`;
  });
  return `    {\n${fields.join(',\n')}\n    }`;
}

/** A recording whose runs are checked one by one. */
const ShellSchema = RecordingSchema.extend({ runs: z.array(z.unknown()).max(MAX_RUNS) });

function refuse(path: readonly PropertyKey[], message: string): never {
  throw new Error(`recording not written: ${path.map(String).join('.')}: ${message}`);
}

/**
 * Canonical bytes, a call a line. What breaks the schema is never written: it throws a plain Error,
 * since only a defect of the writer can bring it here.
 */
export function serializeRecording(recording: Recording): string {
  const { version, runs } = ShellSchema.parse(recording);
  const written = new Map<string, string>();
  // Run by run: of thousands of them, one copy at a time is enough.
  for (const run of runs) {
    const checked = canonicalRun(RunSchema.parse(run));
    const [wrong] = runIssues(checked);
    if (wrong !== undefined) refuse(wrong.path, wrong.message);
    if (written.has(checked.id)) refuse(['id'], `run ${checked.id} is there twice`);
    written.set(checked.id, escapeUnsafeJson(serializeRun(checked)));
  }
  const texts = [...written].sort(([a], [b]) => compare(a, b)).map(([, text]) => text);
  const body = texts.length === 0 ? '[]' : `[\n${texts.join(',\n')}\n  ]`;
  return `{\n  "version": ${version},\n  "runs": ${body}\n}\n`;
}
