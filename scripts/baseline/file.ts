/** The file a measurement is kept in: sorted, without times or counts, one call a line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTextFile, writeFileAtomic } from '../../src/io';
import { type Baseline, parseBaseline } from '../../src/minimise';
import { type Calls, sorted, withBoth } from './measure';

type Measured = Baseline['conditions'][number];

export function fileOf(directory: string, runtime: string, version: string): string {
  return join(directory, `${runtime}-${version}.json`);
}

export async function readBaseline(file: string): Promise<Baseline> {
  return parseBaseline(await readTextFile(file), file);
}

const keyOf = (c: Measured): string => JSON.stringify([c.start, c.tty, c.user, c.noNewPrivileges]);

function union(...sets: Calls[]): Calls {
  const calls = new Map<string, Calls[number]>();
  for (const call of sets.flat()) {
    const key = `${call.abi} ${call.name}`;
    calls.set(key, withBoth(calls.get(key), call));
  }
  return sorted(calls.values());
}

/**
 * What either has seen. The same version makes the same calls, but not at every start: a call that
 * depends on the scheduler may take hundreds of starts to show, and must not vanish again.
 */
function merged(old: Baseline, fresh: Baseline): Baseline {
  const conditions = new Map(old.conditions.map((c) => [keyOf(c), c]));
  for (const c of fresh.conditions) {
    const before = conditions.get(keyOf(c));
    conditions.set(
      keyOf(c),
      before === undefined
        ? c
        : { ...c, starts: Math.max(before.starts, c.starts), calls: union(before.calls, c.calls) },
    );
  }
  return { ...fresh, conditions: [...conditions.values()] };
}

export function serializeBaseline(baseline: Baseline): string {
  const conditions = [...baseline.conditions]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(({ calls, ...head }) => {
      const lines = sorted(calls).map((call) => `        ${JSON.stringify(call)}`);
      const fields = Object.entries(head).map(([k, v]) => `      "${k}": ${JSON.stringify(v)},\n`);
      return `    {\n${fields.join('')}      "calls": [\n${lines.join(',\n')}\n      ]\n    }`;
    });
  return `{
  "version": 1,
  "runtime": ${JSON.stringify(baseline.runtime)},
  "runtimeVersion": ${JSON.stringify(baseline.runtimeVersion)},
  "conditions": [
${conditions.join(',\n')}
  ]
}
`;
}

/** Writes the measurement together with what the file holds already, unless that is to be dropped. */
export async function keepBaseline(
  directory: string,
  baseline: Baseline,
  fresh: boolean,
): Promise<Baseline> {
  const file = fileOf(directory, baseline.runtime, baseline.runtimeVersion);
  const kept = fresh || !existsSync(file) ? baseline : merged(await readBaseline(file), baseline);
  const text = serializeBaseline(kept);
  // Never write what a reader would refuse.
  parseBaseline(text, file);
  await writeFileAtomic(file, text);
  return kept;
}
