/**
 * Two lanes: tests that trace nothing on this machine (see test/README.md) run beside those that
 * do, which run one file at a time. Files of one lane alone run as jest would have them.
 */
const path = require('node:path');
const { default: TestRunner } = require('jest-runner');

const ROOT = path.join(__dirname, '..');
const BESIDE = /^(?:unit|engines|vm)\//;

module.exports = class extends TestRunner {
  /** With maxWorkers 1 each lane is one worker. */
  async runTests(tests, watcher, options) {
    const beside = tests.filter((test) => BESIDE.test(path.relative(ROOT, test.path)));
    const tracing = tests.filter((test) => !beside.includes(test));
    if (beside.length === 0 || tracing.length === 0) {
      return super.runTests(tests, watcher, options);
    }
    const lanes = { ...options, serial: false };
    await Promise.all([tracing, beside].map((lane) => super.runTests(lane, watcher, lanes)));
  }
};
