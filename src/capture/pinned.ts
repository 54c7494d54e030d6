/** A capture that another process pinned. */
import { SysieveError } from '../errors';
import type { Run } from '../recording/schema';
import { addon } from './binding';
import type { KernelMemory, NativeSession, SessionOptions } from './binding-types';
import { type Progress, progressOf } from './capture';
import { fromNative, isNativeError } from './host';
import { type RunContext, toRun } from './run';

export class PinnedCapture {
  constructor(private readonly session: NativeSession) {}

  progress(): Progress {
    return progressOf(this.session.read());
  }

  memory(): KernelMemory {
    return this.session.memory();
  }

  /** For good: the links are removed. What was counted can still be read, by anybody later too. */
  detach(): void {
    this.session.detach();
  }

  run(context: RunContext): Run {
    return toRun(this.session.read(), context);
  }

  close(): void {
    this.session.stop();
  }
}

function notOpened(error: unknown, directory: string): unknown {
  if (!isNativeError(error)) return error;
  const details = { cause: `${error.operation}: ${error.code}` };
  if (error.code === 'EPROTO') {
    return new SysieveError(
      'input',
      'session-version',
      `${directory}: started by another sysieve, whose maps mean something else`,
      { ...details, remedy: 'Stop it with the sysieve that started it.' },
    );
  }
  if (error.code === 'EBUSY') {
    return new SysieveError('input', 'session-busy', `${directory}: somebody else is at it`, {
      ...details,
      remedy: 'Wait for the other stop to end.',
    });
  }
  if (error.code === 'ENOENT') {
    return new SysieveError('input', 'session-gone', `${directory}: not all of it is there`, {
      ...details,
      remedy: "See 'sysieve sessions'; --prune removes leftovers.",
    });
  }
  return fromNative(error);
}

/** Throws a SysieveError. With `exclusive` nobody else may have it open so. */
export function openPinned(directory: string, exclusive: boolean): PinnedCapture {
  const options: SessionOptions = {
    ...{ tracer: 'ebpf', execRule: 'any', denied: false, programs: 'auto' },
    ...{ cgroups: [], cgroupNames: [], mountNamespaces: [], pidNamespaces: [] },
    ...{ pids: [], setupPids: [], tracked: [], pinned: directory, exclusive },
  };
  const session = new (addon().Session)(options);
  try {
    session.start();
  } catch (error) {
    session.stop();
    throw notOpened(error, directory);
  }
  return new PinnedCapture(session);
}
