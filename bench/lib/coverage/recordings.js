'use strict';
/** Of a recording of application and driver together, what the application called. */

/** @typedef {import('../../../src/recording').Run} Run */
/** @typedef {import('../../../src/recording').Call} Call */
/** @typedef {NonNullable<Call['args']>} Args */

/**
 * @param {Args} args
 * @param {ReadonlyMap<number, number>} kept old index to new
 * @returns {Args}
 */
function argsOf(args, kept) {
  const tuples = args.tuples.flatMap((tuple) => {
    if (tuple.executables === undefined) return [tuple];
    const executables = indexes(tuple.executables, kept);
    return executables.length === 0 ? [] : [{ ...tuple, executables }];
  });
  return { ...args, tuples };
}

/** @param {readonly number[]} old @param {ReadonlyMap<number, number>} kept */
function indexes(old, kept) {
  return old.flatMap((index) => kept.get(index) ?? []).sort((a, b) => a - b);
}

/**
 * The run as if only these executables had been recorded. Where others made the same call, its count is
 * that of all: counts are not told apart by executable, sets of arguments are.
 * @param {Run} run
 * @param {RegExp} executables
 * @param {(path: string) => string} named what to call a path
 * @returns {Run}
 */
function applicationOf(run, executables, named) {
  /** @type {Map<number, number>} */
  const kept = new Map();
  /** @type {string[]} */
  const paths = [];
  for (const [index, path] of run.executables.entries()) {
    if (!executables.test(path)) continue;
    const name = named(path);
    if (!paths.includes(name)) paths.push(name);
    kept.set(index, paths.indexOf(name));
  }
  const calls = run.calls.flatMap((call) => {
    const mine = [...new Set(indexes(call.executables, kept))];
    if (mine.length === 0) return [];
    if (call.args === null) return [{ ...call, executables: mine }];
    const args = argsOf(call.args, kept);
    // More attempts than sets of arguments would mean that some are not known.
    const told = args.tuples.reduce((sum, { count }) => sum + count, 0);
    const count = told + args.overflow + args.unreadable + call.denied.count;
    return [{ ...call, count, executables: mine, args }];
  });
  return { ...run, executables: paths, calls };
}

module.exports = { applicationOf };
