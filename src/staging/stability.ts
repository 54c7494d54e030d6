/** When enough runs of an application were recorded. */
import type { Call, Run } from '../recording';

/** What one run added to those before it. */
export interface Added {
  /** Names of calls that had not been made, in order. */
  readonly calls: readonly string[];
  /** Distinct tuples of tracked arguments of calls that had been made. */
  readonly tuples: number;
}

const callKey = ({ abi, number }: Call): string => `${abi} ${number}`;

function tupleKeys(call: Call): string[] {
  return (call.args?.tuples ?? []).map(({ values }) => `${callKey(call)} ${values.join(' ')}`);
}

/** Calls that were only denied count as well: minimise and the reviewer are told of them. */
export class Seen {
  private readonly calls = new Set<string>();
  private readonly tuples = new Set<string>();

  add(run: Run): Added {
    const calls: string[] = [];
    let tuples = 0;
    for (const call of run.calls) {
      const known = this.calls.has(callKey(call));
      if (!known) {
        this.calls.add(callKey(call));
        const name = call.name ?? `#${call.number}`;
        calls.push(call.abi === 'x86_64' ? name : `${call.abi} ${name}`);
      }
      for (const key of tupleKeys(call)) {
        if (this.tuples.has(key)) continue;
        this.tuples.add(key);
        if (known) tuples += 1;
      }
    }
    return { calls: calls.sort(), tuples };
  }
}

export interface StableRule {
  /** So many runs in a row that add nothing. */
  readonly runs: number;
  readonly maxRuns: number;
}

export interface Verdict {
  readonly stable: boolean;
  /** In words: "3 runs, nothing new in the last 2". */
  readonly ended: string;
}

const NAMED = 5;

const isNothing = ({ calls, tuples }: Added): boolean => calls.length === 0 && tuples === 0;

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** "2 calls (mkdir, rmdir) and 1 argument tuple" */
export function addedText({ calls, tuples }: Added): string {
  const more = calls.length > NAMED ? `, …` : '';
  const parts = [
    ...(calls.length === 0
      ? []
      : [`${plural(calls.length, 'call')} (${calls.slice(0, NAMED).join(', ')}${more})`]),
    ...(tuples === 0 ? [] : [plural(tuples, 'argument tuple')]),
  ];
  return parts.length === 0 ? 'nothing' : parts.join(' and ');
}

/**
 * null: another run is needed. `added` has what each run added, in order; `late`: the time for more
 * is up.
 */
export function judge(added: readonly Added[], rule: StableRule, late: boolean): Verdict | null {
  const quiet = added.length - 1 - added.findLastIndex((one) => !isNothing(one));
  const runs = plural(added.length, 'run');
  // The first run adds what it saw, unless it saw nothing at all.
  const nothingNew = `nothing new in the last${quiet === 1 ? '' : ` ${quiet}`}`;
  if (added.length > 1 && quiet >= rule.runs) {
    return { stable: true, ended: `${runs}, ${nothingNew}` };
  }
  if (added.length < rule.maxRuns && !late) return null;
  const limit = added.length >= rule.maxRuns ? 'maxRuns' : 'maxTime';
  const [only] = added;
  if (added.length === 1 && only !== undefined) {
    return { stable: false, ended: `${runs} (${limit}), with no second one to compare it to` };
  }
  const last = added.at(-1) as Added;
  const how = quiet > 0 ? nothingNew : `the last still added ${addedText(last)}`;
  return { stable: false, ended: `${runs} (${limit}), ${how}` };
}
