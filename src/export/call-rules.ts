/** What a profile says of each call, for formats that have one line for each. */
import { SysieveError } from '../errors';
import type { Action, Condition, Profile, Rule } from '../profile';
import { ENOSYS, errnoName } from '../tables';

/** `data`: an errno, or a message to a tracer; 0 where there is none. */
export interface Verdict {
  readonly action: Exclude<Action, 'SCMP_ACT_KILL'>;
  readonly data: number;
}

export interface CallRule {
  readonly verdict: Verdict;
  /** ANDed; none: whatever the arguments. */
  readonly conditions: readonly Condition[];
}

export interface CallRules {
  readonly fallback: Verdict;
  /** By name, sorted; alternatives, or one rule without conditions. None equals the fallback. */
  readonly calls: ReadonlyMap<string, readonly CallRule[]>;
}

const EPERM = 1;

function verdictOf(action: Action, errno: number | undefined): Verdict {
  if (action === 'SCMP_ACT_KILL') return { action: 'SCMP_ACT_KILL_THREAD', data: 0 };
  const data = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return { action, data: data ? (errno ?? EPERM) & 0xffff : 0 };
}

export function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.action === b.action && a.data === b.data;
}

/** "SCMP_ACT_ERRNO ENOSYS", for messages. */
export function verdictText({ action, data }: Verdict): string {
  if (action === 'SCMP_ACT_ERRNO') return `${action} ${errnoName(data) ?? data}`;
  return action === 'SCMP_ACT_TRACE' ? `${action} ${data}` : action;
}

const NAME = /^[a-z_][a-z0-9_]{0,63}$/;

/**
 * The rules as runc and crun both read them: an unconditional rule stands for all of its call, the
 * first of several wins. Throws a SysieveError for what the two read differently, and for a name that
 * could mean anything else in a line of text.
 */
export function callRules(profile: Profile, source: string): CallRules {
  const fallback = verdictOf(profile.defaultAction, profile.defaultErrnoRet);
  const calls = new Map<string, CallRule[]>();
  profile.syscalls.forEach((rule, index) => {
    const place = `${source}: syscalls[${index}]`;
    checkConditions(rule, place);
    const verdict = verdictOf(rule.action, rule.errnoRet);
    // libseccomp leaves out a condition that always holds.
    const conditions = rule.args.filter(
      ({ op, value }) => op !== 'SCMP_CMP_MASKED_EQ' || value !== 0n,
    );
    if (sameVerdict(verdict, fallback)) return;
    for (const name of rule.names) {
      if (!NAME.test(name)) {
        throw new SysieveError(
          'input',
          'call-name-invalid',
          `${place}: ${JSON.stringify(name)} is no name of a call`,
          { remedy: 'Correct or remove it: runtimes skip such a rule.' },
        );
      }
      add(calls, name, { verdict, conditions });
    }
  });
  return { fallback, calls: new Map([...calls].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function add(calls: Map<string, CallRule[]>, name: string, rule: CallRule): void {
  const known = calls.get(name);
  if (known?.some(({ conditions }) => conditions.length === 0)) return;
  if (known === undefined || rule.conditions.length === 0) calls.set(name, [rule]);
  else known.push(rule);
}

function checkConditions({ args }: Rule, place: string): void {
  if (new Set(args.map(({ index }) => index)).size === args.length) return;
  throw new SysieveError(
    'input',
    'export-conditions-ambiguous',
    `${place}: two conditions on one argument: runc takes them for alternatives, others do not`,
    {
      remedy: 'Write one rule for each alternative, with at most one condition for each argument.',
    },
  );
}

/** An error for what a format has no words for. */
export function unsayable(
  source: string,
  format: string,
  what: string,
  remedy: string,
): SysieveError {
  return new SysieveError('input', 'export-unsayable', `${source}: ${format} cannot say ${what}`, {
    remedy,
  });
}

/**
 * The rules without their conditions: a call that some alternative lets pass, passes with all its
 * arguments. Every one is told in `notes`. A denial for some arguments only is given up, too.
 */
export function withoutArguments(rules: CallRules): { rules: CallRules; notes: string[] } {
  const notes: string[] = [];
  const calls = new Map<string, readonly CallRule[]>();
  for (const [name, alternatives] of rules.calls) {
    if (alternatives.every(({ conditions }) => conditions.length === 0)) {
      calls.set(name, alternatives);
      continue;
    }
    const passes = (verdict: Verdict): boolean =>
      verdict.action === 'SCMP_ACT_ALLOW' || verdict.action === 'SCMP_ACT_LOG';
    const kept =
      alternatives.find(({ verdict }) => passes(verdict))?.verdict ??
      (passes(rules.fallback) ? rules.fallback : alternatives[0]?.verdict);
    if (kept === undefined) continue;
    const widened = passes(kept);
    notes.push(
      widened
        ? `widened: ${name} passes with all arguments, its rule bounds them`
        : `given up: ${name} gets ${verdictText(rules.fallback)} whatever its arguments`,
    );
    if (widened && !sameVerdict(kept, rules.fallback)) {
      calls.set(name, [{ verdict: kept, conditions: [] }]);
    }
  }
  return { rules: { fallback: rules.fallback, calls }, notes };
}

/**
 * runc alone puts an answer for newer calls in front of a profile. What a libc newer than the profile
 * tries first is then refused with another errno than the one it falls back on.
 */
export function newerCalls(fallback: Verdict): string[] {
  const { action, data } = fallback;
  if (action === 'SCMP_ACT_ALLOW' || (action === 'SCMP_ACT_ERRNO' && data === ENOSYS)) return [];
  return [
    'runc answers ENOSYS to calls with a number above the largest one that the profile names; here they ' +
      `get ${verdictText(fallback)}`,
  ];
}

/** Words in lines of at most `width` characters, each behind `prefix`. */
export function wrapped(
  prefix: string,
  words: readonly string[],
  separator: string,
  width = 100,
): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + separator.length + word.length > width) {
      lines.push(`${prefix}${word}`);
    } else lines[lines.length - 1] = `${last}${separator}${word}`;
  }
  return lines;
}
