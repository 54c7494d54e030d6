/** `sysieve minimise REC… -o PROFILE`: recordings to a profile and the evidence beside it. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SysieveError } from '../errors';
import { checkDestination, readTextFile, sourceName, writeFileAtomic } from '../io';
import {
  type MinimiseResult,
  minimise,
  type PassReport,
  type RuntimeChoice,
  TIERS,
  type Tier,
} from '../minimise';
import {
  EVIDENCE_VERSION,
  type Evidence,
  parseEvidence,
  serializeEvidence,
  serializeProfile,
} from '../profile';
import { parseRecording, type Recording } from '../recording';
import { ABIS, type Abi } from '../tables';
import { BASELINES_DIRECTORY, loadBaselines } from './baselines';
import { emitJson, say, warn } from './output';

interface Flags {
  output: string;
  runtime: RuntimeChoice;
  baselines?: string;
  default: 'errno' | 'log' | 'kill';
  denyErrno?: number;
  allow?: string[];
  allowIncomplete?: boolean;
  args: Tier;
  portable?: boolean;
  arch?: Abi;
  without?: string[];
  explain?: boolean;
  json?: boolean;
}

function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('An empty name.');
  return items;
}

function parseRuntime(text: string, previous: RuntimeChoice | undefined): RuntimeChoice {
  const names = [...(Array.isArray(previous) ? (previous as string[]) : []), ...list(text)];
  const whole = names.find((name) => name === 'all' || name === 'none') as
    | 'all'
    | 'none'
    | undefined;
  if (whole === undefined) return names;
  if (names.length > 1) throw new InvalidArgumentError(`'${whole}' goes with no other name.`);
  return whole;
}

function parseErrno(text: string): number {
  const named = (constants.errno as Record<string, number>)[text];
  const number = named ?? (/^\d{1,4}$/.test(text) ? Number(text) : Number.NaN);
  if (!(number >= 1 && number <= 4095)) {
    throw new InvalidArgumentError('Neither the name of an errno nor a number from 1 to 4095.');
  }
  return number;
}

/** app.json → app.evidence.json */
function evidencePath(profilePath: string): string {
  return `${profilePath.replace(/\.json$/, '')}.evidence.json`;
}

async function readRecordings(paths: readonly string[]): Promise<Recording[]> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw new SysieveError('usage', 'usage', "'-' (standard input) can be read only once");
  }
  const recordings: Recording[] = [];
  for (const path of paths) {
    recordings.push(parseRecording(await readTextFile(path), sourceName(path)));
  }
  return recordings;
}

/** What people wrote into the evidence that is about to be rewritten. */
async function readJustifications(path: string | null): Promise<Record<string, string>> {
  if (path === null) return {};
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return {};
    throw thrown;
  }
  return parseEvidence(text, path).justifications;
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
    throw new SysieveError('usage', 'usage', '--json and -o - both want standard output');
  }
  if (flags.denyErrno !== undefined && flags.default !== 'errno') {
    throw new SysieveError('usage', 'usage', '--deny-errno needs --default errno');
  }
  if (paths.some((path) => path !== '-' && resolve(path) === resolve(flags.output))) {
    throw new SysieveError('usage', 'usage', `the profile would overwrite ${flags.output}`);
  }
  // Both before anything is written: never a profile without its evidence.
  await checkDestination(flags.output);
  if (evidence !== null) await checkDestination(evidence);

  const recordings = await readRecordings(paths);
  const justifications = await readJustifications(evidence);
  const baselines =
    flags.runtime === 'none'
      ? []
      : await loadBaselines(flags.baselines ?? BASELINES_DIRECTORY, flags.baselines !== undefined);
  const result = minimise({
    recordings,
    baselines,
    options: {
      defaultAction: flags.default,
      denyErrno: flags.denyErrno ?? 1,
      allowIncomplete: flags.allowIncomplete === true,
      allow: flags.allow ?? [],
      justifications,
      runtimes: flags.runtime,
      args: flags.args,
      portable: flags.portable === true,
      arch: flags.arch ?? null,
      without: flags.without ?? [],
      unruled: [],
    },
  });

  if (evidence !== null) {
    const document: Evidence = {
      version: EVIDENCE_VERSION,
      calls: result.evidence,
      excluded: result.excluded,
      justifications,
    };
    await writeFileAtomic(evidence, serializeEvidence(document));
  }
  await writeFileAtomic(flags.output, serializeProfile(result.profile));

  if (flags.explain) explain(result.report);
  for (const { warnings } of result.report) for (const warning of warnings) warn(warning);
  const allowed = namesFor(result, 'SCMP_ACT_ALLOW');
  const answered = namesFor(result, 'SCMP_ACT_ERRNO');
  say(
    `${allowed.length} calls permitted, ${answered.length} answered with ENOSYS, ` +
      (evidence === null
        ? 'profile on standard output (no evidence file goes with it)'
        : `profile ${flags.output}, evidence ${evidence}`),
  );
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
    .option('--portable', 'add what another libc, kernel or architecture calls instead')
    .addOption(new Option('--arch <abi>', 'write for another architecture, by name').choices(ABIS))
    .option('--without <passes>', 'passes to leave out, by commas', list)
    .option('--allow-incomplete', 'take recordings that missed something')
    .option('--explain', 'say pass by pass what was added and removed, and why')
    .option('--json', 'print a summary as JSON')
    .action(run);
}
