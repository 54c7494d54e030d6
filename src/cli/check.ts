/** `sysieve check [APP…]`: does the committed profile still fit the app? */
import { constants } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { judge } from '../check';
import { EXIT, SysieveError } from '../errors';
import { checkDestination, sourceName, writeFileAtomic } from '../io';
import type { Finding, Report } from '../review';
import { type CheckOutcome, checkApp } from '../staging/check-app';
import { CONFIG_FILE, readConfig, selectApps } from '../staging/config-file';
import { inParallel } from '../staging/jobs';
import type { NamedApp } from '../staging/types';
import { type AppReport, CHECK_FORMATS, type CheckFormat, checkReport } from './check-reports';
import { readRecordings } from './files';
import { showing, WatchedApps } from './live/apps';
import { interruptible, parseJobs } from './profile';
import { screenOf, waived } from './review';

interface Flags {
  config?: string;
  recording?: string[];
  maxUnused?: number;
  update?: true;
  waivers?: string;
  jobs: number;
  format?: CheckFormat;
  json?: true;
  quiet?: true;
  output: string;
}

function parseCount(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('expected a number from 0 to 99999');
  return Number(text);
}

function formatOf({ format, json }: Flags): CheckFormat {
  if (json === true && format !== undefined && format !== 'json') {
    throw new SysieveError('usage', 'usage', `--json and --format ${format} exclude each other`);
  }
  return json === true ? 'json' : (format ?? 'terminal');
}

/** What CI writes nobody reviews, and a check that mends what it finds never fails. */
function refuseInCi(): void {
  if ((process.env.CI ?? '') === '') return;
  throw new SysieveError('usage', 'update-in-ci', '--update is not for CI (CI is set)', {
    remedy: 'Run it where the change is reviewed before it is committed.',
  });
}

async function withWaivers(
  findings: readonly Finding[],
  flags: Flags,
): Promise<Pick<Report, 'findings' | 'notes'>> {
  const empty: Report = {
    subject: 'check',
    before: null,
    after: '',
    verdict: null,
    headlines: [],
    contexts: [],
    cves: { opens: [], closes: [] },
    findings,
    notes: [],
  };
  return waived(empty, flags.waivers === undefined ? {} : { waivers: flags.waivers });
}

async function reportOn(outcome: CheckOutcome, flags: Flags): Promise<AppReport> {
  const { name, compared, error, updated } = outcome;
  if (compared === null) {
    return { outcome, judged: null, notes: [], passed: error === null && updated !== null };
  }
  const { missing, unused } = compared;
  const known = await withWaivers([...missing, ...unused], flags);
  const judged = judge(
    name,
    {
      missing: known.findings.slice(0, missing.length),
      unused: known.findings.slice(missing.length),
      notes: compared.notes,
    },
    flags.maxUnused ?? null,
  );
  if (updated === null || error !== null) {
    return { outcome, judged, notes: known.notes, passed: error === null && judged.passed };
  }
  // They are about the profile that was there before.
  const past = (findings: readonly Finding[]) =>
    findings.map((one): Finding => ({ ...one, severity: 'note' }));
  const settled = { ...judged, missing: past(judged.missing), findings: past(judged.findings) };
  return { outcome, judged: settled, notes: known.notes, passed: true };
}

function statusOf(reports: readonly AppReport[]): number {
  const errors = reports.flatMap(({ outcome: { error } }) => {
    if (error === null) return [];
    return [error instanceof SysieveError ? error.exitCode : EXIT.defect];
  });
  if (reports.some(({ passed, outcome }) => !passed && outcome.error === null)) return EXIT.check;
  return Math.max(EXIT.done, ...errors);
}

async function run(names: string[], flags: Flags): Promise<void> {
  const format = formatOf(flags);
  if (flags.update) refuseInCi();
  const file = await readConfig(flags.config);
  const apps = selectApps(file, names);
  if (flags.recording !== undefined && apps.length !== 1) {
    throw new SysieveError(
      'usage',
      'usage',
      '--recording is about one app, and there are several',
      {
        remedy: 'Name the app that was recorded.',
      },
    );
  }
  await checkDestination(flags.output);
  const recording = flags.recording === undefined ? null : await readRecordings(flags.recording);
  const interrupted = interruptible();
  const watched = new WatchedApps(
    'check',
    apps.map(({ name }) => name),
  );
  const hooks = watched.hooks(interrupted.signal);
  const config = sourceName(file.path);
  const options = { recording, update: flags.update === true, config };
  const one = async (app: NamedApp): Promise<CheckOutcome> => {
    const outcome = await checkApp(app, options, hooks);
    watched.done(app.name, outcome.error === null ? 'done: compared with its profile' : 'failed');
    return outcome;
  };
  const show = { quiet: flags.quiet === true, signal: interrupted.signal };
  const outcomes = await showing(watched, show, () => inParallel(apps, flags.jobs, one));
  const by = interrupted.by();
  interrupted.done();
  const reports: AppReport[] = [];
  for (const outcome of outcomes) reports.push(await reportOn(outcome, flags));
  // Before it is printed: whoever reads only the first lines ends that.
  process.exitCode = by === null ? statusOf(reports) : 128 + constants.signals[by];
  const screen = flags.output === '-' ? screenOf(process.stdout) : { columns: 80, colour: false };
  await writeFileAtomic(flags.output, checkReport(reports, format, { config, screen }));
}

const ABOUT = `Records the apps of ${CONFIG_FILE} anew, all or those named, as \`sysieve profile\`
does, and compares what each needs with its committed profile. Fails, with status 1, where
an app needs more than its profile permits: each such call is named with who made it, its
arguments and phase. What the profile permits beyond need is told, and fails the check only
above --max-unused. Need is what minimise makes of the recording with the app's options.
What its files can call and no run did is a note, and no reason to fail.

Accepted findings go into sysieve.waivers.json, by fingerprint, as for diff and lint.`;

export function register(program: Command): void {
  program
    .command('check')
    .summary('fail where an app needs more than its committed profile permits')
    .description(ABOUT)
    .argument('[app...]', 'names in the configuration; all apps where none is given')
    .option('--config <file>', `the configuration (${CONFIG_FILE})`)
    .option('--recording <file...>', 'compare these recordings of one app, and record nothing')
    .option(
      '--max-unused <number>',
      'fail where a profile permits more calls than so many beyond need',
      parseCount,
    )
    .option(
      '-u, --update',
      'write the profile and evidence made of the recording; refused where CI is set',
    )
    .option(
      '--waivers <file>',
      'findings that were accepted (sysieve.waivers.json, if there is one)',
    )
    .option('--jobs <number>', 'how many apps at a time', parseJobs, 2)
    .addOption(
      new Option('--format <format>', 'how it is reported (terminal)').choices(CHECK_FORMATS),
    )
    .option('-q, --quiet', 'show no live view and no figures; the stages are told')
    .option('--json', 'the same as --format json')
    .option('-o, --output <file>', "where the report is written; '-': standard output", '-')
    .action(run);
}
