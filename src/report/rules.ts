/** Which calls a filter permits with certain arguments only, in the words that explain has for it. */
import { told } from '../explain';
import { type Filter, filtersOf } from '../explain/filters';
import { type Rule, rulesOf, TOO_MANY } from '../explain/rules';
import type { RuleCost } from '../minimise';
import type { EvidenceCall } from '../profile';
import { abisOfMachine, describeSet, type Machine, names } from '../tables';
import { type Asked, stateOf } from './permits';
import type { RuleRow } from './types';

interface From {
  readonly asked: Asked;
  readonly machine: Machine;
  readonly evidence: readonly EvidenceCall[];
  readonly costs: readonly RuleCost[];
  /** Places of executables, by path. */
  readonly places: ReadonlyMap<string, number>;
}

function filtersFor({ asked, machine }: From, bounded: ReadonlySet<string>): readonly Filter[] {
  if (asked.plain !== null) return filtersOf(asked.plain, machine, bounded).filters;
  return [{ runtime: null, policy: asked.policy, stubbed: new Map(), abis: null }];
}

/**
 * What the entries of a profile say, where the values that pass are too many to be read off the filter.
 * null: they say more than which arguments pass.
 */
function entriesText(name: string, { plain }: Asked): string[] | null {
  const entries = (plain?.syscalls ?? []).filter(({ names }) => names.includes(name));
  const sets = new Map<number, Cube[]>();
  for (const { action, args } of entries) {
    const [only] = args;
    if (action !== 'SCMP_ACT_ALLOW' || only === undefined || args.length > 1) return null;
    if (only.op !== 'SCMP_CMP_MASKED_EQ') return null;
    const cube = { mask: only.value, value: only.valueTwo };
    sets.set(only.index, [...(sets.get(only.index) ?? []), cube]);
  }
  return [...sets].map(([index, cubes]) => describeSet(name, index, { kind: 'bits', cubes }));
}

function parts(rule: Rule, name: string, asked: Asked): Pick<RuleRow, 'cases' | 'end'> {
  const [passing, refused] = rule.cases;
  const unsaid =
    rule.cases.length === 2 && rule.cases.every(({ values }) => values?.[0] === TOO_MANY);
  const values = unsaid ? entriesText(name, asked) : null;
  if (values !== null && passing?.passes === 'yes' && refused?.passes === 'no') {
    const { sentence } = told({ ...rule, cases: [{ ...refused, values: null }] });
    return { cases: [{ lead: 'passes with', values }], end: `anything else ${sentence}` };
  }
  const { sentence, lists, end } = told(rule);
  if (lists.length > 0) return { cases: lists, end: end ?? '' };
  const [lead = '', rest = ''] = sentence.split('; ');
  return { cases: [{ lead, values: [] }], end: rest };
}

interface Cube {
  readonly mask: bigint;
  readonly value: bigint;
}

export function ruleRows(from: From): RuleRow[] {
  const { asked, machine, evidence, costs, places } = from;
  const abis = abisOfMachine(machine) ?? [];
  const known = [...new Set(abis.flatMap(names))].sort();
  const bounded = known.filter((name) =>
    abis.some((abi) => stateOf(asked.policy, abi, name) === 'bounded'),
  );
  const filters = filtersFor(from, new Set(bounded));
  return bounded.flatMap((name) => {
    const said = evidence.filter((call) => call.name === name);
    const paths = [...new Set(said.flatMap(({ executables }) => executables))];
    const notes = [...new Set(said.flatMap(({ note }) => note ?? []))];
    const cost = costs.find((one) => one.name === name);
    return rulesOf(name, filters, abis)
      .filter(({ unlisted, cases }) => !unlisted && cases.length > 1)
      .map((rule, at, all): RuleRow => {
        const alike = new Set(all.map(({ runtimes }) => runtimes.join())).size === 1;
        return {
          name,
          abis: rule.abis,
          runtimes: alike ? [] : rule.runtimes,
          ...parts(rule, name, asked),
          executables: paths.flatMap((path) => places.get(path) ?? []).sort((a, b) => a - b),
          note: notes.length === 0 ? null : notes.join('; '),
          // Counted by name: in its first row.
          cost:
            cost === undefined || at > 0
              ? null
              : {
                  callsPerSecond: cost.callsPerSecond,
                  instructions: cost.instructions,
                  nsPerSecond: cost.nsPerSecond,
                },
        };
      });
  });
}
