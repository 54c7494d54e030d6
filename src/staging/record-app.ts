/** Records an app, run after run, until nothing new appears. */
import { DEFAULTS, milliseconds } from '../config';
import { SysieveError } from '../errors';
import type { Recording, Run } from '../recording';
import { deadlineOf, driveOnce } from './drive';
import { addedText, judge, Seen, type StableRule } from './stability';
import type { AppRecording, NamedApp, StagingHooks, Under } from './types';
import { stepsOf } from './workload';

export interface RecordAppOptions {
  /** A limit that ends the recording before it is stable is an error. */
  readonly strictStable: boolean;
  /** Told of each run as it ends; a promise is waited for. */
  onRun?(run: Run): Promise<void> | void;
}

function ruleOf({ app }: NamedApp): StableRule {
  return {
    runs: app.stable?.runs ?? DEFAULTS.runs,
    maxRuns: app.stable?.maxRuns ?? DEFAULTS.maxRuns,
  };
}

export function underOf({ app }: NamedApp): Under {
  return app.under === 'allow-all' ? { kind: 'allow-all' } : { kind: 'engine-default' };
}

/** Things about the way it is recorded that a reader of the profile has to know. */
function caveats(app: NamedApp): string[] {
  const steps = stepsOf(app);
  const inside = steps.some((step) => step.in === 'container');
  return [
    ...(app.app.ready !== undefined && steps.length === 0
      ? [
          'it has no workload: only its start and its end are recorded, and a profile of these denies what it does in use',
        ]
      : []),
    ...(app.app.under === 'allow-all'
      ? [
          'recorded under a filter that allows all: what the default of the engine refuses may be in it',
        ]
      : []),
    ...(inside
      ? ['steps run in the container: its profile has to permit what they call, and does']
      : []),
  ];
}

/** A SysieveError of kind check where the app itself fails: not ready, ended early, a step failed. */
export async function recordApp(
  app: NamedApp,
  options: RecordAppOptions,
  hooks: StagingHooks,
): Promise<AppRecording> {
  for (const caveat of caveats(app)) hooks.onNote(app.name, caveat);
  const seen = new Seen();
  const added: ReturnType<Seen['add']>[] = [];
  const runs: Run[] = [];
  const quiet = app.app.stable?.quiet;
  const deadline = deadlineOf(app);
  for (;;) {
    const number = runs.length + 1;
    const label = `recording run ${number}`;
    hooks.onStage(app.name, `${label}: starting`);
    const { run, failure } = await driveOnce(app, {
      label,
      under: underOf(app),
      quietMs: quiet === undefined ? 0 : milliseconds(quiet),
      deadline,
      hooks,
    });
    if (failure !== null) throw failure.thrown;
    await options.onRun?.(run);
    runs.push(run);
    hooks.onRun?.(app.name, runs);
    const news = seen.add(run);
    added.push(news);
    hooks.onStage(app.name, `${label}: done, ${runNews(run, news, number)}`);
    const verdict = judge(added, ruleOf(app), Date.now() >= deadline);
    if (verdict === null) continue;
    if (!verdict.stable && options.strictStable) throw unstable(app, verdict.ended);
    return { recording: { version: 1, runs } satisfies Recording, ...verdict };
  }
}

function runNews(run: Run, news: ReturnType<Seen['add']>, number: number): string {
  return number === 1 ? `${run.calls.length} distinct calls` : `new: ${addedText(news)}`;
}

function unstable(app: NamedApp, ended: string): SysieveError {
  return new SysieveError('incomplete', 'app-not-stable', `${app.name}: not stable: ${ended}`, {
    remedy: 'Give it more runs with stable.maxRuns, or a workload that does the same every time.',
  });
}
