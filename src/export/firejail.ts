/**
 * firejail: seccomp.keep for a profile of its own. As firejail 0.9.72 compiles it: the list is for the
 * machine's own ABI and lets every other ABI pass unless seccomp.block-secondary refuses those; execve,
 * execveat and prctl are always kept; personality is bounded by block-secondary.
 */
import { abiOf, abisOfMachine, errnoName, machineOfArchitectures, syscallNumber } from '../tables';
import {
  callRules,
  newerCalls,
  unsayable,
  type Verdict,
  verdictText,
  withoutArguments,
} from './call-rules';
import { checkRuntimes } from './plain';
import type { Emitter } from './types';

const KEPT = ['execve', 'execveat', 'prctl'] as const;
const REMEDY = 'Take another format (bpf with bwrap), or change the profile.';

function errorAction(source: string, verdict: Verdict, what: string): string {
  if (verdict.action === 'SCMP_ACT_KILL_THREAD') return 'kill';
  const errno = verdict.action === 'SCMP_ACT_ERRNO' ? errnoName(verdict.data) : null;
  if (errno !== null) return errno;
  throw unsayable(source, 'firejail', `${verdictText(verdict)} for ${what}`, REMEDY);
}

export const firejail: Emitter = ([named], options) => {
  const { name, source, profile } = named;
  const machine = machineOfArchitectures(profile.architectures);
  const [native = 'x86_64' as const] = abisOfMachine(machine) ?? [];
  const other = profile.architectures.find((arch) => abiOf(arch) !== native);
  if (other !== undefined) {
    throw unsayable(
      source,
      'firejail',
      `that calls of ${other} pass as the profile has it`,
      REMEDY,
    );
  }
  const notes: string[] = [];
  let rules = callRules(profile, source);
  // None of them has what runc puts in front of a profile: what is written is crun's reading.
  checkRuntimes(named, options.runtime === 'crun' ? options : {});
  if (options.dropArguments === true) {
    const dropped = withoutArguments(rules);
    rules = dropped.rules;
    notes.push(...dropped.notes);
  }
  const { fallback, calls } = rules;
  const byDefault = errorAction(source, fallback, 'calls without a rule');
  const list: string[] = [];
  const absent: string[] = [];
  for (const [call, alternatives] of calls) {
    if (alternatives.some(({ conditions }) => conditions.length > 0)) {
      throw unsayable(
        source,
        'firejail',
        `which arguments of ${call} pass`,
        'Permit it with all of them by --drop-arguments, or take a format that can (bpf).',
      );
    }
    const verdict = alternatives[0]?.verdict ?? fallback;
    if (syscallNumber(native, call) === null) absent.push(call);
    else if (verdict.action === 'SCMP_ACT_ALLOW') list.push(call);
    else list.push(`${call}:${errorAction(source, verdict, call)}`);
  }
  const missing = KEPT.filter((call) => !list.includes(call));
  if (missing.length > 0) {
    throw unsayable(
      source,
      'firejail',
      `that ${missing.join(', ')} are refused: it keeps ${KEPT.join(', ')} in every list`,
      `Permit them in the profile (minimise --allow ${missing.join(',')}), or take another format.`,
    );
  }
  if (list.includes('personality')) {
    throw unsayable(
      source,
      'firejail',
      'that personality passes whatever it asks for: seccomp.block-secondary bounds it',
      REMEDY,
    );
  }
  if (absent.length > 0) notes.push(`no calls of ${native}, left out: ${absent.join(', ')}`);
  notes.push(
    ...newerCalls(fallback),
    `run it with firejail --profile=${name}.profile; a name that your firejail does not know ends it ` +
      'with an error',
    `calls in an ABI other than ${native} are denied, as the profile denies them, with ${byDefault}`,
  );
  const text = [
    `# The calls of ${native} that ${name} may make. Written by sysieve for firejail 0.9.72 or newer.`,
    `seccomp.keep ${list.join(',')}`,
    'seccomp.block-secondary',
    `seccomp-error-action ${byDefault}`,
    '',
  ].join('\n');
  return { files: [{ name: `${name}.profile`, data: text }], notes };
};
