/**
 * What `perf trace` prints: a line for each call, two for one that others come between. Arguments are
 * named and decoded there, so none is taken. It counts what it lost in lines of its own, and says
 * nothing of ABIs: a name is taken for a call of the machine's own.
 */
import { type Abi, abisOfMachine, syscallNumber } from '../tables';
import { Log, MOST_CHARACTERS } from './logged';
import type { Importer } from './types';

const LINE =
  /^\s*(\?|\d{1,15}\.\d{1,6}) \(\s*(?:\d{1,15}\.\d{1,6} ms|\?)?\s*\): (?:.{0,32}?\/)?(\d{1,10}) (.*)$/s;
const CONTINUED = /^\s*\.\.\. \[continued\]: ([a-z_][a-z0-9_]{0,63}|\d{1,10})\(\)\)?\s*=?\s*(.*)$/s;
const CALL = /^([a-z_][a-z0-9_]{0,63}|\d{1,10})\((.*)\)\s*(?:= (.*)|\.\.\.|)$/s;
const LOST = /^\s*(?:LOST|Lost) (\d{1,12}) (?:events|samples)/;
/** What runs first in a child: it comes out of the call that its parent made. */
const FORKS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

export const perf: Importer = (inputs, options) => {
  const log = new Log();
  const [abi = 'x86_64' as Abi] = abisOfMachine(options.arch ?? 'x86_64') ?? [];
  const pending = new Map<string, string>();
  const seenTasks = new Set<string>();
  let begun = false;
  for (const input of inputs) {
    for (const { line, number, whole } of log.read(input)) {
      if (line === '') continue;
      const lost = LOST.exec(line);
      if (lost !== null) {
        log.callsLost += Number(lost[1]);
        continue;
      }
      const read = line.length > MOST_CHARACTERS || !whole ? null : LINE.exec(line);
      const [, time = '?', tid = '', rest = ''] = read ?? [];
      const continued = CONTINUED.exec(rest);
      const call = continued === null ? CALL.exec(rest) : null;
      const name = continued?.[1] ?? call?.[1];
      const place =
        name === undefined ? null : /^\d+$/.test(name) ? Number(name) : syscallNumber(abi, name);
      if (read === null || name === undefined || place === null || place > 0xffffffff) {
        log.skip(input.source, number);
        continue;
      }
      const first = !begun;
      begun = true;
      const firstOfTask = !seenTasks.has(tid);
      seenTasks.add(tid);
      if (continued !== null) {
        if (pending.get(tid) === name) {
          pending.delete(tid);
          continue;
        }
        // perf comes to a command that it starts within its execve.
        if (first && name === 'execve' && /^0\b/.test(continued[2] ?? '')) log.startsSeen += 1;
        else if (FORKS.has(name) && firstOfTask) continue;
        else if (first) log.attachedLate = true;
      } else if (first) log.attachedLate = true;
      const atMs = time === '?' ? 0 : Math.floor(Number(time));
      const runtime = first && log.startsSeen > 0;
      log.add({
        abi,
        number: place,
        args: null,
        phase: runtime ? 'runtime' : 'steady',
        executable: null,
        atMs,
      });
      if (call !== null && call[3] === undefined) pending.set(tid, name);
    }
  }
  log.blindSpots.add('denied-from-failed');
  log.blindSpots.add('executables-unseen');
  log.blindSpots.add('abi-unseen');
  return log.finish('perf-trace', inputs, options);
};
