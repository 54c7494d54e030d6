/** Recording, as programs do it. What touches the system is loaded when it is asked for. */
import type { Capture } from '../capture/capture';
import type { Launched } from '../capture/launch';
import type { Recorded, RecordHooks } from '../capture/record';
import { SysieveError } from '../errors';
import { recordCommandOf } from './command';
import { Events, Marks } from './events';
import type { RecordOptions } from './record-options';
import type { CommandExit, RecordEnd, Recorder } from './recorder';
import type { Recording } from './recording';

/**
 * Records the system calls of a target. Nothing of this process is changed: no signal handlers, no output,
 * no exit status. Linux only.
 *
 * @remarks
 * The recording ends with the target, after `durationMs`, when it is stable, by {@link Recorder.stop} or by
 * the signal. What ended before its command leaves that running, unrecorded: end it with
 * {@link Recorder.kill} where it should not. Recording with eBPF needs root or CAP_BPF, CAP_PERFMON and
 * CAP_SYS_PTRACE; with ptrace the same user is enough; with notify a command needs no privilege.
 *
 * @returns Await it for the {@link Recording}, iterate over it for {@link RecordEvent}s.
 * @throws {@link SysieveError}: kind `usage` for a target or options that make no sense, `input` where the
 * target is not there, `system` where the host cannot do it (with the remedy). All reach the caller as
 * rejections.
 *
 * @example
 * ```ts
 * import { record, serializeRecording } from 'sysieve';
 *
 * const recorder = record({
 *   target: { command: ['ls', '-l', '/'], output: 'ignore' },
 *   signal: AbortSignal.timeout(60_000),
 * });
 * for await (const event of recorder) {
 *   if (event.kind === 'started') console.error(`started after ${event.elapsedMs} ms`);
 * }
 * console.log(serializeRecording(await recorder));
 * ```
 *
 * @public
 */
export function record(options: RecordOptions): Recorder {
  const events = new Events();
  const marks = new Marks((event) => events.tell(event));
  if (options.phase !== undefined) marks.set(options.phase);
  const ending = new Ending(options.signal);
  let kill: (signal: NodeJS.Signals) => boolean = () => false;
  const ended = start(options, { events, marks, ending }, (launched) => {
    kill = (signal) => launched.kill(signal);
  });
  const recording = ended.then((end) => end.recording);
  const exit = ended.then((end) => end.exit);
  // Whoever awaits the recording learns of it; whoever does not would end the process by the other one.
  exit.catch(() => undefined);
  return {
    recording,
    exit,
    // biome-ignore lint/suspicious/noThenProperty: it is awaited for the recording.
    then: (onRecording, onFailure) => recording.then(onRecording, onFailure),
    [Symbol.asyncIterator]: () => {
      recording.catch(() => undefined);
      return events.iterate();
    },
    mark: (phase) => {
      if (!ending.over) return marks.set(phase);
      throw new SysieveError(
        'usage',
        'recording-ended',
        'the recording has ended: no phase begins',
      );
    },
    stop: () => ending.end('stopped'),
    kill: (signal = 'SIGTERM') => kill(signal),
  };
}

interface Ended {
  recording: Recording;
  exit: CommandExit | null;
}

/** The first reason to end is the one that counts. */
class Ending {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private readonly onAbort = () => this.end('aborted');
  reason: RecordEnd = 'target';
  /** The recording itself has ended, whatever the reason. */
  over = false;

  constructor(private readonly given: AbortSignal | undefined) {
    given?.addEventListener('abort', this.onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(reason: RecordEnd): void {
    if (this.over || this.signal.aborted) return;
    this.reason = reason;
    this.controller.abort();
  }

  after(milliseconds: number): void {
    this.timer = setTimeout(() => this.end('duration'), milliseconds);
  }

  close(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.given?.removeEventListener('abort', this.onAbort);
  }
}

interface Parts {
  events: Events;
  marks: Marks;
  ending: Ending;
}

async function start(
  options: RecordOptions,
  { events, marks, ending }: Parts,
  onLaunched: (launched: Launched) => void,
): Promise<Ended> {
  // What goes wrong at once is a rejection like the rest, and events are iterated over by then.
  await null;
  try {
    options.signal?.throwIfAborted();
    refuseUnfit(options);
    const { recordAuto }: typeof import('../capture/auto') = require('../capture/auto');
    const { Stability }: typeof import('../capture/stability') = require('../capture/stability');
    const { untilStable, durationMs, tracer = 'auto', target } = options;
    const stability =
      untilStable === undefined
        ? null
        : new Stability({ minMs: 0, needsStart: true, ...untilStable });
    let capture: Capture | null = null;
    const hooks: RecordHooks = {
      signal: ending.signal,
      onArmed: (armed) => {
        capture = armed;
      },
      onReady: () => undefined,
      onNote: (text) => events.tell({ kind: 'note', text }),
      onProgress: (progress) => {
        events.progress(progress);
        if (stability?.update(progress) === true) ending.end('stable');
      },
    };
    const by = (chosen: 'ebpf' | 'ptrace' | 'notify', its: RecordHooks): Promise<Recorded> => {
      const onReady = (name: string): void => {
        its.onReady(name);
        events.tell({ kind: 'armed', tracer: chosen, target: name });
        if (capture !== null) marks.arm(capture);
        if (durationMs !== undefined) ending.after(durationMs);
      };
      return recordBy(options, chosen, { ...its, onReady }, onLaunched);
    };
    const asked = { command: 'command' in target, ebpfOnly: options.denied === true };
    const { run, exit } =
      tracer === 'auto' ? await recordAuto(asked, hooks, by) : await by(tracer, hooks);
    ending.close();
    const recording: Recording = { version: 1, runs: [run] };
    events.end({ kind: 'ended', reason: ending.reason, recording, exit });
    return { recording, exit };
  } catch (thrown) {
    ending.close();
    events.fail(thrown);
    throw thrown;
  }
}

function recordBy(
  options: RecordOptions,
  tracer: 'ebpf' | 'ptrace' | 'notify',
  hooks: RecordHooks,
  onLaunched: (launched: Launched) => void,
): Promise<Recorded> {
  const from: typeof import('../capture/record') = require('../capture/record');
  const { target, denied = false } = options;
  const how = { tracer, denied, programs: 'auto' } as const;
  if ('pid' in target) return from.recordPid(target.pid, how, hooks);
  if ('pod' in target) return from.recordContainer(target.pod, { ...how, engine: 'cri' }, hooks);
  if ('container' in target) {
    const { container, engine = 'auto', stateDir } = target;
    return from.recordContainer(container, { ...how, engine, stateDir }, hooks);
  }
  if ('cgroup' in target) {
    const { cgroup, boundary = 'namespace' } = target;
    return from.recordCgroup(cgroup, { ...how, execRule: boundary }, hooks);
  }
  return recordCommandOf(target, how, hooks, onLaunched);
}

const TARGETS = ['command', 'pid', 'container', 'cgroup', 'pod'] as const;

function refuseUnfit({ target, tracer, denied, untilStable, durationMs }: RecordOptions): void {
  const refuse = (code: string, message: string, remedy: string): never => {
    throw new SysieveError('usage', code, message, { remedy });
  };
  const given = TARGETS.filter((kind) => kind in target);
  if (given.length !== 1) {
    const what =
      given.length === 0 ? 'no target given' : `${given.join(' and ')} exclude each other`;
    refuse('target-unclear', what, `Give one of ${TARGETS.join(', ')}.`);
  }
  if (tracer === 'notify' && !('command' in target)) {
    refuse(
      'tracer-cannot-attach',
      'the notify tracer records commands only',
      'Use another tracer.',
    );
  }
  if (denied === true && (tracer === 'ptrace' || tracer === 'notify')) {
    const message = `denied has no meaning with the ${tracer} tracer`;
    refuse('denied-unseen', message, 'Leave it out, or use the ebpf tracer.');
  }
  if (untilStable !== undefined && 'pid' in target && untilStable.needsStart !== false) {
    const remedy = 'A process that runs shows none: set needsStart to false.';
    refuse('start-unseen', 'untilStable waits for a start', remedy);
  }
  for (const value of [durationMs, untilStable?.quietMs, untilStable?.minMs]) {
    // What setTimeout takes.
    if (value === undefined || (value >= 0 && value <= 0x7fff_ffff)) continue;
    refuse('time-invalid', `${value} is no time in milliseconds`, 'Give 0 to 2147483647.');
  }
}
