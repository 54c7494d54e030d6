/** Starts under a profile that holds nothing but baselines and the entrypoint's own calls. */
import { type Baseline, DEFAULT_OPTIONS, minimise, type Tier } from '../../src/minimise';
import { serializeProfile } from '../../src/profile';
import type { Run } from '../../src/recording';
import { riskTier } from '../../src/tables';
import type { Bench } from './bench';
import { CONDITIONS, type Condition } from './bundle';
import { ownRuns, startMain, startOnce } from './measure';

/**
 * The names that a profile gets from baselines. Risk tiers 1 and 2 are left out, as minimise leaves
 * them out: a start has to get by without them.
 */
export function unionOf(baselines: readonly Baseline[]): string[] {
  const calls = baselines.flatMap((b) => b.conditions.flatMap((c) => c.calls));
  const names = new Set(calls.map(({ name }) => name));
  return [...names].filter((name) => (riskTier(name) ?? 3) === 3).sort();
}

export function profileOf(names: readonly string[]): object {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names: [...new Set(names)].sort(), action: 'SCMP_ACT_ALLOW' }],
  };
}

/** What minimise makes of the entrypoint's calls, argument rules and all. */
export function minimised(runs: Run[], baselines: readonly Baseline[], args: Tier): object {
  const recordings = [{ version: 1 as const, runs }];
  const { profile } = minimise({ recordings, baselines, options: { ...DEFAULT_OPTIONS, args } });
  return JSON.parse(serializeProfile(profile)) as object;
}

/** What failed; empty when every start under every condition was one. */
export async function prove(
  bench: Bench,
  baselines: readonly Baseline[],
  starts: number,
): Promise<string[]> {
  const failures: string[] = [];
  const own = await ownRuns(bench);
  for (const args of ['safe', 'strict'] as const) {
    const profile = minimised(own, baselines, args);
    for (const condition of CONDITIONS) {
      const failure = await tryCondition(bench, condition, starts, profile);
      if (failure !== null) failures.push(`${args}, ${JSON.stringify(condition)}: ${failure}`);
    }
  }
  return failures;
}

async function tryCondition(
  bench: Bench,
  condition: Condition,
  starts: number,
  profile: object,
): Promise<string | null> {
  try {
    if (condition.start === 'exec') await startMain(bench, profile);
    for (let index = 0; index < starts; index++) {
      await startOnce(bench, condition, index, profile);
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await bench.remove();
  }
}
