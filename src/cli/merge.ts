/** `sysieve merge A B… -o OUT`: recordings to one recording, or profiles to their union. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SysieveError } from '../errors';
import {
  checkDestination,
  evidencePath,
  readTextFile,
  sourceName,
  writeFileAtomic,
  writeFilesAtomic,
} from '../io';
import { mergeEvidence, mergeProfiles } from '../merge';
import {
  type Evidence,
  parseEvidence,
  parseProfile,
  serializeEvidence,
  serializeProfile,
} from '../profile';
import { mergeRecordings, parseRecording, serializeRecording } from '../recording';
import { isRecording } from './files';
import { emitJson, say } from './output';
import { stdinTwice, stdoutTwice } from './streams';

interface Flags {
  output: string;
  json?: true;
}

interface Input {
  path: string;
  source: string;
  text: string;
}

async function readInputs(paths: readonly string[]): Promise<Input[]> {
  if (paths.filter((path) => path === '-').length > 1) {
    throw stdinTwice();
  }
  const inputs: Input[] = [];
  for (const path of paths) {
    inputs.push({ path, source: sourceName(path), text: await readTextFile(path) });
  }
  return inputs;
}

async function recordings(inputs: readonly Input[], flags: Flags): Promise<void> {
  const parsed = inputs.map(({ text, source }) => parseRecording(text, source));
  const merged = mergeRecordings(
    parsed,
    inputs.map(({ source }) => source),
  );
  await writeFileAtomic(flags.output, serializeRecording(merged));
  say(`${merged.runs.length} runs of ${inputs.length} recordings: ${flags.output}`);
  if (flags.json) {
    await emitJson({
      kind: 'recording',
      output: flags.output,
      runs: merged.runs.map(({ id }) => id),
    });
  }
}

/** The evidence beside a profile; null: there is none. */
async function readEvidence({ path }: Input): Promise<Evidence | null> {
  if (path === '-') return null;
  const beside = evidencePath(path);
  try {
    return parseEvidence(await readTextFile(beside), beside);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

async function profiles(inputs: readonly Input[], flags: Flags): Promise<void> {
  const { profile, denials, notes } = mergeProfiles(
    inputs.map(({ text, source }) => ({ source, profile: parseProfile(text, source) })),
  );
  const found: Evidence[] = [];
  const without: string[] = [];
  for (const input of inputs) {
    const evidence = await readEvidence(input);
    if (evidence === null) without.push(input.source);
    else found.push(evidence);
  }
  const evidence = flags.output === '-' || found.length === 0 ? null : evidencePath(flags.output);
  const text = serializeProfile(profile);
  if (evidence === null) await writeFileAtomic(flags.output, text);
  else {
    await writeFilesAtomic([
      { path: evidence, data: serializeEvidence(mergeEvidence(found)) },
      { path: flags.output, data: text },
    ]);
  }
  for (const { name, answer, sources, kept } of denials) {
    say(`${kept ? 'kept' : 'given up'}: ${name} ${answer}, said by ${sources.join(', ')}`);
  }
  for (const note of notes) say(note);
  if (found.length > 0 && without.length > 0) say(`no evidence beside ${without.join(', ')}`);
  say(
    `${inputs.length} profiles, union proved: ${flags.output}` +
      (evidence === null ? '' : `, evidence ${evidence}`),
  );
  if (flags.json) {
    await emitJson({ kind: 'profile', output: flags.output, evidence, denials, notes, without });
  }
}

async function run(paths: string[], flags: Flags): Promise<void> {
  if (flags.output === '-' && flags.json) {
    throw stdoutTwice();
  }
  await checkDestination(flags.output);
  const inputs = await readInputs(paths);
  const [first] = inputs.filter(({ text }) => isRecording(text));
  const other = inputs.find((input) => !isRecording(input.text));
  if (first !== undefined && other !== undefined) {
    // What is neither is told as that.
    for (const { text, source } of inputs) {
      if (isRecording(text)) parseRecording(text, source);
      else parseProfile(text, source);
    }
    throw new SysieveError(
      'input',
      'merge-mixed',
      `${first.source} is a recording and ${other.source} a profile`,
      { remedy: 'Merge recordings with recordings, or profiles with profiles.' },
    );
  }
  const overwritten = inputs.find(
    ({ path }) => path !== '-' && resolve(path) === resolve(flags.output),
  );
  if (overwritten !== undefined && other !== undefined) {
    throw new SysieveError('usage', 'usage', `the merged profile would overwrite ${flags.output}`);
  }
  await (other === undefined ? recordings(inputs, flags) : profiles(inputs, flags));
}

export function register(program: Command): void {
  program
    .command('merge')
    .summary('merge recordings, or profiles into the union of what they permit')
    .description(
      'Of recordings: the set of their runs; order and repetition change nothing.\n' +
        'Of profiles: one OCI profile that permits exactly what any of them does, proved under runc\n' +
        'and crun, and their evidence merged beside it. What no OCI profile can say is refused.',
    )
    .argument('<file...>', "recordings, or OCI profiles; '-': standard input")
    .requiredOption('-o, --output <file>', "where to write the result; '-': standard output")
    .option('--json', 'print a summary as JSON')
    .action(run);
}
