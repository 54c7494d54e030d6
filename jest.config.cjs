/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  resolver: '<rootDir>/test/support/resolver.cjs',
  // Engines, tracers and the host's syscall tracepoints are shared: one test file at a time, and one
  // of test/unit beside it.
  runner: '<rootDir>/test/support/runner.cjs',
  maxWorkers: 1,
};
