/** What `under: allow-all` runs an app under. */
import { machine } from 'node:os';
import type { Profile } from '../profile';
import { abisOfMachine, archOf } from '../tables';

/**
 * A filter, not none: that one is installed shows where the runtime ends and the application begins.
 * Every ABI is listed, since a call of one that is not is killed under any default. A runtime leaves
 * out a filter without a rule; the one here lets its call pass all the same.
 */
export const ALLOW_ALL: Profile = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: (abisOfMachine(machine()) ?? []).map(archOf) as Profile['architectures'],
  syscalls: [{ names: ['acct'], action: 'SCMP_ACT_LOG', args: [] }],
};
