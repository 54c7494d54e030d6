/** What `record` and `run --complain` have in common: how a recording is watched, ended, written and told. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capture, Progress } from '../capture/capture';
import { shellStatus } from '../capture/launch';
import type { Recorded, RecordHooks } from '../capture/record';
import { Stability } from '../capture/stability';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic } from '../io';
import type { Run } from '../recording';
import { type Figures, Meter } from './live/figures';
import { type RecordState, recordKey, recordLine, recordLines } from './live/record-lines';
import { modeOf, View } from './live/view';
import { say as sayLine } from './output';
import type { Alongside } from './record-reach';
import { terminalSentToo } from './signals';
import { stdoutTwice } from './streams';

export interface Flags {
  output: string;
  duration?: number;
  json?: true;
  untilStable?: number;
  min?: number;
  withoutStart?: true;
  quiet?: true;
}

export interface Told {
  /** Lines for the user once the recording has begun. */
  readonly advice?: readonly string[];
  /** A command that has sysieve's terminal. */
  readonly command: boolean;
  readonly alongside?: Alongside | undefined;
}

type OnStarted = (kill: (signal: NodeJS.Signals) => void) => void;

/**
 * Records by `body`, until a signal or --duration ends it, writes the run, and says what is in it.
 */
export async function recordWith(
  options: Flags,
  body: (hooks: RecordHooks, onStarted: OnStarted) => Promise<Recorded>,
  { advice = [], command, alongside }: Told,
): Promise<void> {
  if (options.json === true && options.output === '-') {
    throw stdoutTwice();
  }

  // Before an hour of recording, not after it.
  await checkDestination(options.output);
  const ending = new AbortController();
  let forward: ((signal: NodeJS.Signals) => void) | null = null;
  let interrupts = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    interrupts += 1;
    // The recording ends when the command does; a second signal ends it at once.
    if (forward !== null && interrupts === 1) {
      if (!terminalSentToo(signal)) forward(signal);
      return;
    }
    ending.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  const say = (text: string): void => sayLine(`sysieve: ${text}`);
  let timer: NodeJS.Timeout | undefined;
  const stability = stabilityOf(options);
  const shown = new ShownRecording(options);
  const view = new View(process.stderr, shown, {
    mode: modeOf(process.stderr, options.quiet === true),
    shared: command,
  });
  const hooks = {
    signal: ending.signal,
    onArmed: (capture: Capture): void => {
      shown.late = capture.tasksFound > 0;
    },
    onReady: (what: string): void => {
      say(`recording ${what}`);
      for (const line of advice) say(line);
      shown.what = what;
      view.start();
      if (options.duration !== undefined) {
        timer = setTimeout(() => ending.abort(), options.duration);
      }
    },
    onProgress: (progress: Progress): void => {
      shown.update(progress);
      alongside?.look();
      if (stability?.update(progress) === true && !ending.signal.aborted) {
        say('nothing new was seen for the time asked for: the recording ends');
        ending.abort();
      }
    },
    onNote: say,
  };
  let recorded: Recorded;
  try {
    recorded = await body(hooks, (kill) => {
      forward = kill;
    });
  } finally {
    clearTimeout(timer);
    view.end();
  }
  const { run, exit } = recorded;
  // Loaded by now only: what comes before the recording is waited for.
  const { summary } = await import('./summary.js');
  const { saturation, saturationText } = await import('../saturation/index.js');
  await writeRun(options.output, run);
  for (const line of summary(run)) say(line);
  const seen = saturation({ version: 1, runs: [run] });
  if (seen.runs.length > 0) say(saturationText(seen));
  if (options.output !== '-') say(`written to ${options.output}`);
  for (const line of (await alongside?.finish(run)) ?? []) say(line);
  if (options.json === true) {
    const { calls, completeness, id } = run;
    const distinct = calls.length;
    const total = calls.reduce((sum, call) => sum + call.count, 0);
    process.stdout.write(
      `${JSON.stringify({ version: 1, recording: options.output, run: id, durationMs: run.durationMs, calls: total, distinct, completeness, saturation: seen })}\n`,
    );
  }
  if (exit !== null) process.exitCode = shellStatus(exit);
}

/** What the view of a recording shows: the last reading. */
class ShownRecording {
  what = '';
  late = false;
  private readonly meter = new Meter();
  private figures: Figures | null = null;

  constructor(private readonly flags: Flags) {}

  update(progress: Progress): void {
    this.figures = this.meter.update(progress);
  }

  lines(layout: Parameters<typeof recordLines>[1]): string[] | null {
    const state = this.state();
    return state && recordLines(state, layout);
  }

  log() {
    const state = this.state();
    if (state === null) return [];
    return [{ of: '', key: recordKey(state), text: `sysieve: ${recordLine(state)}` }];
  }

  private state(): RecordState | null {
    const { what, late, figures, flags } = this;
    const { duration = null, untilStable = null } = flags;
    return figures && { what, late, figures, durationMs: duration, stableMs: untilStable };
  }
}

function stabilityOf({ untilStable, min, withoutStart }: Flags): Stability | null {
  if (untilStable === undefined) {
    const stray = min !== undefined ? '--min' : withoutStart === true ? '--without-start' : null;
    if (stray === null) return null;
    throw new SysieveError('usage', 'usage', `${stray} has a meaning with --until-stable only`);
  }
  return new Stability({
    quietMs: untilStable,
    minMs: min ?? 0,
    needsStart: withoutStart !== true,
  });
}

/** A recording may have taken hours: where it cannot be written any more, it is kept elsewhere. */
export async function writeRun(path: string, run: Run): Promise<void> {
  await writeRuns(path, [run], run.id);
}

/** `name`: of the file that they are kept in then. */
export async function writeRuns(path: string, runs: readonly Run[], name: string): Promise<void> {
  const { serializeRecording } = await import('../recording/index.js');
  const text = serializeRecording({ version: 1, runs: [...runs] });
  try {
    await writeFileAtomic(path, text);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || path === '-') throw thrown;
    const rescue = join(tmpdir(), `sysieve-recording-${name}.json`);
    const kept = await writeFileAtomic(rescue, text).then(
      () => true,
      () => false,
    );
    throw new SysieveError(thrown.kind, thrown.code, thrown.message, {
      cause: thrown.reason ?? thrown.code,
      remedy: kept
        ? `The recording was kept as ${rescue}.`
        : `The recording is lost: ${rescue} could not be written either.`,
    });
  }
}
