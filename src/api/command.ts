/** Recording a command with what programs say of it. */
import type { Launched } from '../capture/launch';
import type { NotifyingFilter, Recorded, RecordHooks } from '../capture/record';
import type { CommandTarget } from './record-options';

/** `filter`: for the notify tracer, another than one that tells of every call. */
export function recordCommandOf(
  target: CommandTarget,
  how: { tracer: 'ebpf' | 'ptrace' | 'notify'; denied: boolean; programs: 'auto' },
  hooks: RecordHooks,
  onLaunched: (launched: Launched) => void,
  filter?: NotifyingFilter,
): Promise<Recorded> {
  const { recordCommand }: typeof import('../capture/record') = require('../capture/record');
  const { command, cwd, env, output = 'inherit' } = target;
  const launch = {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: env as NodeJS.ProcessEnv }),
    piped: output !== 'inherit',
  };
  return recordCommand(
    command,
    {
      ...how,
      launch,
      ...(how.tracer === 'notify' && { filter: filter ?? everyCall() }),
      onLaunched: (launched) => {
        for (const stream of launched.output) {
          if (typeof output === 'function') stream.on('data', output);
          else stream.resume();
        }
        onLaunched(launched);
      },
    },
    hooks,
  );
}

function everyCall(): NotifyingFilter {
  const { notifyAll }: typeof import('../libseccomp') = require('../libseccomp');
  return { program: notifyAll(), flags: 0, partial: false };
}
