/** What `record` and `run --complain` have in common: how a recording is watched, ended, written and told. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../capture/capture';
import { shellStatus } from '../capture/launch';
import type { Recorded, RecordHooks } from '../capture/record';
import { Stability } from '../capture/stability';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic } from '../io';
import type { Run } from '../recording';
import { LiveLine } from './live';
import { terminalSentToo } from './signals';
import { stdoutTwice } from './streams';
import { printable } from './terminal';

export interface Flags {
  output: string;
  duration?: number;
  json?: true;
  untilStable?: number;
  min?: number;
  withoutStart?: true;
}

type OnStarted = (kill: (signal: NodeJS.Signals) => void) => void;

/**
 * Records by `body`, until a signal or --duration ends it, writes the run, and says what is in it.
 * `advice`: lines for the user once the recording has begun.
 */
export async function recordWith(
  options: Flags,
  body: (hooks: RecordHooks, onStarted: OnStarted) => Promise<Recorded>,
  advice: readonly string[] = [],
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

  const live = new LiveLine(process.stderr);
  const say = (text: string): void => {
    live.clear();
    process.stderr.write(`sysieve: ${text}\n`);
  };
  let timer: NodeJS.Timeout | undefined;
  const stability = stabilityOf(options);
  const hooks = {
    signal: ending.signal,
    onReady: (what: string): void => {
      say(`recording ${printable(what)}`);
      for (const line of advice) say(line);
      if (options.duration !== undefined) {
        timer = setTimeout(() => ending.abort(), options.duration);
      }
    },
    onProgress: (progress: Progress): void => {
      live.update(progress);
      if (stability?.update(progress) === true && !ending.signal.aborted) {
        say('nothing new was seen for the time asked for: the recording ends');
        ending.abort();
      }
    },
    onNote: (note: string): void => say(printable(note)),
  };
  let recorded: Recorded;
  try {
    recorded = await body(hooks, (kill) => {
      forward = kill;
    });
  } finally {
    clearTimeout(timer);
    live.clear();
  }
  const { run, exit } = recorded;
  // Loaded by now only: what comes before the recording is waited for.
  const { summary } = await import('./summary.js');
  const { saturation, saturationText } = await import('../saturation/index.js');
  await writeRun(options.output, run);
  for (const line of summary(run)) say(line);
  const seen = saturation({ version: 1, runs: [run] });
  if (seen.runs.length > 0) say(saturationText(seen));
  if (options.output !== '-') say(`written to ${printable(options.output)}`);
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
