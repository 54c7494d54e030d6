/** Names of system calls that were probably meant. */
import { SysieveError } from '../errors';
import { nearest } from '../errors/near';
import { ABIS, names } from '../tables';

/** The nearest first, at most `limit`. */
export function nearNames(name: string, limit = 3): string[] {
  return nearest(
    name,
    ABIS.flatMap((abi) => names(abi)),
    limit,
  );
}

export function unknownCall(name: string): SysieveError {
  const near = nearNames(name);
  return new SysieveError(
    'input',
    'call-unknown',
    `there is no system call ${JSON.stringify(name)}`,
    {
      remedy:
        near.length === 0
          ? 'Give the name of a system call, such as openat.'
          : `Did you mean ${near.join(' or ')}?`,
    },
  );
}
