/** `sysieve minimise REC… -o PROFILE`: recordings to a profile and the evidence beside it. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SysieveError } from '../errors';
import { checkDestination, evidencePath, writeFileAtomic } from '../io';
import {
  type EngineDefaults,
  type MinimiseOptions,
  type MinimiseResult,
  type PassReport,
  REACHES,
  type ReachChoice,
  type RuntimeChoice,
  TIERS,
  type Tier,
} from '../minimise';
import { saturation, saturationText } from '../saturation';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { costsOf } from '../staging/compiled';
import {
  checkProfileDestination,
  makeProfile,
  readJustifications,
  writeProfile,
} from '../staging/make-profile';
import { reachableOf, reachBeside } from '../staging/reachable';
import { ABIS, type Abi } from '../tables';
import { parseCost, sayCosts } from './cost';
import { list, parseRuntime, readRecordings } from './files';
import { emitJson, say, warn } from './output';
import { proofJson, sayProof } from './proof';
import { stdoutTwice } from './streams';

interface Flags {
  output: string;
  runtime: RuntimeChoice;
  baselines?: string;
  default: 'errno' | 'log' | 'kill';
  denyErrno?: number;
  allow?: string[];
  allowIncomplete?: boolean;
  args: Tier;
  engineDefault?: EngineDefaults;
  portable?: boolean;
  reach: ReachChoice;
  arch?: Abi;
  maxCost?: number;
  without?: string[];
  explain?: boolean;
  json?: boolean;
}

function parseErrno(text: string): number {
  const named = (constants.errno as Record<string, number>)[text];
  const number = named ?? (/^\d{1,4}$/.test(text) ? Number(text) : Number.NaN);
  if (!(number >= 1 && number <= 4095)) {
    throw new InvalidArgumentError('expected the name of an errno or a number from 1 to 4095');
  }
  return number;
}

export function parseEngineDefault(text: string): EngineDefaults {
  if (text === 'none') return [];
  const match = /^(docker|podman)(?:@(\d[\w.+~-]*))?$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError(
      'expected none, docker or podman, the latter two with @VERSION or without',
    );
  return [{ engine: match[1] as 'docker' | 'podman', version: match[2] ?? null }];
}

function explain(report: readonly PassReport[]): void {
  for (const { pass, about, added, removed, notes } of report) {
    say(`${pass}: ${about}`);
    for (const change of added) say(`  + ${change.abi} ${change.name}: ${change.reason}`);
    for (const change of removed) say(`  - ${change.abi} ${change.name}: ${change.reason}`);
    for (const note of notes) say(`    ${note}`);
    if (added.length + removed.length + notes.length === 0) say('    nothing to do');
  }
}

function namesFor({ profile }: MinimiseResult, action: string): string[] {
  const rules = profile.syscalls.filter((rule) => rule.action === action);
  return [...new Set(rules.flatMap((rule) => rule.names))].sort();
}

async function run(paths: string[], flags: Flags): Promise<void> {
  const toStdout = flags.output === '-';
  const evidence = toStdout ? null : evidencePath(flags.output);
  if (toStdout && flags.json) {
    throw stdoutTwice();
  }
  if (flags.denyErrno !== undefined && flags.default !== 'errno') {
    throw new SysieveError('usage', 'usage', '--deny-errno needs --default errno');
  }
  if (paths.some((path) => path !== '-' && resolve(path) === resolve(flags.output))) {
    throw new SysieveError('usage', 'usage', `the profile would overwrite ${flags.output}`);
  }
  // Before anything is read or written.
  if (toStdout) await checkDestination(flags.output);
  else await checkProfileDestination(flags.output);

  const recording = await readRecordings(paths);
  const options: MinimiseOptions = {
    defaultAction: flags.default,
    denyErrno: flags.denyErrno ?? 1,
    allowIncomplete: flags.allowIncomplete === true,
    allow: flags.allow ?? [],
    justifications: toStdout ? {} : await readJustifications(flags.output),
    runtimes: flags.runtime,
    args: flags.args,
    engineDefaults: flags.engineDefault ?? null,
    portable: flags.portable === true,
    reach: flags.reach,
    reachable: flags.reach === 'none' ? [] : reachableOf(await reachBeside(paths), recording.runs),
    arch: flags.arch ?? null,
    without: flags.without ?? [],
    unruled: [],
  };
  const baselines =
    flags.runtime === 'none'
      ? []
      : await loadBaselines(flags.baselines ?? BASELINES_DIRECTORY, flags.baselines !== undefined);
  const made = makeProfile({ recording, baselines, options, maxCost: flags.maxCost }, warn);
  const { result, compiled, proof } = made;
  if (toStdout) await writeFileAtomic(flags.output, made.profileText);
  else await writeProfile(flags.output, made);

  if (flags.explain) explain(result.report);
  for (const { warnings } of result.report) for (const warning of warnings) warn(warning);
  if (!flags.explain) for (const note of proof.notes) warn(note);
  if (flags.explain) {
    if (compiled !== null) sayCosts(costsOf(result, recording.runs, compiled.runc.program));
    sayProof(proof);
  }
  const allowed = namesFor(result, 'SCMP_ACT_ALLOW');
  const answered = namesFor(result, 'SCMP_ACT_ERRNO');
  say(
    `${allowed.length} calls permitted, ${answered.length} answered with ENOSYS, ` +
      (evidence === null
        ? 'profile on standard output (no evidence file goes with it)'
        : `profile ${flags.output}, evidence ${evidence}`),
  );
  const seen = saturation(recording);
  if (seen.runs.length > 0) say(saturationText(seen));
  if (flags.explain) for (const note of seen.notes) say(`  ${note}`);
  if (flags.json) {
    await emitJson({
      profile: flags.output,
      evidence,
      defaultAction: result.profile.defaultAction,
      architectures: result.profile.architectures,
      allowed,
      answeredEnosys: answered,
      warnings: result.report.flatMap(({ warnings }) => warnings),
      passes: result.report,
      proof: proofJson(proof),
      saturation: seen,
    });
  }
}

export function register(program: Command): void {
  program
    .command('minimise')
    .alias('minimize')
    .description('make a least-privilege seccomp profile of recordings')
    .argument('<recording...>', "files that `sysieve record` wrote; '-': standard input")
    .requiredOption(
      '-o, --output <profile>',
      "where to write the profile, with NAME.evidence.json beside it; '-': standard output",
    )
    .option(
      '--runtime <names>',
      'runtimes to start under: all, none, or names like runc or runc@1.1.5, by commas',
      parseRuntime,
      'all',
    )
    .option('--baselines <directory>', 'runtime baselines to use instead of those of the package')
    .addOption(
      new Option('--default <action>', 'what a call gets that is not in the profile')
        .choices(['errno', 'log', 'kill'])
        .default('errno'),
    )
    .option('--deny-errno <errno>', 'name or number of that errno (default: EPERM)', parseErrno)
    .option(
      '--allow <calls>',
      'recorded calls to permit although denied or in risk tier 1 or 2, by commas',
      (text: string, previous?: string[]) => [...(previous ?? []), ...list(text)],
    )
    .addOption(
      new Option('--args <tier>', 'argument rules: none, safe (by kind) or strict (as seen)')
        .choices(TIERS)
        .default('safe'),
    )
    .option(
      '--engine-default <engine>',
      'leave out what this default filter refuses: none, docker or podman, with @VERSION or the ' +
        'newest known (default: that of the engine recorded)',
      parseEngineDefault,
    )
    .option('--portable', 'add what another libc, kernel or architecture calls instead')
    .addOption(
      new Option(
        '--reach <which>',
        'calls that no run made and the files of the program can make, as sysieve reach -o found ' +
          'them: none, report, likely (add those near its own code) or all',
      )
        .choices(REACHES)
        .default('none'),
    )
    .addOption(new Option('--arch <abi>', 'write for another architecture, by name').choices(ABIS))
    .option(
      '--max-cost <ns|percent>',
      'give up argument rules that cost more than this, in ns a second of the recorded load or in ' +
        'percent of a processor',
      parseCost,
    )
    .option('--without <passes>', 'passes to leave out, by commas', list)
    .option('--allow-incomplete', 'take recordings that missed something')
    .option('--explain', 'say pass by pass what was added and removed, and why')
    .option('--json', 'print a summary as JSON')
    .action(run);
}
