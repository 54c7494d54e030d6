/**
 * minijail: a policy file, as tools/compile_seccomp_policy.py reads it; and minijail0 -S as well, where
 * the profile says no more than that reads. The two differ in `EXPRESSION; return ERRNO`: one takes the
 * errno for calls that fit the expression, the other for those that do not. It is never written.
 */
import type { Condition } from '../profile';
import { abiOf, abisOfMachine, machineOfArchitectures, syscallNumber } from '../tables';
import {
  type CallRule,
  callRules,
  newerCalls,
  unsayable,
  type Verdict,
  verdictText,
  withoutArguments,
} from './call-rules';
import { checkRuntimes } from './plain';
import type { Emitter } from './types';

const ALL = 0xffff_ffff_ffff_ffffn;
const REMEDY = 'Take another format (bpf), or change the profile.';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const COMPARISONS: Partial<Record<Condition['op'], string>> = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '==',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
};

/** ANDed; none: the condition always holds. */
function atoms({ index, op, value, valueTwo }: Condition): string[] {
  const word = COMPARISONS[op];
  if (word !== undefined) return [`arg${index} ${word} ${hex(value)}`];
  if (value === ALL) return [`arg${index} == ${hex(valueTwo)}`];
  // As libseccomp: bits outside the mask do not count.
  const wanted = valueTwo & value;
  const made: string[] = [];
  for (let bit = 1n; bit <= wanted; bit <<= 1n) {
    if ((wanted & bit) !== 0n) made.push(`arg${index} & ${hex(bit)}`);
  }
  const clear = value & ~wanted;
  // `in`: no bit is set but these.
  if (clear !== 0n) made.push(`arg${index} in ${hex(ALL & ~clear)}`);
  return made;
}

function conjunction(conditions: readonly Condition[]): string | null {
  const all = conditions.flatMap(atoms);
  return all.length === 0 ? null : all.join(' && ');
}

function actionOf(source: string, verdict: Verdict, denylist: boolean): string {
  const { action, data } = verdict;
  if (action === 'SCMP_ACT_ERRNO') return `return ${data}`;
  if (!denylist) {
    if (action === 'SCMP_ACT_ALLOW') return '1';
    if (action === 'SCMP_ACT_KILL_PROCESS') return 'kill-process';
    if (action === 'SCMP_ACT_KILL_THREAD') return 'kill-thread';
    if (action === 'SCMP_ACT_TRAP') return 'trap';
    if (action === 'SCMP_ACT_LOG') return 'log';
    if (action === 'SCMP_ACT_NOTIFY') return 'user-notify';
    if (action === 'SCMP_ACT_TRACE' && data === 0) return 'trace';
  }
  const where = denylist ? ' beside a default that permits' : '';
  throw unsayable(source, 'minijail', `${verdictText(verdict)}${where}`, REMEDY);
}

function filterOf(source: string, rules: readonly CallRule[], denylist: boolean): string {
  const made = rules.map(({ verdict, conditions }) => ({
    expression: conjunction(conditions),
    action: actionOf(source, verdict, denylist),
  }));
  const always = made.find(({ expression }) => expression === null);
  if (always !== undefined) return always.action;
  const passes = made.every(({ action }) => action === '1');
  if (passes) return made.map(({ expression }) => expression).join(' || ');
  const parts = made.map(({ expression, action }) =>
    action === '1' ? expression : `${expression}; ${action}`,
  );
  return `{ ${parts.join(', ')} }`;
}

/** How the text is to be compiled or loaded, and the statement at its head. */
function defaultOf(source: string, verdict: Verdict): { head: string[]; flag: string } {
  const { action } = verdict;
  if (action === 'SCMP_ACT_ALLOW') return { head: ['@denylist'], flag: ' --denylist' };
  if (action === 'SCMP_ACT_KILL_PROCESS') return { head: ['@default kill-process'], flag: '' };
  if (action === 'SCMP_ACT_KILL_THREAD')
    return { head: [], flag: " --default-action='kill-thread'" };
  if (action === 'SCMP_ACT_TRAP') return { head: ['@default trap'], flag: '' };
  return { head: [], flag: ` --default-action='${actionOf(source, verdict, false)}'` };
}

export const minijail: Emitter = ([named], options) => {
  const { name, source, profile } = named;
  const machine = machineOfArchitectures(profile.architectures);
  const [native = 'x86_64' as const] = abisOfMachine(machine) ?? [];
  const other = profile.architectures.find((arch) => abiOf(arch) !== native);
  if (other !== undefined) {
    throw unsayable(
      source,
      'minijail',
      `that calls of ${other} pass: a policy is for one ABI`,
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
  const { head, flag } = defaultOf(source, fallback);
  const denylist = fallback.action === 'SCMP_ACT_ALLOW';
  if (native === 'x86_64' && (denylist || fallback.action === 'SCMP_ACT_LOG')) {
    // A program of minijail looks at the number alone, which has another bit set under x32.
    throw unsayable(
      source,
      'minijail',
      `that calls of x32 are refused beside a default that permits (${fallback.action})`,
      REMEDY,
    );
  }
  const absent: string[] = [];
  const lines: string[] = [];
  for (const [call, alternatives] of calls) {
    // minijail refuses a name that its machine has not.
    if (syscallNumber(native, call) === null) absent.push(call);
    else lines.push(`${call}: ${filterOf(source, alternatives, denylist)}`);
  }
  if (absent.length > 0) notes.push(`no calls of ${native}, left out: ${absent.join(', ')}`);
  const plain = lines.every((line) => /^\w+: (?:1|return \d+|arg[^;{}]*)$/.test(line));
  const loaded = fallback.action === 'SCMP_ACT_KILL_THREAD' && plain;
  const compile = `compile_seccomp_policy.py${flag} ${name}.policy ${name}.bpf`;
  notes.push(
    ...newerCalls(fallback),
    loaded
      ? `load it with minijail0 -S ${name}.policy, or compile it: ${compile}`
      : `minijail0 -S does not read it as it is meant: compile it with ${compile}, and load that with ` +
          `minijail0 --seccomp-bpf-binary=${name}.bpf`,
    `calls in an ABI other than ${native} are denied, as the profile denies them, by minijail's own answer; ` +
      'a name that your minijail does not know ends it with an error',
  );
  const text = [
    `# The calls of ${native} that ${name} may make. Written by sysieve.`,
    ...(loaded ? ['# For minijail0 -S, or:'] : ['# Not for minijail0 -S:']),
    `# ${compile}`,
    ...head,
    ...lines,
    '',
  ].join('\n');
  return { files: [{ name: `${name}.policy`, data: text }], notes };
};
