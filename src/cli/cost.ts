/** --max-cost and what --explain says of cost: the compiled filter, counted. */
import { InvalidArgumentError } from 'commander';
import { INSTRUCTION_NS, LOST_BITMAP_NS, type RuleCost } from '../minimise';
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
