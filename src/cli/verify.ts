/** `sysieve verify PROFILE --recording R…`: is the profile sufficient and minimal? */
import type { Command } from 'commander';
import { EXIT, SysieveError } from '../errors';
import { evidencePath, readTextFile, sourceName } from '../io';
import { type RuntimeChoice, selectBaselines } from '../minimise';
import { type Evidence, parseEvidence, parseProfile } from '../profile';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { compileForBoth, machineOf } from '../staging/compiled';
import { prove } from '../verify';
import { parseRuntime, readRecordings } from './files';
import { emitJson, warn } from './output';
import { proofJson, sayProof } from './proof';

interface Flags {
  recording: string[];
  evidence?: string;
  runtime: RuntimeChoice;
  baselines?: string;
  json?: boolean;
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

async function run(file: string, flags: Flags): Promise<void> {
  const profile = parseProfile(await readTextFile(file), sourceName(file));
  const { runs } = await readRecordings(flags.recording);
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

export function register(program: Command): void {
  program
    .command('verify')
    .description(
      'prove that a profile lets all pass that was recorded, and nothing without a reason',
    )
    .argument('<profile>', "OCI seccomp profile, with its evidence beside it; '-': standard input")
    .requiredOption('--recording <file...>', "what `sysieve record` wrote; '-': standard input")
    .option('--evidence <file>', 'the evidence, where it does not lie beside the profile')
    .option(
      '--runtime <names>',
      'runtimes whose needs account for calls: all, none, or names, by commas',
      parseRuntime,
      'all',
    )
    .option('--baselines <directory>', 'runtime baselines to use instead of those of the package')
    .option('--json', 'print the verdicts and counter-examples as JSON')
    .action(run);
}
