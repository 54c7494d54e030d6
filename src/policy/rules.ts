/**
 * From the entries of a profile to the rules that a runtime hands to libseccomp, in their order:
 * which are skipped, how the conditions of an entry are joined, which words answer.
 */
import { SysieveError } from '../errors';
import { wordOf } from './answers';
import type { Condition } from './conditions';
import type { OciAction, OciProfile, OciRule } from './profile-shape';

export type Runtime = 'runc' | 'crun';

export interface Rule {
  readonly name: string;
  readonly word: number;
  /** ANDed; none: unconditional. */
  readonly conditions: readonly Condition[];
  /** Of the profile's entry, for messages. */
  readonly place: string;
}

const ACTION_NAMES = {
  SCMP_ACT_KILL: 'kill_thread',
  SCMP_ACT_KILL_THREAD: 'kill_thread',
  SCMP_ACT_KILL_PROCESS: 'kill_process',
  SCMP_ACT_TRAP: 'trap',
  SCMP_ACT_ERRNO: 'errno',
  SCMP_ACT_NOTIFY: 'notify',
  SCMP_ACT_TRACE: 'trace',
  SCMP_ACT_LOG: 'log',
  SCMP_ACT_ALLOW: 'allow',
} as const;

const EPERM = 1;
/** Below the kernel's MAX_ERRNO (libseccomp, src/system.c). */
const LARGEST_ERRNO = 4094;

export function defaultWord(profile: OciProfile, runtime: Runtime): number {
  if (runtime === 'runc' && profile.defaultAction === 'SCMP_ACT_NOTIFY') {
    throw refused('runc', 'defaultAction: SCMP_ACT_NOTIFY cannot be the default action');
  }
  return actionWord(profile.defaultAction, profile.defaultErrnoRet, runtime, 'defaultAction');
}

/** The rules that reach libseccomp; what equals the default is not among them. */
export function rulesOf(profile: OciProfile, fallback: number, runtime: Runtime): Rule[] {
  return profile.syscalls.flatMap((entry, index) => {
    const place = `syscalls[${index}]`;
    const word = actionWord(entry.action, entry.errnoRet, runtime, place);
    if (runtime === 'runc' && entry.action === 'SCMP_ACT_NOTIFY' && entry.names.includes('write')) {
      throw refused('runc', `${place}: SCMP_ACT_NOTIFY cannot be used for write`);
    }
    // Before the names are looked at: the runtimes compare the words, their data included.
    if (word === fallback) return [];
    const alternatives = alternativesOf(entry, runtime);
    return entry.names.flatMap((name) =>
      alternatives.map((conditions) => ({ name, word, conditions, place })),
    );
  });
}

const CRUN_READS = 6;

/** One element a rule. An index used twice turns every condition into a rule of its own. */
function alternativesOf(entry: OciRule, runtime: Runtime): (readonly Condition[])[] {
  const args = runtime === 'crun' ? entry.args.slice(0, CRUN_READS) : entry.args;
  const indexes = new Set(args.map(({ index }) => index));
  return indexes.size < args.length ? args.map((condition) => [condition]) : [args];
}

function actionWord(
  action: OciAction,
  errnoRet: number | undefined,
  runtime: Runtime,
  place: string,
): number {
  const name = ACTION_NAMES[action];
  if (name !== 'errno' && name !== 'trace') {
    if (runtime === 'crun' && errnoRet !== undefined) {
      throw refused('crun', `${place}: an errno is given for ${action}, which takes none`);
    }
    return wordOf(name);
  }
  // Both runtimes keep the low 16 bits.
  const data = (errnoRet ?? EPERM) & 0xffff;
  if (name === 'errno' && data > LARGEST_ERRNO) {
    throw refused(
      runtime,
      `${place}: libseccomp takes no errno above ${LARGEST_ERRNO}, not ${data}`,
    );
  }
  return wordOf(name, data);
}

function refused(runtime: Runtime, message: string): SysieveError {
  return new SysieveError('input', 'profile-refused', message, {
    cause: `${runtime} refuses it, so that there is no filter`,
    remedy: 'Correct the profile, or choose another runtime.',
  });
}
