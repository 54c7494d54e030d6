/** The kernel reads 32 bits of an argument, and a filter compares 64. */
import type { Condition, Rule } from '../profile';
import type { Abi } from '../tables';
import {
  ALL,
  type Constraint,
  conditionPath,
  conditionText,
  INT,
  isPassingAction,
  listText,
  passing,
  refused,
} from './ask';
import type { Draft, View } from './types';
import { narrowArguments } from './widths';

/** Every condition of the profile, with the names it is for. */
function conditionsOf(
  view: View,
): { rule: Rule; at: number; condition: Condition; place: number }[] {
  return view.profile.syscalls.flatMap((rule, at) =>
    rule.args.map((condition, place) => ({ rule, at, condition, place })),
  );
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
        const path = conditionPath(view, at, place);
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
        path: conditionPath(view, at, place),
        key: [rule.action, conditionText(condition), ...names],
      },
    ];
  });
}
