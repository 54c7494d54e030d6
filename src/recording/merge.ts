/** Recordings are sets of runs: merging is set union, whatever the order and however often. */
import { SysieveError } from '../errors';
import { canonicalRun } from './canonical';
import { RECORDING_VERSION, type Recording, type Run } from './schema';

export function mergeRecordings(recordings: readonly Recording[]): Recording {
  const runs = new Map<string, { run: Run; content: string }>();
  for (const recording of recordings) {
    for (const original of recording.runs) {
      const run = canonicalRun(original);
      const content = JSON.stringify(run);
      const known = runs.get(run.id);
      if (known !== undefined && known.content !== content) {
        throw new SysieveError(
          'input',
          'recording-conflict',
          `run ${run.id} is there twice with different content`,
          { remedy: 'One of the files was changed after it was recorded: leave that one out.' },
        );
      }
      runs.set(run.id, { run, content });
    }
  }
  const ids = [...runs.keys()].sort();
  return { version: RECORDING_VERSION, runs: ids.flatMap((id) => runs.get(id)?.run ?? []) };
}
