/** The calls of a recording, of a profile and of its evidence, as one list; and who makes them when. */

import { type EvidenceCall, WHYS } from '../profile';
import { Phase } from '../recording';
import { ABIS, type Abi, abisOfMachine, errnoName, type Machine, names, riskTier } from '../tables';
import { summaryOf } from '../tables/summaries';
import { type Asked, stateOf } from './permits';
import type { SeenCall } from './seen';
import type { CallRow, DeniedRow, ExecutableRow, PhaseRow } from './types';

interface From {
  readonly seen: readonly SeenCall[];
  readonly evidence: readonly EvidenceCall[];
  /** null: there is no profile. */
  readonly asked: Asked | null;
  readonly machine: Machine;
}

interface Row {
  abi: Abi;
  name: string;
  seen: SeenCall | null;
  evidence: EvidenceCall | null;
}

function rowsOf({ seen, evidence, asked, machine }: From): Row[] {
  const rows = new Map<string, Row>();
  const row = (abi: Abi, name: string): Row => {
    const key = `${abi} ${name}`;
    const known = rows.get(key) ?? { abi, name, seen: null, evidence: null };
    rows.set(key, known);
    return known;
  };
  for (const call of seen) row(call.abi, call.name ?? `#${call.number}`).seen = call;
  for (const call of evidence) row(call.abi, call.name).evidence = call;
  // Without evidence nothing else says what is in a profile.
  if (asked !== null && evidence.length === 0) {
    const native = (abisOfMachine(machine) ?? [])[0] as Abi;
    for (const name of names(native)) {
      if (stateOf(asked.policy, native, name) !== 'closed') row(native, name);
    }
  }
  return [...rows.values()].sort(
    (a, b) =>
      ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
}

function whysOf({ seen, evidence }: Row): string[] {
  if (evidence !== null) return WHYS.filter((why) => evidence.why.includes(why));
  return seen === null ? [] : ['recorded'];
}

function union<Item>(order: readonly Item[], ...lists: readonly (readonly Item[])[]): Item[] {
  return order.filter((item) => lists.some((list) => list.includes(item)));
}

export interface Listed {
  readonly calls: readonly CallRow[];
  readonly executables: readonly ExecutableRow[];
  readonly phases: readonly PhaseRow[];
  readonly denied: readonly DeniedRow[];
  /** Of executables, by path. */
  readonly places: ReadonlyMap<string, number>;
}

function errnoText(errno: string): string {
  if (errno === '0') return 'killed or trapped';
  return errnoName(Number(errno)) ?? `errno ${errno}`;
}

export function listed(from: From): Listed {
  const rows = rowsOf(from);
  const paths = [
    ...new Set(
      rows.flatMap(({ seen, evidence }) => [
        ...(seen?.executables ?? []),
        ...(evidence?.executables ?? []),
      ]),
    ),
  ].sort();
  const places = new Map(paths.map((path, at) => [path, at]));
  const calls = rows.map((row): CallRow => {
    const { abi, name, seen, evidence } = row;
    const made = new Set([...(seen?.executables ?? []), ...(evidence?.executables ?? [])]);
    const phases = (evidence?.phases ?? []) as readonly Phase[];
    return {
      abi,
      name,
      summary: summaryOf(name),
      tier: riskTier(name),
      profile: from.asked === null ? null : (stateOf(from.asked.policy, abi, name) ?? 'closed'),
      why: whysOf(row),
      note: evidence?.note ?? null,
      phases: union(Phase.options, seen?.phases ?? [], phases),
      executables: [...made].map((path) => places.get(path) as number).sort((a, b) => a - b),
      count: seen?.count ?? null,
      denied: seen?.denied ?? 0,
      firstSeen: seen?.firstSeen ?? null,
    };
  });
  return {
    calls,
    executables: executableRows(paths, calls),
    phases: phaseRows(calls),
    denied: rows.flatMap(({ abi, name, seen }, at): DeniedRow[] =>
      seen === null || seen.denied === 0
        ? []
        : [
            {
              abi,
              name,
              attempts: seen.denied,
              of: seen.count,
              errnos: [...seen.errnos].sort((a, b) => Number(a) - Number(b)).map(errnoText),
              executables: calls[at]?.executables ?? [],
              profile: calls[at]?.profile ?? null,
            },
          ],
    ),
    places,
  };
}

function executableRows(paths: readonly string[], calls: readonly CallRow[]): ExecutableRow[] {
  const made: { path: string; calls: number[]; alone: number[] }[] = paths.map((path) => ({
    path,
    calls: [],
    alone: [],
  }));
  for (const [at, { executables }] of calls.entries()) {
    for (const index of executables) made[index]?.calls.push(at);
    const [only] = executables;
    if (executables.length === 1 && only !== undefined) made[only]?.alone.push(at);
  }
  return made;
}

function phaseRows(calls: readonly CallRow[]): PhaseRow[] {
  return Phase.options.flatMap((phase): PhaseRow[] => {
    const made = calls.filter(({ phases }) => phases.includes(phase));
    if (made.length === 0) return [];
    const only = made.filter(({ phases }) => phases.length === 1).map(({ name }) => name);
    return [{ phase, calls: made.length, only: [...new Set(only)] }];
  });
}
