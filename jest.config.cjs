/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  resolver: '<rootDir>/test/support/resolver.cjs',
  // The host's syscall tracepoints are shared: one test file that traces at a time, and one that
  // does not beside it.
  runner: '<rootDir>/test/support/runner.cjs',
  maxWorkers: 1,
  // Ends what hangs; says nothing of speed, which differs by much between machines.
  testTimeout: 240_000,
  // In ms. On a busy machine one that holds nothing open takes more than the default of 500 to end; one
  // that does is still told of.
  workerGracefulExitTimeout: 15_000,
};
