/** The sanitized build of the addon (scripts/build-sanitized), and what its sanitizers say. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './recorder';

const TREE = join(ROOT, 'build', 'sanitized');
export const SANITIZED_ADDON = join(TREE, 'build', 'Release', 'sysieve.node');
export const CANARY = join(TREE, 'canary.so');
/** Of a process in which a sanitizer found something. */
export const FOUND_STATUS = 99;

/**
 * Ends the preloading with node: what it starts is no part of the test. To be run before anything
 * else.
 */
export const ALONE = 'delete process.env.LD_PRELOAD;';
/** Runs the sanitized copy of the command with the arguments that follow. */
export const COMMAND = [
  '-e',
  `${ALONE} process.argv.splice(1, 0, ${JSON.stringify(join(TREE, 'dist', 'cli', 'main.js'))}); require(process.argv[1]);`,
  '--',
];

/** Builds it and answers the environment that node loads it in. */
export function buildSanitized(): NodeJS.ProcessEnv {
  const built = execFileSync(join(ROOT, 'scripts', 'build-sanitized'), { encoding: 'utf8' });
  return {
    ...process.env,
    // The addon comes late, and the sanitizer must be there before the first allocation.
    LD_PRELOAD: built.trim(),
    ASAN_OPTIONS: `detect_leaks=1:exitcode=${FOUND_STATUS}`,
    UBSAN_OPTIONS: `print_stacktrace=1:exitcode=${FOUND_STATUS}`,
  };
}

/** The same environment without a look for lost memory at the end. */
export const withoutLeaks = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  ASAN_OPTIONS: `${env.ASAN_OPTIONS}:detect_leaks=0`,
});

/** The reports in what was written on stderr; none: []. */
export const reports = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => /Sanitizer|runtime error:/.test(line));
