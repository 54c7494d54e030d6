/** `sysieve stop SESSION`: ends a recording without a process, and writes it. */
import type { Command } from 'commander';
import { snapshot, stopSession } from '../capture/detached';
import { checkDestination } from '../io';
import type { Run } from '../recording';
import { emitJson, say } from './output';
import { writeRun } from './recorded';
import { stdoutTwice } from './streams';
import { summary } from './summary';
import { printable } from './terminal';

interface Options {
  output: string;
  keep?: true;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('stop')
    .summary('end a recording that goes on without a process, and write it')
    .description(
      'Detaches what record --detach left in the kernel, writes what it has seen, and removes it. The\n' +
        'session is removed last: where the recording cannot be written, stop it again.',
    )
    .argument('<session>', 'its id or name, as sysieve sessions lists it')
    .option('-o, --output <file>', 'where the recording is written; - is stdout', 'recording.json')
    .option('--keep', 'write what was seen so far; the session goes on')
    .option('--json', 'print a summary as JSON on stdout')
    .action(stop);
}

async function stop(id: string, options: Options): Promise<void> {
  const { output, keep, json } = options;
  if (json === true && output === '-') {
    throw stdoutTwice();
  }
  await checkDestination(output);
  let written: Run | undefined;
  const write = async (run: Run): Promise<void> => {
    await writeRun(output, run);
    written = run;
  };
  if (keep === true) await write(snapshot(id));
  else await stopSession(id, write);
  if (written === undefined) return;
  for (const line of summary(written)) say(line);
  if (output !== '-') say(`written to ${printable(output)}`);
  if (json !== true) return;
  const { calls, completeness, id: run, durationMs } = written;
  const total = calls.reduce((sum, call) => sum + call.count, 0);
  const counts = { calls: total, distinct: calls.length };
  const kept = keep === true;
  await emitJson({
    version: 1,
    session: id,
    kept,
    recording: output,
    run,
    durationMs,
    ...counts,
    completeness,
  });
}
