/** What the stages of several apps tell, kept for the view of them. */
import type { Progress } from '../../capture/capture';
import type { Run } from '../../recording';
import { saturation, saturationText } from '../../saturation';
import type { StagingHooks } from '../../staging/types';
import { say } from '../output';
import { type AppState, appsLines } from './apps-lines';
import { duration, type Figures, Meter, newestText, rateText, troubles } from './figures';
import type { Layout } from './lines';
import { modeOf, type Shown, View } from './view';

/** Fewer runs say nothing of what is unseen. */
const LEAST_RUNS = 3;

class WatchedApp {
  stage: string | null = null;
  figures: Figures | null = null;
  runs = 0;
  saturation: string | null = null;
  done = false;
  private meter = new Meter();

  constructor(readonly name: string) {}

  progress(progress: Progress): void {
    // A run that begins anew.
    if (progress.elapsedMs < (this.figures?.progress.elapsedMs ?? 0)) this.meter = new Meter();
    this.figures = this.meter.update(progress);
  }

  ran(runs: readonly Run[]): void {
    this.runs = runs.length;
    if (this.figures !== null) this.figures = { ...this.figures, rate: null };
    this.meter = new Meter();
    if (runs.length < LEAST_RUNS) return;
    this.saturation = saturationText(saturation({ version: 1, runs: [...runs] }));
  }
}

export class WatchedApps implements Shown {
  private readonly started = Date.now();
  private readonly apps: Map<string, WatchedApp>;

  /** `command`: as it is called, "profile". */
  constructor(
    private readonly command: string,
    names: readonly string[],
  ) {
    this.apps = new Map(names.map((name) => [name, new WatchedApp(name)]));
  }

  /** Stages and notes are also said, with and without a view: they are what a log keeps. */
  hooks(signal: AbortSignal): StagingHooks {
    return {
      signal,
      onStage: (app, stage) => {
        say(`[${app}] ${stage}`);
        const watched = this.apps.get(app);
        if (watched !== undefined) watched.stage = stage;
      },
      onNote: (app, text) => say(`[${app}] note: ${text}`),
      onProgress: (app, progress) => this.apps.get(app)?.progress(progress),
      onRun: (app, runs) => this.apps.get(app)?.ran(runs),
    };
  }

  done(name: string, how: string): void {
    const app = this.apps.get(name);
    if (app === undefined) return;
    app.stage = how;
    app.done = true;
  }

  lines(layout: Layout): string[] {
    const { command, started } = this;
    const apps: AppState[] = [...this.apps.values()];
    return appsLines({ command, elapsedMs: Date.now() - started, apps }, layout);
  }

  log() {
    return [...this.apps.values()].flatMap(({ name, figures, done }) => {
      if (figures === null || done) return [];
      const { progress, rate } = figures;
      const lost = troubles(progress, false);
      const text = [
        `[${name}] ${duration(progress.elapsedMs)}: ${progress.distinct} distinct calls (${rateText(rate)}/s)`,
        `newest ${newestText(progress)}`,
        ...lost,
      ].join('; ');
      const { distinct, tuples } = progress;
      return [{ of: name, key: JSON.stringify([distinct, tuples, lost]), text }];
    });
  }
}

/** Shows them for as long as `body` works; not after the signal, since another one ends the process. */
export async function showing<T>(
  apps: WatchedApps,
  { quiet, signal }: { quiet: boolean; signal: AbortSignal },
  body: () => Promise<T>,
): Promise<T> {
  const view = new View(process.stderr, apps, {
    mode: modeOf(process.stderr, quiet),
    shared: false,
  });
  view.start();
  signal.addEventListener('abort', () => view.end(), { once: true });
  try {
    return await body();
  } finally {
    view.end();
  }
}
