/** Conditions on arguments that do not say what they seem to. */

import { contains, findCall, intersection, type Policy } from '../policy';
import type { Condition, Rule } from '../profile';
import { type Abi, syscallNumber, trackedArguments } from '../tables';
import {
  ALL,
  alone,
  type Constraint,
  conditionsText,
  conditionText,
  INT,
  isPassing,
  isPassingAction,
  listText,
  namePath,
  passing,
  refused,
} from './ask';
import type { Draft, LintInput, View } from './types';
import { runtimesOf } from './views';
import { narrowArguments } from './widths';

/** Every condition of the profile, with the names it is for. */
function conditionsOf(
  view: View,
): { rule: Rule; at: number; condition: Condition; place: number }[] {
  return view.profile.syscalls.flatMap((rule, at) =>
    rule.args.map((condition, place) => ({ rule, at, condition, place })),
  );
}

function pathOf(view: View, at: number, place: number): (string | number)[] {
  return ['syscalls', view.sources[at] as number, 'args', place];
}

const WIDE: readonly Abi[] = ['x86_64', 'aarch64'];

/** Lower halves to try: where one comparison of 64 bits changes its mind. */
function candidates({ op, value, valueTwo }: Condition): bigint[] {
  const at = (op === 'SCMP_CMP_MASKED_EQ' ? valueTwo : value) & INT;
  const near = /_(EQ|NE)$/.test(op) ? [at] : [at - 1n, at, at + 1n];
  return near.filter((low) => low >= 0n && low <= INT);
}

function readsUpperHalf({ op, value }: Condition): boolean {
  return op !== 'SCMP_CMP_MASKED_EQ' || value > INT;
}

/**
 * The kernel reads 32 bits of an argument, the filter compares 64: what is refused may pass once a
 * bit above is set (a bypass), or the other way round (a caller that leaves one set is refused).
 */
export function truncation(view: View): Draft[] {
  const drafts = new Map<string, Draft>();
  for (const { rule, at, condition, place } of conditionsOf(view)) {
    if (!readsUpperHalf(condition)) continue;
    for (const name of rule.names.filter((one) => narrowArguments(one).includes(condition.index))) {
      for (const abi of view.abis.filter((one) => WIDE.includes(one))) {
        const path = pathOf(view, at, place);
        const draft = truncated(view, abi, name, condition, path);
        const key = `${abi} ${name} ${condition.index}`;
        const known = drafts.get(key);
        if (draft !== null && (known === undefined || known.severity === 'low')) {
          drafts.set(key, draft);
        }
      }
    }
  }
  return [...drafts.values()];
}

function truncated(
  view: View,
  abi: Abi,
  name: string,
  condition: Condition,
  path: Draft['path'],
): Draft | null {
  const { index } = condition;
  const about = { abi, call: name, path, key: [String(index)] };
  let odd: Draft | null = null;
  for (const low of candidates(condition)) {
    for (const others of settings(view, name, index)) {
      const exact: Constraint[] = [{ index, mask: ALL, value: low }, ...others];
      const any: Constraint[] = [{ index, mask: INT, value: low }, ...others];
      for (const policy of view.policies) {
        const one = { ...view, policies: [policy] };
        const plain = passing(one, abi, name, exact);
        const upper = passing(one, abi, name, any);
        if (plain === null && upper !== null) {
          const seen = upper.call.args?.[index] ?? 0n;
          return {
            ...about,
            rule: 'truncation-bypass',
            severity: 'high',
            message: `${name} with argument ${index} ${hex(low)}${others.map((other) => `, argument ${other.index} ${hex(other.value)}`).join('')} is refused, and passes with ${hex(seen)}, which is the same to the kernel`,
            reason: `the kernel reads 32 bits of this argument, and the condition compares 64: write SCMP_CMP_MASKED_EQ with a mask of 0xffffffff`,
            witness: upper.call,
          };
        }
        const shut = plain === null ? null : refused(one, abi, name, any);
        // Other arguments may have refused it as well.
        if (shut !== null && sameButLow(one, abi, name, shut.call.args, index, low) !== null) {
          odd ??= {
            ...about,
            rule: 'compares-unread-bits',
            severity: 'low',
            message: `conditions on argument ${index} of ${name} compare 64 bits, of which the kernel reads 32: a caller that leaves a bit set above is refused`,
            reason: 'write SCMP_CMP_MASKED_EQ with a mask of 0xffffffff',
            witness: shut.call,
          };
        }
      }
    }
  }
  return odd;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

const MOST_SETTINGS = 256;

/** Nothing about the other arguments, and each way to set those to what conditions name. */
function settings(view: View, name: string, index: number): Constraint[][] {
  const values = new Map<number, Set<bigint>>();
  for (const rule of view.profile.syscalls) {
    if (!rule.names.includes(name)) continue;
    for (const condition of rule.args.filter((one) => one.index !== index)) {
      const here = values.get(condition.index) ?? new Set();
      for (const low of candidates(condition)) here.add(low);
      values.set(condition.index, here);
    }
  }
  let made: Constraint[][] = [[]];
  for (const [other, known] of values) {
    const next = made.flatMap((one) =>
      [...known].map((value) => [...one, { index: other, mask: ALL, value }]),
    );
    if (made.length + next.length > MOST_SETTINGS) break;
    made = [...made, ...next];
  }
  return made;
}

/** The same call without the upper half passes. */
function sameButLow(
  view: View,
  abi: Abi,
  name: string,
  args: readonly bigint[] | undefined,
  index: number,
  low: bigint,
): unknown {
  const constraints = [0, 1, 2, 3, 4, 5].map((at) => ({
    index: at,
    mask: ALL,
    value: at === index ? low : (args?.[at] ?? 0n),
  }));
  return passing(view, abi, name, constraints);
}

/** Values with bits above the 32 that the kernel reads: no honest call has them. */
export function beyond(view: View): Draft[] {
  return conditionsOf(view).flatMap(({ rule, at, condition, place }): Draft[] => {
    const { op, value, valueTwo, index } = condition;
    const wanted = op === 'SCMP_CMP_MASKED_EQ' ? value & valueTwo : value;
    if (wanted <= INT) return [];
    const names = rule.names.filter((name) => narrowArguments(name).includes(index));
    if (names.length === 0) return [];
    const refuses = !isPassingAction(rule.action);
    return [
      {
        rule: 'value-beyond-argument',
        severity: refuses ? 'high' : 'medium',
        call: names[0] as string,
        message: `${conditionText(condition)}: the kernel reads 32 bits of this argument of ${listText(names)}, and the value has more`,
        reason: refuses
          ? 'the refusal does not meet the calls that it is for'
          : 'on 64-bit ABIs only a caller that sets bits above passes; on 32-bit ones libseccomp cuts the value',
        path: pathOf(view, at, place),
        key: [rule.action, conditionText(condition), ...names],
      },
    ];
  });
}

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
  const about = { call: name, path: pathOf(view, at, 0), key: [conditionText(only)] };
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
      path: pathOf(view, at, repeated),
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
        path: pathOf(view, at, CRUN_READS),
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
