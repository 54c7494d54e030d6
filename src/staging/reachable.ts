/** From what the files of recorded executables can call to what minimise may add of it. */
import { SysieveError } from '../errors';
import { readTextFile } from '../io';
import type { ReachableCall } from '../minimise';
import { parseReach, type Reach, type Unseen, unseen } from '../reach';
import type { Run } from '../recording';

/** web.json → web.reach.json */
export function reachPath(recording: string): string {
  return `${recording.replace(/\.json$/, '')}.reach.json`;
}

/** null: there is none. */
async function readReach(recording: string): Promise<Reach | null> {
  const path = reachPath(recording);
  try {
    return recording === '-' ? null : parseReach(await readTextFile(path), path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

/** What lies beside the recordings, together; null: one has none. */
export async function reachOfAll(recordings: readonly string[]): Promise<Reach | null> {
  try {
    return await reachBeside(recordings);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'reach-missing') return null;
    throw thrown;
  }
}

/** The same; throws where one has none. */
export async function reachBeside(recordings: readonly string[]): Promise<Reach> {
  const together: Reach = { version: 1, executables: [] };
  for (const recording of recordings) {
    const found = await readReach(recording);
    if (found === null) throw missing(recording);
    together.executables.push(...found.executables);
  }
  return together;
}

function missing(recording: string): SysieveError {
  const path = reachPath(recording);
  return new SysieveError('input', 'reach-missing', `${path}: it is not known what is reachable`, {
    cause: '--reach needs a scan of the executables that were recorded',
    remedy: `Run 'sysieve reach ${recording} -o ${path}', with --image or --container where it was one.`,
  });
}

export function reachableCalls({ calls }: Unseen): ReachableCall[] {
  return calls.map(({ abi, name, likelihood, chain, executables }) => ({
    abi,
    name,
    likelihood,
    chain,
    executables,
  }));
}

export function reachableOf(reach: Reach, runs: readonly Run[]): ReachableCall[] {
  return reachableCalls(unseen(reach, runs));
}
