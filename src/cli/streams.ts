/** Standard input and output are one place each. */
import { SysieveError } from '../errors';

export function stdinTwice(): SysieveError {
  const message = "'-' (standard input) can be read only once";
  return new SysieveError('usage', 'stdin-twice', message, {
    remedy: 'Give a file for the other.',
  });
}

export function stdoutTwice(): SysieveError {
  const message = '--json and -o - both want standard output';
  return new SysieveError('usage', 'stdout-twice', message, {
    remedy: 'Write the result to a file, or leave --json out.',
  });
}
