/** A recording beside what its executables can call: what was not seen, and what should not have been. */
import { LIKELIHOODS, type Likelihood } from '../profile';
import type { Run } from '../recording';
import { type Abi, riskTier } from '../tables';
import type { Reach, ReachableCall, ReachableExecutable } from './document';
import { judge, spawns } from './likelihood';

export interface UnseenCall {
  readonly abi: Abi;
  readonly name: string;
  readonly likelihood: Likelihood;
  readonly cost: number;
  /** null: none. */
  readonly risk: 1 | 2 | 3 | null;
  /** Who can make it, the likeliest first. */
  readonly executables: readonly string[];
  /** Executable → library → function, of the first of them. */
  readonly chain: readonly string[];
}

export interface Unseen {
  /** The likeliest first. */
  readonly calls: readonly UnseenCall[];
  /** Calls that were seen and that no scan found: just-in-time code, or a scan that is wrong. */
  readonly unexplained: readonly { abi: Abi; name: string; executables: readonly string[] }[];
  /** Executables of the recording that the document does not have. */
  readonly unscanned: readonly string[];
  readonly unresolved: number;
  readonly uncovered: readonly { executable: string; path: string; message: string }[];
}

/** The kernel makes a task do these: no code asks for them. */
const BY_THE_KERNEL = new Set(['restart_syscall', 'rt_sigreturn']);

export function chainWords({ modules }: ReachableExecutable, { chain }: ReachableCall): string[] {
  const words: string[] = [];
  let at = -1;
  for (const [module, name] of chain) {
    if (module !== at) words.push(modules[module]?.path.replace(/^.*\//, '') ?? '?');
    at = module;
    if (words.at(-1) !== name) words.push(name);
  }
  return words;
}

/** `runs`: the recording's. Calls of the container's runtime are nobody's here. */
export function unseen(reach: Reach, runs: readonly Run[]): Unseen {
  const observed = new Map<string, Set<string>>();
  const bySomeone = new Map<string, { abi: Abi; name: string; by: Set<string> }>();
  const executed = new Set<string>();
  for (const run of runs) {
    for (const call of run.calls) {
      if (
        call.name === null ||
        !call.phases.some((phase) => phase !== 'runtime' && phase !== 'exec')
      )
        continue;
      const { abi, name } = call;
      observed.set(abi, (observed.get(abi) ?? new Set()).add(name));
      const known = bySomeone.get(`${abi} ${name}`) ?? { abi, name, by: new Set() };
      for (const index of call.executables) known.by.add(run.executables[index] ?? '');
      bySomeone.set(`${abi} ${name}`, known);
      for (const path of known.by) if (path !== '') executed.add(path);
    }
  }
  const found = new Map<
    string,
    { call: ReachableCall; one: ReachableExecutable; others: string[] }
  >();
  for (const one of reach.executables) {
    for (const call of one.calls) {
      if (call.name === null) continue;
      const key = `${call.abi} ${call.name}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { call, one, others: [one.path] });
      else if (call.cost < known.call.cost) {
        found.set(key, { call, one, others: [one.path, ...known.others] });
      } else known.others.push(one.path);
    }
  }
  const startSeen = runs.some((run) => run.completeness.startsSeen > 0);
  const spawning = spawns(
    new Map([...found.values()].map(({ call }) => [call.name ?? '', call.cost])),
  );
  const calls = [...found.entries()]
    .filter(([key]) => !bySomeone.has(key))
    .map(([, { call, one, others }]): UnseenCall => {
      const name = call.name ?? '';
      const { likelihood, cost } = judge(
        { name, cost: call.cost },
        { observed: observed.get(call.abi) ?? new Set(), spawning, startSeen },
      );
      const risk = riskTier(name);
      return {
        abi: call.abi,
        name,
        likelihood,
        cost,
        risk,
        executables: others,
        chain: chainWords(one, call),
      };
    })
    .sort(
      (a, b) =>
        LIKELIHOODS.indexOf(a.likelihood) - LIKELIHOODS.indexOf(b.likelihood) ||
        (b.risk === null ? 0 : 4 - b.risk) - (a.risk === null ? 0 : 4 - a.risk) ||
        a.cost - b.cost ||
        (a.name < b.name ? -1 : 1),
    );
  const scanned = new Set(
    reach.executables.filter((one) => one.modules.length > 0).map(({ path }) => path),
  );
  const unscanned = [...executed].filter((path) => !scanned.has(path)).sort();
  const unexplained = [...bySomeone.values()]
    .filter(({ abi, name, by }) => {
      if (found.has(`${abi} ${name}`) || BY_THE_KERNEL.has(name)) return false;
      return [...by].some((path) => scanned.has(path));
    })
    .map(({ abi, name, by }) => ({ abi, name, executables: [...by].sort() }));
  return {
    calls,
    unexplained,
    unscanned,
    unresolved: reach.executables.reduce(
      (sum, one) => sum + one.unresolved.reduce((n, { gates }) => n + gates, 0),
      0,
    ),
    uncovered: reach.executables.flatMap((one) =>
      one.uncovered.map((rest) => ({ executable: one.path, ...rest })),
    ),
  };
}
