/** What the schema's types cannot say about a recording: the parts must fit together. */
import { type Issue, MAX_ISSUES } from '../json';
import { syscallName, syscallNumber } from '../tables';
import { type Call, isComplete, type Recording, type Run } from './schema';

const SYSCALL_NAME = /^[a-z_][a-z0-9_]*$/;

function* nameIssues(call: Call): Generator<string> {
  const known = syscallName(call.abi, call.number);
  if (known !== null) {
    // null is allowed: an older sysieve had no name for it yet.
    if (call.name !== null && call.name !== known) {
      yield `${call.abi} ${call.number} is ${known}, not ${JSON.stringify(call.name)}`;
    }
  } else if (call.name !== null) {
    if (!SYSCALL_NAME.test(call.name)) yield `not a name of a call: ${JSON.stringify(call.name)}`;
    const number = syscallNumber(call.abi, call.name);
    if (number !== null) yield `${call.abi} ${call.name} has number ${number}, not ${call.number}`;
  }
}

function* argsIssues(
  run: Run,
  args: NonNullable<Call['args']>,
  where: PropertyKey[],
): Generator<{ at: PropertyKey[]; message: string }> {
  for (const [at, tuple] of args.tuples.entries()) {
    if (tuple.values.length !== args.indexes.length) {
      const message = `${tuple.values.length} values for ${args.indexes.length} tracked arguments`;
      yield { at: [...where, 'tuples', at, 'values'], message };
    }
    const beyond = tuple.executables?.find((index) => index >= run.executables.length);
    if (beyond !== undefined) {
      const message = `the run has ${run.executables.length} executables, none with index ${beyond}`;
      yield { at: [...where, 'tuples', at, 'executables'], message };
    }
  }
}

function* callIssues(run: Run, call: Call): Generator<{ at: PropertyKey[]; message: string }> {
  for (const message of nameIssues(call)) yield { at: ['name'], message };
  if (call.denied.count > call.count) {
    yield { at: ['denied', 'count'], message: `${call.denied.count} of ${call.count} attempts` };
  }
  const byErrno = Object.values(call.denied.errnos).reduce((sum, count) => sum + count, 0);
  if (byErrno !== call.denied.count) {
    const message = `the errnos sum up to ${byErrno}, denied.count is ${call.denied.count}`;
    yield { at: ['denied', 'errnos'], message };
  }
  for (const [at, index] of call.executables.entries()) {
    if (index >= run.executables.length) {
      const message = `the run has ${run.executables.length} executables, none with index ${index}`;
      yield { at: ['executables', at], message };
    }
  }
  if (call.args !== null) yield* argsIssues(run, call.args, ['args']);
  const { args } = call.denied;
  if (args !== undefined) yield* argsIssues(run, args, ['denied', 'args']);
}

/** Where a run contradicts itself, with paths in the run. */
export function* runIssues(run: Run): Generator<Issue> {
  const seen = new Set<string>();
  for (const [index, call] of run.calls.entries()) {
    const key = `${call.abi} ${call.number}`;
    if (seen.has(key)) yield { path: ['calls', index], message: `${key} is listed twice` };
    seen.add(key);
    for (const { at, message } of callIssues(run, call)) {
      yield { path: ['calls', index, ...at], message };
    }
  }
  const derived = isComplete(run.completeness);
  if (run.completeness.complete !== derived) {
    const message = `says ${run.completeness.complete}, its counts say ${derived}`;
    yield { path: ['completeness', 'complete'], message };
  }
}

function* recordingIssues(recording: Recording): Generator<Issue> {
  const ids = new Set<string>();
  for (const [index, run] of recording.runs.entries()) {
    if (ids.has(run.id)) {
      yield { path: ['runs', index, 'id'], message: `run ${run.id} is there twice` };
    }
    ids.add(run.id);
    for (const issue of runIssues(run)) {
      yield { ...issue, path: ['runs', index, ...issue.path] };
    }
  }
}

/** Where the recording contradicts itself or the system call tables: the first MAX_ISSUES places. */
export function inconsistencies(recording: Recording): Issue[] {
  const issues: Issue[] = [];
  for (const issue of recordingIssues(recording)) {
    if (issues.push(issue) === MAX_ISSUES) break;
  }
  return issues;
}
