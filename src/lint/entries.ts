/** Rules that a runtime refuses, skips or overrides: what stands in the file and is not in the filter. */

import { type DeadRule, deadRules, equal, findCall, intersection, isPassing } from '../policy';
import type { Rule } from '../profile';
import { ABIS, syscallNumber } from '../tables';
import {
  alone,
  answerText,
  conditionsText,
  defaultText,
  isPassingAction,
  isUnconditional,
  listText,
  namePath,
} from './ask';
import type { Draft, LintInput, View } from './types';
import { runtimesOf } from './views';

interface Named {
  readonly rule: Rule;
  readonly at: number;
}

function byName(view: View): Map<string, Named[]> {
  const found = new Map<string, Named[]>();
  view.profile.syscalls.forEach((rule, at) => {
    for (const name of new Set(rule.names)) {
      if (view.focus?.has(name) === false) continue;
      const here = found.get(name);
      if (here === undefined) found.set(name, [{ rule, at }]);
      else here.push({ rule, at });
    }
  });
  return found;
}

function ruleKey(rule: Rule): string[] {
  return [answerText(rule), conditionsText(rule.args)];
}

function inWords(rule: Rule): string {
  const answer = answerText(rule).replace('SCMP_ACT_', '').replace('_', ' ').toLowerCase();
  return rule.args.length === 0 ? answer : `${answer} if ${conditionsText(rule.args)}`;
}

/** Of several rules for one call: those that another makes void. */
export function overridden(view: View): Draft[] {
  const fallback = defaultText(view.profile);
  const drafts: Draft[] = [];
  for (const [name, all] of byName(view)) {
    const real = all.filter(({ rule }) => answerText(rule) !== fallback);
    const alike = (some: readonly Named[], others: readonly Named[]): boolean => {
      const [whole, without] = [some, others].map((rules) =>
        alone(
          view,
          name,
          rules.map(({ rule }) => rule),
        ),
      );
      return whole != null && without != null && equal(whole, without);
    };
    drafts.push(...deadRules(real, alike).map((dead) => deadDraft(view, name, dead)));
  }
  return drafts;
}

function deadDraft(view: View, name: string, { one, how, by }: DeadRule<Named>): Draft {
  const about = { call: name, path: namePath(view, one.at, name) };
  if (how === 'shadowed' && by !== null) return { ...about, ...shadowed(name, one, by) };
  // An unconditional one may be written in different ways.
  const key = by !== null && isUnconditional(by.rule) ? ruleKey(by.rule) : [];
  return {
    ...about,
    rule: how === 'duplicate' ? 'rule-duplicate' : 'rule-without-effect',
    severity: 'low',
    message:
      how === 'duplicate'
        ? `another rule answers ${name} the same (${inWords(by?.rule ?? one.rule)})`
        : `"${inWords(one.rule)}" for ${name} has no effect: the other rules for it answer the same there`,
    key: [...ruleKey(one.rule), ...key],
  };
}

function shadowed(name: string, one: Named, winner: Named): Omit<Draft, 'path'> {
  const alike = answerText(one.rule) === answerText(winner.rule);
  const lost = !isPassingAction(one.rule.action) && isPassingAction(winner.rule.action);
  const first = isUnconditional(one.rule) ? 'the first of two rules without conditions wins' : null;
  return {
    rule: 'rule-shadowed',
    severity: alike ? 'low' : lost ? 'high' : 'medium',
    message: `"${inWords(one.rule)}" for ${name} has no effect: another rule says "${inWords(winner.rule)}" whatever the arguments are`,
    reason: `${first ?? 'a rule without conditions erases those with conditions, in either order'}${
      lost ? '; what was to be refused passes' : ''
    }`,
    key: [...ruleKey(one.rule), ...ruleKey(winner.rule)],
  };
}

/** Runtimes skip a rule whose answer is the default's: it takes nothing back from other rules. */
export function equalToDefault(view: View): Draft[] {
  const fallback = defaultText(view.profile);
  const all = byName(view);
  return view.profile.syscalls.flatMap((rule, at): Draft[] => {
    if (answerText(rule) !== fallback) return [];
    const lost = rule.names.filter((name) => isLost(view, name, rule, all.get(name) ?? []));
    const passes = isPassingAction(rule.action);
    const first = lost[0];
    if (first === undefined) {
      return [
        {
          rule: 'rule-equals-default',
          severity: 'low',
          message: `runtimes skip this rule: its answer is the default's (${listText(rule.names)})`,
          path: ['syscalls', view.sources[at] as number],
          key: [...ruleKey(rule), ...rule.names],
        },
      ];
    }
    return [
      {
        rule: 'rule-skipped',
        severity: passes ? 'medium' : 'high',
        call: first,
        message: `runtimes skip "${inWords(rule)}", whose answer is the default's, and other rules ${
          passes ? 'refuse' : 'let pass'
        } what it is for: ${listText(lost)}`,
        reason: 'a rule cannot take back what another says by naming the default answer',
        path: namePath(view, at, first),
        key: [...ruleKey(rule), ...lost],
      },
    ];
  });
}

/** Whether other rules decide otherwise for a call that the skipped rule is for. */
function isLost(view: View, name: string, rule: Rule, named: readonly Named[]): boolean {
  const passes = isPassingAction(rule.action);
  const opposed = named.filter(({ rule: other }) => isPassingAction(other.action) !== passes);
  if (opposed.length === 0) return false;
  const open = (args: Rule['args']): Rule => ({ names: [name], action: 'SCMP_ACT_ALLOW', args });
  const kill = 'SCMP_ACT_KILL_PROCESS';
  const own = alone(view, name, [open(rule.args)], 'crun', kill);
  const others = alone(
    view,
    name,
    opposed.map(({ rule: other }) => open(other.args)),
    'crun',
    kill,
  );
  if (own === null || others === null) return false;
  const both = intersection(own, others);
  return view.abis.some((abi) => {
    const number = syscallNumber(abi, name);
    return number !== null && findCall(both, { abi, number, constraints: [] }, isPassing) !== null;
  });
}

/** What a runtime refuses a profile for, place by place. */
export function refusedByRuntime(view: View, input: LintInput): Draft[] {
  const runtimes = runtimesOf(input.target);
  const drafts: Draft[] = [];
  const { defaultAction, defaultErrnoRet, syscalls } = view.profile;
  const takesErrno = (action: string) => /_(ERRNO|TRACE)$/.test(action);
  const crun = runtimes.includes('crun');
  const needless = (path: Draft['path'], action: string, key: string[]): void => {
    drafts.push({
      rule: 'errno-on-other-action',
      severity: crun ? 'high' : 'low',
      message: `an errno is given for ${action}, which takes none`,
      reason: crun ? 'crun refuses the profile; runc ignores the errno' : 'runc ignores it',
      path,
      key: [action, ...key],
    });
  };
  if (defaultErrnoRet !== undefined && !takesErrno(defaultAction)) {
    needless(['defaultErrnoRet'], defaultAction, []);
  }
  if (defaultAction === 'SCMP_ACT_NOTIFY' && runtimes.includes('runc')) {
    drafts.push({
      rule: 'notify-refused',
      severity: 'high',
      message: 'runc refuses a profile whose default action is SCMP_ACT_NOTIFY',
      path: ['defaultAction'],
    });
  }
  syscalls.forEach((rule, at) => {
    const index = view.sources[at] as number;
    if (rule.errnoRet !== undefined && !takesErrno(rule.action)) {
      needless(['syscalls', index, 'errnoRet'], rule.action, rule.names);
    }
    if (
      rule.action === 'SCMP_ACT_NOTIFY' &&
      rule.names.includes('write') &&
      runtimes.includes('runc')
    ) {
      drafts.push({
        rule: 'notify-refused',
        severity: 'high',
        call: 'write',
        message: 'runc refuses a profile with SCMP_ACT_NOTIFY for write, which it needs itself',
        path: namePath(view, at, 'write'),
        key: ['write'],
      });
    }
  });
  return drafts;
}

function isKnown(name: string): boolean {
  return ABIS.some((abi) => syscallNumber(abi, name) !== null);
}

/** Names that mean nothing, here or to the libseccomp at hand: a runtime passes over them in silence. */
export function names(view: View, { resolves }: LintInput): Draft[] {
  const openByDefault = isPassingAction(view.profile.defaultAction);
  return view.profile.syscalls.flatMap((rule, at): Draft[] => {
    const drafts: Draft[] = [];
    const elsewhere: string[] = [];
    const seen = new Set<string>();
    const lost = openByDefault && !isPassingAction(rule.action);
    for (const [place, name] of rule.names.entries()) {
      const path = ['syscalls', view.sources[at] as number, 'names', place];
      const about = { call: name, path, key: ruleKey(rule) };
      if (seen.has(name)) {
        drafts.push({
          ...about,
          rule: 'name-duplicate',
          severity: 'low',
          message: `${name} stands twice in one rule`,
        });
        continue;
      }
      seen.add(name);
      const known = isKnown(name);
      const found = resolves?.(name);
      if (!known && found !== true) {
        drafts.push({
          ...about,
          rule: 'name-unknown',
          severity: found === false || lost ? 'medium' : 'low',
          message: `${name} is no call that is known here: runtimes pass over the name in silence`,
          reason:
            found === false
              ? 'libseccomp does not know it either'
              : 'misspelt, or a call of another architecture',
        });
      } else if (known && found === false) {
        drafts.push({
          ...about,
          rule: 'name-newer',
          severity: lost ? 'high' : isPassingAction(rule.action) ? 'low' : 'note',
          message: `the libseccomp found here does not know ${name}: a runtime with it passes over the name in silence`,
          reason: lost
            ? 'what was to be refused passes'
            : 'the call is answered by the default, or with ENOSYS',
        });
      } else if (known && isElsewhere(view, name, rule)) {
        elsewhere.push(name);
      }
    }
    if (elsewhere.length > 0) {
      drafts.push({
        rule: 'name-elsewhere',
        severity: 'note',
        message: `no call of ${listText(view.everyAbi)}: ${listText(elsewhere)}`,
        path: namePath(view, at, elsewhere[0] as string),
        key: [...ruleKey(rule), ...elsewhere],
      });
    }
    return drafts;
  });
}

/** i386 has some calls by the multiplexed ones alone: those have no number and a meaning. */
function isElsewhere(view: View, name: string, rule: Rule): boolean {
  if (view.everyAbi.some((abi) => syscallNumber(abi, name) !== null)) return false;
  if (!view.everyAbi.includes('i386')) return true;
  const shown = { ...rule, action: 'SCMP_ACT_ALLOW' as const };
  const open = alone(view, name, [shown], 'crun', 'SCMP_ACT_KILL_PROCESS');
  const none = alone(view, name, [], 'crun', 'SCMP_ACT_KILL_PROCESS');
  return view.abis.includes('i386') && open !== null && none !== null && equal(open, none);
}

export function architectures(view: View, { profile }: LintInput): Draft[] {
  const listed = view.profile.architectures;
  const place = listed.indexOf('SCMP_ARCH_X32');
  const drafts: Draft[] = [];
  if (listed.length === 0) {
    drafts.push({
      rule: 'no-architectures',
      severity: 'low',
      message: `no architecture is listed: the filter has the machine's own alone, and ${
        view.machine === 'x86_64' ? '32-bit and x32' : '32-bit'
      } code is killed at its first call`,
      reason: 'list them if such code is to run, and say so if not',
      path: ['architectures'],
    });
  }
  if (place >= 0) {
    drafts.push({
      rule: 'x32-listed',
      severity: 'low',
      message: 'x32 is listed: a second way to the calls of x86_64, which next to no program uses',
      reason: 'without it such a call is killed, where the kernel has it at all',
      path:
        profile.format === 'gated' && profile.value.archMap.length > 0
          ? ['archMap']
          : ['architectures', profile.value.architectures.indexOf('SCMP_ARCH_X32')],
    });
  }
  return drafts;
}
