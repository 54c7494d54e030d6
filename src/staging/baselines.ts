/** Where the measured runtime baselines lie, and reading them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SysieveError } from '../errors';
import { readTextFile } from '../io';
import { type Baseline, parseBaseline } from '../minimise';

/** In the package, seen from dist/cli. */
export const BASELINES_DIRECTORY = join(__dirname, '..', '..', 'profiles', 'baselines');

/** All baselines of a directory, in the order of their file names. No such directory: none. */
export async function loadBaselines(directory: string, mustExist: boolean): Promise<Baseline[]> {
  let files: string[];
  try {
    files = await readdir(directory);
  } catch (thrown) {
    const cause = (thrown as NodeJS.ErrnoException).code ?? 'unknown';
    if (cause === 'ENOENT' && !mustExist) return [];
    throw new SysieveError('input', 'baselines-unreadable', `cannot read ${directory}`, {
      cause,
      remedy: 'Give a directory of baselines with --baselines, or leave that out.',
    });
  }
  const baselines: Baseline[] = [];
  for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
    const path = join(directory, file);
    baselines.push(parseBaseline(await readTextFile(path), path));
  }
  return baselines;
}
