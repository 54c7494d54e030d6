/** `sysieve profile [APP…]`: the apps of sysieve.config.json, from their start to their profiles. */
import { constants } from 'node:os';
import { relative } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { diff } from '../diff';
import { EXIT, SysieveError } from '../errors';
import { evidencePath } from '../io';
import type { Target } from '../lint';
import { unseenSentence } from '../reach';
import { render } from '../render';
import { widthOf, wrap } from '../render/layout';
import type { Report, Verdict } from '../review';
import { readConfig, selectApps } from '../staging/config-file';
import { inParallel } from '../staging/jobs';
import { type AppOutcome, profileApp } from '../staging/profile-app';
import type { NamedApp } from '../staging/types';
import { namesKnown, reportOf } from './lint';
import { showing, WatchedApps } from './live/apps';
import { emit, emitJson, reportError, say } from './output';
import { profileSide } from './profile-side';
import { screenOf, waived } from './review';
import { printable } from './terminal';
import { packageVersion } from './version';

interface Flags {
  config?: string;
  jobs: number;
  keepRecordings?: string;
  strictStable?: true;
  json?: true;
  quiet?: true;
}

export function parseJobs(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new InvalidArgumentError('expected a number from 1 to 999');
  return Number(text);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends everything on the first signal, orderly; a second one ends the process as it would any other. */
export function interruptible(): {
  signal: AbortSignal;
  by(): NodeJS.Signals | null;
  done(): void;
} {
  const ending = new AbortController();
  let by: NodeJS.Signals | null = null;
  const onSignal = (signal: NodeJS.Signals): void => {
    by = signal;
    for (const each of SIGNALS) process.off(each, onSignal);
    say(`sysieve: ${signal}: stopping what was started`);
    ending.abort(
      new SysieveError(
        'system',
        'interrupted',
        `interrupted by ${signal} before its profile was written`,
        { remedy: "Run 'sysieve profile' again: what was there before is unchanged." },
      ),
    );
  };
  for (const each of SIGNALS) process.on(each, onSignal);
  return {
    signal: ending.signal,
    by: () => by,
    done: () => {
      for (const each of SIGNALS) process.off(each, onSignal);
    },
  };
}

function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

/** null: there was nothing to compare with, or nothing new. */
async function changeOf({ before, made, profile, status }: AppOutcome): Promise<Report | null> {
  if (before === null || made === null || status !== 'changed') return null;
  const path = shownPath(profile);
  const source = evidencePath(path);
  const side = (text: string, evidence: string | null, label: string) =>
    profileSide({
      label,
      text,
      source: path,
      path,
      evidence: evidence === null ? null : { text: evidence, source },
      withoutBase: false,
    });
  const report = diff(
    await side(before.text, before.evidence, `${path} (before)`),
    await side(made.profileText, made.evidenceText, path),
  );
  return waived(report, {});
}

/** What lint finds for those who will load it; notes are left to `sysieve lint`. */
async function lintOf(
  { made, profile }: AppOutcome,
  targets: readonly Target[],
): Promise<Report | null> {
  if (made === null || targets.length === 0) return null;
  const path = shownPath(profile);
  const side = await profileSide({
    label: path,
    text: made.profileText,
    source: path,
    path,
    evidence: { text: made.evidenceText, source: evidencePath(path) },
    withoutBase: false,
  });
  const known = await namesKnown();
  const [first, ...others] = targets.map((target) => reportOf(side, { target }, known));
  if (first === undefined) return null;
  const findings = [first, ...others].flatMap((report) => report.findings);
  const told = new Map(
    findings.filter(({ severity }) => severity !== 'note').map((one) => [one.fingerprint, one]),
  );
  if (told.size === 0) return null;
  return waived({ ...first, findings: [...told.values()] }, {});
}

const tool = () => ({ name: 'sysieve', version: packageVersion() });

async function print(report: Report): Promise<void> {
  await emit(render(report, 'terminal', { ...screenOf(process.stdout), tool: tool() }));
}

function cellsOf({ name, status, runs, ended }: AppOutcome): string[] {
  return [name, status, status === 'failed' ? `${runs} run(s)` : (ended ?? '')];
}

/** Of an app's outcome: what its files can still call. Lines of at most `columns` cells. */
function unseenLines({ unseen }: AppOutcome, columns: number): string[] {
  const sentence = unseenSentence(unseen ?? []);
  if (sentence === null) return [];
  return wrap([{ text: '  ' }], [{ text: sentence }], { columns, colour: false });
}

/** Where a line is too long for the screen, the profile's path is on one of its own. */
function table(outcomes: readonly AppOutcome[], columns: number): string {
  const rows = outcomes.map((outcome) => ({
    cells: cellsOf(outcome).map(printable),
    path: printable(shownPath(outcome.profile)),
    unseen: unseenLines(outcome, columns),
  }));
  const widths = [0, 1, 2].map((at) =>
    Math.max(...rows.map(({ cells }) => widthOf(cells[at] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell))).join('  ');
  const whole = rows.map(({ cells, path }) => `${line(cells)}  ${path}`.trimEnd());
  const fits = whole.every((text) => widthOf(text) <= columns);
  const lines = rows.flatMap(({ cells, path, unseen }, at) => [
    ...(fits ? whole.slice(at, at + 1) : [line(cells).trimEnd(), `  ${path}`]),
    ...unseen,
  ]);
  return lines.map((text) => `${text}\n`).join('');
}

function exitCodeOf({ error }: AppOutcome): number {
  if (error === null) return EXIT.done;
  return error instanceof SysieveError ? error.exitCode : EXIT.defect;
}

export function errorJson(error: unknown): object | null {
  if (error === null) return null;
  if (error instanceof SysieveError) return error.toJSON().error;
  const cause = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'defect', message: 'sysieve failed in a way it should not', cause, remedy: null };
}

async function tell(outcomes: readonly AppOutcome[], apps: readonly NamedApp[], flags: Flags) {
  const verdicts = new Map<string, Verdict | null>();
  for (const [at, outcome] of outcomes.entries()) {
    const change = await changeOf(outcome);
    const found = await lintOf(outcome, apps[at]?.app.targets ?? []);
    verdicts.set(
      outcome.name,
      outcome.status === 'unchanged' ? 'identical' : (change?.verdict ?? null),
    );
    if (flags.json) continue;
    for (const report of [change, found]) if (report !== null) await print(report);
  }
  if (flags.json) {
    await emitJson({
      version: 1,
      apps: outcomes.map((outcome) => ({
        name: outcome.name,
        status: outcome.status,
        profile: outcome.profile,
        runs: outcome.runs,
        ended: outcome.ended,
        saturation: outcome.saturation,
        denied: outcome.denied,
        unseen: outcome.unseen,
        verdict: verdicts.get(outcome.name) ?? null,
        error: errorJson(outcome.error),
      })),
    });
    return;
  }
  for (const { error } of outcomes) if (error !== null) await reportError(error, false);
  await emit(table(outcomes, screenOf(process.stdout).columns));
}

const DONE: Readonly<Record<AppOutcome['status'], string>> = {
  new: 'done: a profile where there was none',
  changed: 'done: the profile has changed',
  unchanged: 'done: the profile is as it was',
  failed: 'failed: the profile is as it was',
};

async function run(names: string[], flags: Flags): Promise<void> {
  const apps = selectApps(await readConfig(flags.config), names);
  const interrupted = interruptible();
  const watched = new WatchedApps(
    'profile',
    apps.map(({ name }) => name),
  );
  const hooks = watched.hooks(interrupted.signal);
  const options = {
    strictStable: flags.strictStable === true,
    keepRecordings: flags.keepRecordings ?? null,
  };
  const one = async (app: NamedApp): Promise<AppOutcome> => {
    const outcome = await profileApp(app, options, hooks);
    watched.done(app.name, DONE[outcome.status]);
    return outcome;
  };
  const show = { quiet: flags.quiet === true, signal: interrupted.signal };
  const outcomes = await showing(watched, show, () => inParallel(apps, flags.jobs, one));
  const by = interrupted.by();
  interrupted.done();
  process.exitCode =
    by === null ? Math.max(...outcomes.map(exitCodeOf)) : 128 + constants.signals[by];
  await tell(outcomes, apps, flags);
}

const ABOUT = `Makes or updates the profiles of the apps in sysieve.config.json, all or those named.
Each is started in a new container that is recorded from its first instruction, made
ready, put to its workload and stopped, until a run adds nothing new. The profile made
is proved, and the app is started again under it; only when nothing was denied that it
needs are profile and evidence written, and what changed is printed. One app that fails
leaves its old profile, and the other apps, alone.

Where its files can be read, what they can call and no run did is told, too, and kept in
the evidence. The profile is the same with and without; minimise.reach in the
configuration says otherwise.`;

export function register(program: Command): void {
  program
    .command('profile')
    .summary('make or update the profiles of the apps in sysieve.config.json')
    .description(ABOUT)
    .argument('[app...]', 'names in the configuration; all apps where none is given')
    .option('--config <file>', 'the configuration (sysieve.config.json)')
    .option('--jobs <number>', 'how many apps at a time', parseJobs, 2)
    .option('--keep-recordings <directory>', 'keep the recordings there, as APP.recording.json')
    .option(
      '--strict-stable',
      'fail, with status 5, where a limit ended a recording before it was stable',
    )
    .option('-q, --quiet', 'show no live view and no figures; the stages are told')
    .option('--json', 'print the outcome as JSON')
    .action(run);
}
