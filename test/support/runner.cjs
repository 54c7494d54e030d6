/**
 * Two lanes: the tests of test/unit share nothing with the machine and run beside the others, which
 * share its engines, tracers and tracepoints and run one file at a time. A file asked for alone runs
 * as jest would have it.
 */
const path = require('node:path');
const { default: TestRunner } = require('jest-runner');

const UNIT = path.join(__dirname, '..', 'unit') + path.sep;

module.exports = class extends TestRunner {
  /** With maxWorkers 1 each lane is one worker. */
  async runTests(tests, watcher, options) {
    const unit = tests.filter(({ path: file }) => file.startsWith(UNIT));
    const others = tests.filter((test) => !unit.includes(test));
    if (unit.length === 0 || others.length === 0) return super.runTests(tests, watcher, options);
    const lanes = { ...options, serial: false };
    await Promise.all([unit, others].map((lane) => super.runTests(lane, watcher, lanes)));
  }
};
