/** `sysieve verify PROFILE`: is it sufficient and minimal for recordings; does it do in a real run? */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, SysieveError } from '../errors';
import { evidencePath, readTextFile, sourceName } from '../io';
import { selectBaselines, TIERS } from '../minimise';
import { type Evidence, parseEvidence, parseProfile } from '../profile';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { compileForBoth, machineOf } from '../staging/compiled';
import { prove } from '../verify';
import { list, parseRuntime, readRecordings } from './files';
import { parseEngineDefault } from './minimise';
import { emitJson, warn } from './output';
import { proofJson, sayProof } from './proof';
import { parseDuration } from './units';
import type { LiveFlags } from './verify-live';

interface Flags extends LiveFlags {
  recording?: string[];
}

/** The file beside the profile, unless another is named; null and a loud line where there is none. */
async function readEvidence(profile: string, named: string | undefined): Promise<Evidence | null> {
  const path = named ?? (profile === '-' ? null : evidencePath(profile));
  if (path === null) return null;
  try {
    return parseEvidence(await readTextFile(path), path);
  } catch (thrown) {
    const missing = thrown instanceof SysieveError && thrown.code === 'file-missing';
    if (!missing || named !== undefined) throw thrown;
    warn(`no evidence beside the profile (${path}): only recordings and baselines count`);
    return null;
  }
}

async function proveRecorded(file: string, recordings: string[], flags: Flags): Promise<void> {
  const profile = parseProfile(await readTextFile(file), sourceName(file));
  const { runs } = await readRecordings(recordings);
  const evidence = await readEvidence(file, flags.evidence);
  const baselines =
    flags.runtime === 'none'
      ? []
      : await loadBaselines(flags.baselines ?? BASELINES_DIRECTORY, flags.baselines !== undefined);
  const proof = prove({
    profile,
    evidence,
    runs,
    baselines: selectBaselines(baselines, flags.runtime),
    machine: machineOf(profile),
    compiled: compileForBoth(profile),
  });
  sayProof(proof);
  if (flags.json) await emitJson(proofJson(proof));
  if (!proof.sufficient || !proof.minimal) process.exitCode = EXIT.check;
}

async function run(named: string | undefined, command: string[], flags: Flags): Promise<void> {
  const { profileOfTarget, targetOf, verifyLive } = await import('./verify-live.js');
  const target = await targetOf(flags, command);
  const file = named ?? profileOfTarget(target);
  if (file === null) {
    throw new SysieveError('usage', 'usage', 'no profile is named', {
      remedy:
        flags.recording === undefined
          ? 'Give one; only --app knows its own.'
          : 'Give one before --recording, which takes all names behind it.',
    });
  }
  const { recording } = flags;
  if (target !== null) {
    const evidence = flags.repair === true ? await readEvidence(file, flags.evidence) : null;
    const { runs } = recording === undefined ? { runs: [] } : await readRecordings(recording);
    return verifyLive(file, target, { evidence, runs }, flags);
  }
  if (recording === undefined) {
    throw new SysieveError('usage', 'target-missing', 'nothing to verify the profile with', {
      remedy: 'Give --recording FILE, or a real run: --app, --container, --image, or -- COMMAND.',
    });
  }
  if (flags.repair === true) {
    throw new SysieveError('usage', 'repair-without-run', '--repair needs a real run', {
      remedy:
        'Give --app, --container, --image, or -- COMMAND; of recordings, minimise makes profiles.',
    });
  }
  return proveRecorded(file, recording, flags);
}

function parseRounds(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1) {
    throw new InvalidArgumentError('expected a number from 1 to 999');
  }
  return Number(text);
}

export function register(program: Command): void {
  program
    .command('verify')
    .summary('prove a profile on recordings, or try it in a real run and repair it')
    .description(
      'With --recording: prove that a profile lets all pass that was recorded, and nothing without a\n' +
        'reason. With -- COMMAND, --image, --container or --app: run for real under the profile and name each\n' +
        'call that it denied; status 1 when one was, but for those it answers ENOSYS itself. Needs eBPF.',
    )
    .argument('[profile]', "OCI seccomp profile, with its evidence beside it; '-': standard input")
    .argument('[command...]', "a command to run under it, or the image's; put -- before it")
    .option('--recording <file...>', "what `sysieve record` wrote; '-': standard input")
    .option(
      '--app <name>',
      'run an app of sysieve.config.json under it; the profile may be left out',
    )
    .option('--config <file>', 'with --app: another file than sysieve.config.json')
    .option('--container <name>', 'watch a container that runs under the profile, or is started')
    .option('--image <image>', 'run a container of it under the profile, and remove it')
    .option('--like <container>', "with --image: with this existing container's settings")
    .addOption(
      new Option('--engine <name>', 'whose container or image')
        .choices(['auto', 'docker', 'podman'])
        .default('auto'),
    )
    .option('--duration <time>', 'end the run after this time, e.g. 90s, 10m', parseDuration)
    .option('--repair', 'fold what was denied into the profile, prove it, and run again')
    .option(
      '--allow <calls>',
      "with --repair: calls that may enter although in risk tier 1 or 2, beyond the engine's " +
        'default, or with unknown arguments',
      (text: string, previous: string[]) => [...previous, ...list(text)],
      [] as string[],
    )
    .addOption(
      new Option('--args <tier>', 'with --repair: argument rules, as minimise has them')
        .choices(TIERS)
        .default('safe'),
    )
    .option(
      '--engine-default <engine>',
      'with --repair: the default filter to stay within, as minimise has it',
      parseEngineDefault,
    )
    .option('--max-rounds <number>', 'with --repair: at most so many runs', parseRounds, 10)
    .option('--dry-run', 'with --repair: write nothing')
    .addOption(
      new Option('--tracer <name>', 'how calls are seen')
        .choices(['auto', 'ebpf', 'ptrace', 'notify'])
        .default('auto')
        .hideHelp(),
    )
    .option('--evidence <file>', 'the evidence, where it does not lie beside the profile')
    .option(
      '--runtime <names>',
      'runtimes whose needs account for calls: all, none, or names, by commas',
      parseRuntime,
      'all',
    )
    .option('--baselines <directory>', 'runtime baselines to use instead of those of the package')
    .option('--json', 'print the verdict as JSON')
    .action(run);
}
