'use strict';
/** The getppid loop: one process for the whole run, a fixed number of calls each time. */
const { Answerer } = require('./children.js');

const CALLS = { fast: 1_000_000, slow: 20_000 };
const WARM_UP = { fast: 200_000, slow: 10_000 };

/** The configurations whose extra cost is compared, [subject, yardstick, goal]. */
const RATIOS = /** @type {const} */ ([
  ['target', 'emptyEnter', 1.5],
  ['targetDenied', 'emptyBoth', 1.5],
  ['neighbour', 'emptyEnter', 1.4],
  ['neighbourDenied', 'emptyBoth', 1.4],
  ['ptrace', 'straceRaw', 1.1],
  ['ptrace', 'strace', 0.6],
]);

/** @param {Record<string, string>} built @param {number} scale of the numbers of calls */
function startLoop(built, scale) {
  const loop = new Answerer(/** @type {string} */ (built['syscall-loop']));

  /** @param {number} calls */
  const repeat = async (calls) => {
    const [ns = NaN, meanNs = NaN, cpuNs = NaN] = (await loop.ask(String(calls)))
      .split(' ')
      .map(Number);
    return { ns, meanNs, cpuNs };
  };

  return {
    pid: loop.pid,
    /** @param {{pace: 'fast' | 'slow'}} configuration */
    callsMade: ({ pace }) => (CALLS[pace] + WARM_UP[pace]) * scale,
    /** @param {{pace: 'fast' | 'slow'}} configuration */
    warmUp: async ({ pace }) => {
      await repeat(WARM_UP[pace] * scale);
    },
    /** @param {{pace: 'fast' | 'slow'}} configuration */
    measure: ({ pace }) => repeat(CALLS[pace] * scale),
    end: () => loop.end(),
  };
}

module.exports = { CALLS, RATIOS, startLoop };
