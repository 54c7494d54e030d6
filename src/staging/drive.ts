/** One run of an application: started under capture, made ready, exercised, ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Capture, Progress } from '../capture/capture';
import { DEFAULTS, milliseconds } from '../config';
import { SysieveError } from '../errors';
import { untilReady } from './ready';
import { rehearse } from './rehearse';
import type { Rehearsed, Subject } from './subject';
import type { NamedApp, StagingHooks, Under } from './types';
import { runWorkload, stepsOf } from './workload';

const POLL_MS = 100;

export interface DriveOptions {
  /** What it is for, as the lines of progress name it: "recording run 2". */
  readonly label: string;
  readonly under: Under;
  /** The workload is driven again until nothing new was seen for so long; 0: once. */
  readonly quietMs: number;
  /** No further round of the workload begins, and nothing is waited for, after this (Date.now()). */
  readonly deadline: number;
  readonly hooks: StagingHooks;
}

/** Since when nothing new was seen: no call, no tuple of tracked arguments. */
class Novelty {
  private seen = '';
  private since = Date.now();

  update({ distinct, tuples }: Progress): void {
    const now = `${distinct} ${tuples}`;
    if (now === this.seen) return;
    this.seen = now;
    this.since = Date.now();
  }

  get quietMs(): number {
    return Date.now() - this.since;
  }
}

/** An end that nobody asked for. */
function endedEarly(app: NamedApp, status: number, subject: Subject): SysieveError {
  return new SysieveError(
    'check',
    'app-ended',
    `${app.name}: it ended by itself with status ${status}`,
    {
      cause: subject.output.toString(),
      remedy: 'Start it with the same settings by hand: it has to live until it is stopped.',
    },
  );
}

class Drive {
  private readonly novelty = new Novelty();
  private readonly steps: boolean;
  private ended = false;

  constructor(
    private readonly app: NamedApp,
    private readonly options: DriveOptions,
  ) {
    this.steps = stepsOf(app).length > 0;
  }

  run(): Promise<Rehearsed> {
    const { under, hooks } = this.options;
    return rehearse({
      app: this.app,
      under,
      hooks,
      onArmed: (capture) => {
        if (this.app.app.ready !== undefined) capture.mark('startup');
      },
      onProgress: (progress) => {
        this.novelty.update(progress);
        hooks.onProgress?.(this.app.name, progress);
      },
      body: (subject, capture) => this.body(subject, capture),
    });
  }

  private async body(subject: Subject, capture: Capture): Promise<void> {
    const { hooks } = this.options;
    const over = new AbortController();
    const signal = AbortSignal.any([hooks.signal, over.signal]);
    const { ready } = this.app.app;
    let starting = ready !== undefined;
    // Whatever is under way ends with an application that failed. One that is done is no failure: a
    // workload may be what ends it.
    const watched = subject.ended.then((status) => {
      this.ended = true;
      if (status !== 0 || starting) over.abort(endedEarly(this.app, status, subject));
    });
    watched.catch((thrown: unknown) => over.abort(thrown));
    if (ready !== undefined) {
      await untilReady(ready, this.app, subject, signal);
      starting = false;
      capture.mark('steady');
      this.stage('ready');
    }
    if (ready === undefined && !this.steps) await this.toItsEnd(subject, signal);
    else await this.exercise(subject, signal);
    if (this.ended) return;
    capture.mark('shutdown');
    const killed = await subject.stop();
    if (killed) hooks.onNote(this.app.name, 'it did not stop in time and was killed');
  }

  private async toItsEnd(subject: Subject, signal: AbortSignal): Promise<void> {
    const { deadline, hooks } = this.options;
    this.stage('running to its end, as it has neither ready nor workload');
    const left = AbortSignal.any([signal, timeout(deadline)]);
    const aborted = new Promise<void>((resolve) => {
      if (left.aborted) resolve();
      left.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([subject.ended, aborted]);
    // The status comes with `ended`, a turn later.
    await sleep(0);
    signal.throwIfAborted();
    if (left.aborted) hooks.onNote(this.app.name, 'it did not end within stable.maxTime');
  }

  private async exercise(subject: Subject, signal: AbortSignal): Promise<void> {
    const { quietMs, deadline } = this.options;
    for (let round = 1; ; round++) {
      if (this.steps) {
        this.stage(round === 1 ? 'workload' : `workload, round ${round}`);
        await runWorkload(this.app, subject, signal);
      } else {
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
      signal.throwIfAborted();
      if (this.ended || Date.now() >= deadline) return;
      if (this.novelty.quietMs >= quietMs) return;
    }
  }

  private stage(what: string): void {
    this.options.hooks.onStage(this.app.name, `${this.options.label}: ${what}`);
  }
}

/** The longest that a timer takes: 24 days. */
const LONGEST_MS = 0x7fffffff;

function timeout(deadline: number): AbortSignal {
  return AbortSignal.timeout(Math.min(LONGEST_MS, Math.max(0, deadline - Date.now())));
}

/** Never rejects for what the application does: that is `failure`, beside what was seen until then. */
export async function driveOnce(app: NamedApp, options: DriveOptions): Promise<Rehearsed> {
  const { signal } = options.hooks;
  const rehearsed = await new Drive(app, options).run();
  // Whatever failed then failed because it was to end.
  signal.throwIfAborted();
  return rehearsed;
}

/** Of all runs together that begin now. */
export function deadlineOf({ app }: NamedApp): number {
  return Date.now() + milliseconds(app.stable?.maxTime ?? DEFAULTS.maxTime);
}
