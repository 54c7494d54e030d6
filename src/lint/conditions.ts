/** Conditions on arguments that do not say what they seem to. */

import { contains, findCall, intersection, isPassing, type Policy } from '../policy';
import type { Rule } from '../profile';
import { syscallNumber, trackedArguments } from '../tables';
import {
  alone,
  conditionPath,
  conditionsText,
  conditionText,
  isPassingAction,
  namePath,
  passing,
  refused,
} from './ask';
import type { Draft, LintInput, View } from './types';
import { runtimesOf } from './views';

/** Rules with conditions that together refuse nothing, or nearly nothing. */
export function broad(view: View): Draft[] {
  const conditional = view.profile.syscalls.flatMap((rule, at) =>
    isPassingAction(rule.action) && rule.args.length > 0
      ? rule.names.map((name) => ({ name, rule, at }))
      : [],
  );
  if (isPassingAction(view.profile.defaultAction)) return [];
  const drafts: Draft[] = [];
  const open = new Set<string>();
  for (const { name, at } of new Map(conditional.map((one) => [one.name, one])).values()) {
    const named = view.profile.syscalls.filter((rule) => rule.names.includes(name));
    if (named.some(({ args }) => args.length === 0)) continue;
    const abis = view.abis.filter((abi) => syscallNumber(abi, name) !== null);
    const all = abis.filter(
      (abi) => passing(view, abi, name) !== null && refused(view, abi, name) === null,
    );
    // i386's multiplexed calls pass by the carrier as well, whatever their conditions say.
    if (all.length === 0 || all.length < abis.length) continue;
    open.add(name);
    drafts.push({
      rule: 'conditions-refuse-nothing',
      severity: 'medium',
      call: name,
      message: `the conditions on ${name} together refuse nothing: it passes with every argument`,
      path: namePath(view, at, name),
      key: named.map(({ args }) => conditionsText(args)).sort(),
    });
  }
  for (const { name, rule, at } of conditional) {
    if (open.has(name)) continue;
    drafts.push(...nearlyAll(view, name, rule, at));
  }
  return drafts;
}

function nearlyAll(view: View, name: string, rule: Rule, at: number): Draft[] {
  const [only, second] = rule.args;
  if (only === undefined || second !== undefined) return [];
  const about = { call: name, path: conditionPath(view, at, 0), key: [conditionText(only)] };
  if (only.op === 'SCMP_CMP_NE') {
    return [
      {
        ...about,
        rule: 'permits-nearly-all',
        severity: 'low',
        message: `${name} passes with every value of argument ${only.index} but one (${conditionText(only)})`,
        reason: 'name the values that may pass: the next kernel brings others',
      },
    ];
  }
  if (only.op !== 'SCMP_CMP_MASKED_EQ') return [];
  const missed = view.abis.filter((abi) => {
    const tracked = trackedArguments(abi, name)?.filter(({ index }) => index === only.index);
    return tracked?.some(({ mask }) => (mask & only.value) === 0n) === true;
  });
  if (missed.length === 0) return [];
  return [
    {
      ...about,
      rule: 'mask-misses',
      severity: 'medium',
      message: `${conditionText(only)} leaves every bit free that decides what ${name} may do`,
    },
  ];
}

/** Conditions that a runtime does not join as they stand there. */
export function joining(view: View, input: LintInput): Draft[] {
  return view.profile.syscalls.flatMap((rule, at): Draft[] => {
    const indexes = rule.args.map(({ index }) => index);
    const repeated = indexes.findIndex((index, place) => indexes.indexOf(index) < place);
    if (repeated < 0) return [];
    const drafts: Draft[] = [];
    const key = [rule.action, conditionsText(rule.args), ...rule.names];
    const name = rule.names.find((one) =>
      view.abis.some((abi) => syscallNumber(abi, one) !== null),
    );
    if (name === undefined) return [];
    const about = { call: name, key };
    const meant = joinedByAnd(view, name, rule);
    const passes = isPassingAction(rule.action);
    drafts.push({
      ...about,
      rule: 'repeated-index',
      severity: meant === null || !meant.narrower ? 'low' : passes ? 'high' : 'medium',
      message: `argument ${indexes[repeated] as number} has two conditions in one rule: runtimes take each condition of it as a rule of its own (${conditionsText(rule.args)})`,
      reason:
        meant?.narrower === true
          ? `any of them is enough, so that it ${passes ? 'passes' : 'is refused'} more often than all of them together say`
          : 'write one rule for each alternative',
      path: conditionPath(view, at, repeated),
      ...(meant?.witness ? { witness: meant.witness } : {}),
    });
    if (rule.args.length > CRUN_READS && runtimesOf(input.target).includes('crun')) {
      drafts.push({
        ...about,
        rule: 'conditions-over-six',
        severity: passes ? 'medium' : 'high',
        message: `crun reads the first ${CRUN_READS} of this rule's ${rule.args.length} conditions, runc all of them`,
        reason: passes
          ? 'the others let nothing pass there'
          : 'what the others refuse passes there, if no other rule refuses it',
        path: conditionPath(view, at, CRUN_READS),
      });
    }
    return drafts;
  });
}

const CRUN_READS = 6;

/** All conditions at once, against any of them, as the runtimes read it. */
function joinedByAnd(
  view: View,
  name: string,
  rule: Rule,
): { narrower: boolean; witness: NonNullable<Draft['witness']> | null } | null {
  const single = (args: Rule['args']) =>
    alone(view, name, [{ names: [name], action: 'SCMP_ACT_ALLOW', args }], 'runc', KILL);
  const parts = rule.args.map((condition) => single([condition]));
  let both: Policy | null = null;
  for (const part of parts) {
    if (part === null) return null;
    both = both === null ? part : intersection(both, part);
  }
  if (both === null) return null;
  const together = both;
  // Nothing can meet all of them: alternatives were meant.
  const possible = view.abis.some((abi) => {
    const number = syscallNumber(abi, name);
    const region = { abi, number: number ?? 0, constraints: [] };
    return number !== null && findCall(together, region, isPassing) !== null;
  });
  if (!possible) return { narrower: false, witness: null };
  for (const part of parts) {
    const held = part === null ? null : contains(together, part);
    if (held?.holds === false) return { narrower: true, witness: held.witness };
  }
  return { narrower: false, witness: null };
}

const KILL = 'SCMP_ACT_KILL_PROCESS';
