/** Recordings are sets of runs: merging is set union, whatever the order and however often. */
import { SysieveError } from '../errors';
import { canonicalRun } from './canonical';
import { RECORDING_VERSION, type Recording, type Run } from './schema';

function conflict(id: string, first: string | undefined, second: string | undefined): SysieveError {
  const known = first !== undefined && second !== undefined && first !== second;
  const where = known ? `: in ${first} and in ${second}` : '';
  return new SysieveError(
    'input',
    'recording-conflict',
    `run ${id} is there twice with different content${where}`,
    { remedy: 'Leave out the file that was changed after it was recorded.' },
  );
}

/**
 * The runs of all recordings, by id. `sources` names the recordings in the error for one id with
 * two contents, a SysieveError of kind input.
 */
export function mergeRecordings(
  recordings: readonly Recording[],
  sources: readonly string[] = [],
): Recording {
  const runs = new Map<string, { run: Run; from: number }>();
  for (const [from, recording] of recordings.entries()) {
    for (const original of recording.runs) {
      const run = canonicalRun(original);
      const known = runs.get(run.id);
      if (known === undefined) {
        runs.set(run.id, { run, from });
      } else if (JSON.stringify(known.run) !== JSON.stringify(run)) {
        throw conflict(run.id, sources[known.from], sources[from]);
      }
    }
  }
  const ids = [...runs.keys()].sort();
  return { version: RECORDING_VERSION, runs: ids.flatMap((id) => runs.get(id)?.run ?? []) };
}
