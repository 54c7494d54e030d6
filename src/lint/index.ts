/** What is wrong or dangerous in a profile, judged by what passes under it. No I/O. */
export { lint } from './lint';
export { type LintInput, TARGETS, type Target } from './types';
