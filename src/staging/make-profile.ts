/** Recordings to a proved profile with its evidence, and both to their files: one way for all commands. */
import { SysieveError } from '../errors';
import { checkDestination, evidencePath, readTextFile, writeFilesAtomic } from '../io';
import {
  type Baseline,
  giveUp,
  type MinimiseOptions,
  type MinimiseResult,
  minimise,
  selectBaselines,
} from '../minimise';
import { EVIDENCE_VERSION, parseEvidence, serializeEvidence, serializeProfile } from '../profile';
import type { Recording } from '../recording';
import { type Proof, prove } from '../verify';
import {
  compileForBoth,
  compileIfPossible,
  costsOf,
  type Filters,
  findingText,
  machineOf,
} from './compiled';

export interface MakeInput {
  readonly recording: Recording;
  readonly baselines: readonly Baseline[];
  readonly options: MinimiseOptions;
  /** Rules that take more than so many ns a second of the recorded load are given up. */
  readonly maxCost?: number | undefined;
}

export interface MadeProfile {
  readonly result: MinimiseResult;
  readonly proof: Proof;
  /** null: this machine cannot compile filters. */
  readonly compiled: Filters | null;
  readonly profileText: string;
  readonly evidenceText: string;
}

/** Nothing is written that does not hold. */
function refuseUnproved(proof: Proof, without: readonly string[]): void {
  // Without this pass ABIs are listed that nothing was recorded under, as was asked for.
  const minimal = proof.minimal || without.includes('architectures');
  if (proof.sufficient && minimal) return;
  throw new SysieveError(
    'defect',
    'proof-failed',
    'the profile made does not prove, so none is written',
    {
      cause: proof.findings.map(findingText).join(' | '),
      remedy: 'Please report this with the recordings: minimise should never make such a profile.',
    },
  );
}

/** Minimises, and once more without the rules that cost more than was asked for. */
function withinCost(
  { recording, baselines, options, maxCost }: MakeInput,
  onWarning: (text: string) => void,
): { result: MinimiseResult; compiled: Filters | null } {
  const input = { recordings: [recording], baselines, options };
  const result = minimise(input);
  if (maxCost === undefined) {
    return { result, compiled: compileIfPossible(result.profile, onWarning) };
  }
  const compiled = compileForBoth(result.profile);
  const costs = costsOf(result, recording.runs, compiled.runc.program);
  const unruled = giveUp(costs, maxCost);
  if (unruled.length === 0) return { result, compiled };
  for (const name of unruled) {
    const cost = costs.find((c) => c.name === name)?.nsPerSecond ?? 0;
    onWarning(
      `--max-cost: ${name} is permitted with every argument (its rule: ${cost.toFixed(0)} ns a second)`,
    );
  }
  const cheaper = minimise({ ...input, options: { ...options, unruled } });
  return { result: cheaper, compiled: compileForBoth(cheaper.profile) };
}

/** Throws a SysieveError for what minimise refuses, and for a profile that does not prove. */
export function makeProfile(input: MakeInput, onWarning: (text: string) => void): MadeProfile {
  const { recording, baselines, options } = input;
  const { result, compiled } = withinCost(input, onWarning);
  const { profile, evidence, excluded } = result;
  const proof = prove({
    profile,
    evidence: { calls: evidence, excluded },
    runs: recording.runs,
    baselines: selectBaselines(baselines, options.runtimes),
    machine: machineOf(profile),
    compiled,
  });
  refuseUnproved(proof, options.without);
  const { justifications } = options;
  return {
    result,
    proof,
    compiled,
    profileText: serializeProfile(profile),
    evidenceText: serializeEvidence({
      version: EVIDENCE_VERSION,
      calls: evidence,
      excluded,
      unseen: result.unseen,
      justifications,
    }),
  };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

/** What people wrote into the evidence beside a profile that is about to be rewritten. */
export async function readJustifications(profilePath: string): Promise<Record<string, string>> {
  const path = evidencePath(profilePath);
  const text = await readIfThere(path);
  return text === null ? {} : parseEvidence(text, path).justifications;
}

/** Whether both files can be written; before the work, and never a profile without its evidence. */
export async function checkProfileDestination(profilePath: string): Promise<void> {
  await checkDestination(profilePath);
  await checkDestination(evidencePath(profilePath));
}

/** Both files or neither, as far as a file system can do that. */
export async function writeProfile(profilePath: string, made: MadeProfile): Promise<void> {
  await writeFilesAtomic([
    { path: evidencePath(profilePath), data: made.evidenceText },
    { path: profilePath, data: made.profileText },
  ]);
}
