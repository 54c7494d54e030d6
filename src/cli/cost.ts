/** --max-cost and what --explain says of cost: the compiled filter, counted. */
import { InvalidArgumentError } from 'commander';
import { evaluate } from '../libseccomp';
import {
  costOfRules,
  INSTRUCTION_NS,
  LOST_BITMAP_NS,
  type MinimiseResult,
  type RuleCost,
} from '../minimise';
import type { Run } from '../recording';
import { say } from './output';

const NS_PER_SECOND = 1e9;

/** "20000" nanoseconds, or "0.01%" of a processor, a second. */
export function parseCost(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError('Neither nanoseconds a second nor a percentage of a processor.');
  }
  return Number(match[1]) * (match[2] === '%' ? NS_PER_SECOND / 100 : 1);
}

/** The rules of a result by what they cost the recorded load under its compiled filter. */
export function costsOf(
  { profile }: Pick<MinimiseResult, 'profile'>,
  runs: readonly Run[],
  program: Uint8Array,
): RuleCost[] {
  const ruled = new Set(
    profile.syscalls.filter(({ args }) => args.length > 0).flatMap(({ names }) => names),
  );
  const filter = Buffer.from(program);
  return costOfRules(runs, ruled, (call) => evaluate(filter, call).instructions);
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

export function sayCosts(costs: readonly RuleCost[]): void {
  say(
    'cost: what argument rules take of the recorded load, under the filter runc makes of the profile ' +
      `(${LOST_BITMAP_NS} ns a call for the bitmap lost and ${INSTRUCTION_NS} ns an instruction, ` +
      'as bench/filter-cost measures)',
  );
  for (const { name, callsPerSecond, instructions, nsPerSecond } of costs) {
    say(
      `    ${name}: ${figure(nsPerSecond)} ns a second ` +
        `(${figure(callsPerSecond)} calls a second, ${figure(instructions)} instructions each)`,
    );
  }
  const total = costs.reduce((sum, { nsPerSecond }) => sum + nsPerSecond, 0);
  const percent = (100 * total) / NS_PER_SECOND;
  say(`    in all ${figure(total)} ns a second, ${percent.toPrecision(2)}% of a processor`);
}
