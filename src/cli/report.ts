/** `sysieve report FILE… -o report.html`: recordings and a profile as a page that people read. */

import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { ProfileSide, Side } from '../diff';
import { SysieveError } from '../errors';
import { checkDestination, readTextFile, sourceName, writeFileAtomic } from '../io';
import { DEFAULT_OPTIONS, type RuleCost } from '../minimise';
import { EVIDENCE_VERSION } from '../profile';
import { mergeRecordings, parseRecording, type Recording } from '../recording';
import type { Input } from '../report';
import type { MadeProfile } from '../staging/make-profile';
import { isRecording } from './files';
import { emitJson, say, warn } from './output';
import { exists, loadSide, SIDES } from './side';

interface Flags {
  output?: string;
  against?: string;
  default: string;
  title?: string;
  json?: true;
}

interface Given {
  recording: Recording | null;
  profile: Side | null;
}

const LIVE = /^(?:container|pod|pid|default):/s;

/** The text of a file or of standard input; null: the name is for `loadSide` alone. */
async function textOf(spec: string): Promise<string | null> {
  if (spec === '-') return readTextFile(spec);
  if (spec === '' || LIVE.test(spec)) return null;
  if (spec.includes(':') && !(await exists(spec))) return null;
  return readTextFile(spec);
}

async function profileOf(spec: string, text: string | null): Promise<Side> {
  if (spec !== '-' || text === null) return loadSide(spec);
  const { profileSide } = await import('./profile-side.js');
  const source = sourceName(spec);
  return profileSide({
    ...{ label: source, text, source, path: spec },
    evidence: null,
    withoutBase: false,
  });
}

async function read(specs: readonly string[]): Promise<Given> {
  const recordings: { recording: Recording; source: string }[] = [];
  let profile: { side: Side; spec: string } | null = null;
  for (const spec of specs) {
    const text = await textOf(spec);
    // YAML is for the profiles' reader.
    if (text !== null && /^\s*\{/.test(text) && isRecording(text)) {
      const source = sourceName(spec);
      recordings.push({ recording: parseRecording(text, source), source });
    } else if (profile === null) {
      profile = { side: await profileOf(spec, text), spec };
    } else {
      throw new SysieveError(
        'usage',
        'report-profiles',
        `${profile.spec} and ${spec} are both profiles`,
        { remedy: 'A report is of one profile; name the other with --against.' },
      );
    }
  }
  const sources = recordings.map(({ source }) => source);
  return {
    recording:
      recordings.length === 0
        ? null
        : mergeRecordings(
            recordings.map(({ recording }) => recording),
            sources,
          ),
    profile: profile?.side ?? null,
  };
}

/** As `minimise` makes it without any option; a text: why there is none. */
async function make(recording: Recording): Promise<MadeProfile | string> {
  const { BASELINES_DIRECTORY, loadBaselines } = await import('../staging/baselines.js');
  const { makeProfile } = await import('../staging/make-profile.js');
  const baselines = await loadBaselines(BASELINES_DIRECTORY, false);
  try {
    return makeProfile({ recording, baselines, options: DEFAULT_OPTIONS }, () => undefined);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind === 'defect') throw thrown;
    return thrown.message;
  }
}

function sideOf({ result, profileText }: MadeProfile): ProfileSide {
  const { profile, evidence, excluded } = result;
  return {
    kind: 'profile',
    label: 'the profile that minimise makes of it',
    notes: [],
    profile: { format: 'oci', value: profile },
    engine: null,
    text: profileText,
    places: () => null,
    evidence: { version: EVIDENCE_VERSION, calls: evidence, excluded, justifications: {} },
  };
}

/** A text: why they are not known. */
async function costsOf(
  { recording, profile }: Given,
  made: MadeProfile | null,
): Promise<readonly RuleCost[] | string> {
  const oci = made?.result.profile ?? ociOf(profile);
  if (recording === null) return 'there is no recorded load to count it on';
  if (oci === null) return 'the profile is no plain OCI profile, which alone is compiled here';
  const { compileForBoth, costsOf: count } = await import('../staging/compiled.js');
  try {
    const { runc } = made?.compiled ?? compileForBoth(oci);
    return count({ profile: oci }, recording.runs, runc.program);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind === 'defect') throw thrown;
    return `no filter can be compiled here: ${thrown.message}`;
  }
}

function ociOf(side: Side | null) {
  return side?.kind === 'profile' && side.profile.format === 'oci' ? side.profile.value : null;
}

/** By engine and version: "the default of Docker 29.7.2". */
async function standardOf(name: string): Promise<Input['standard'] & { notes: readonly string[] }> {
  const side = await loadSide(`default:${name}`);
  const engine = /^docker/.test(name) ? 'Docker' : 'Podman';
  const { gatedDefault } = await import('../profile/index.js');
  const at = name.indexOf('@');
  const found = gatedDefault(
    engine === 'Docker' ? 'docker' : 'podman',
    at === -1 ? undefined : name.slice(at + 1),
  );
  const common = engine === 'Podman' && /^0\./.test(found.version);
  const version = common ? `(containers/common ${found.version})` : found.version;
  return { side, label: `the default of ${engine} ${version}`, notes: side.notes };
}

async function run(specs: string[], flags: Flags): Promise<void> {
  const output = flags.output ?? (flags.json ? null : 'report.html');
  if (output === '-' && flags.json) {
    throw new SysieveError('usage', 'usage', '--json and -o - both want standard output');
  }
  const named = [...specs, ...(flags.against === undefined ? [] : [flags.against])];
  if (named.filter((spec) => spec === '-').length > 1) {
    throw new SysieveError('usage', 'usage', "'-' (standard input) can be read only once");
  }
  if (output !== null) {
    if (named.some((spec) => spec !== '-' && resolve(spec) === resolve(output))) {
      throw new SysieveError('usage', 'usage', `the report would overwrite ${output}`);
    }
    await checkDestination(output);
  }
  const given = await read(specs);
  const standard = await standardOf(flags.default);
  const against = flags.against === undefined ? null : await loadSide(flags.against);
  const made =
    given.profile === null && given.recording !== null ? await make(given.recording) : null;
  const refused = typeof made === 'string' ? made : null;
  const minimised = typeof made === 'string' ? null : made;
  const side = minimised === null ? given.profile : sideOf(minimised);
  if (side === null && against !== null) {
    throw new SysieveError(
      'incomplete',
      'report-without-profile',
      'there is no profile to compare',
      {
        ...(refused === null ? {} : { cause: refused }),
        remedy: 'Give a profile beside the recording.',
      },
    );
  }
  const costs = await costsOf(given, minimised);
  const { packageVersion } = await import('./version.js');
  const { page, reportOf } = await import('../report/index.js');
  const model = reportOf({
    tool: { name: 'sysieve', version: packageVersion() },
    title: flags.title ?? null,
    sources: specs.map(sourceName),
    recording: given.recording,
    profile: side === null ? null : { side, origin: given.profile === null ? 'made' : 'given' },
    withoutProfile: refused,
    standard,
    against,
    costs,
    notes: [...(side?.notes ?? []), ...standard.notes],
  });
  if (refused !== null) warn(`no profile is made of it: ${refused}`);
  if (output !== null) {
    await writeFileAtomic(output, page(model));
    if (output !== '-') say(`report: ${output}`);
  }
  if (flags.json) await emitJson(model);
}

function engine(text: string): string {
  if (!/^(?:docker|podman)(?:@\d[\w.+~-]*)?$/.test(text)) {
    throw new InvalidArgumentError('docker or podman, with @VERSION or without.');
  }
  return text;
}

const ABOUT = `Write one HTML page on recordings, a profile, or both: what may pass beside an engine's
default, which risky calls and CVEs are closed, what argument rules say and cost, who
calls what and when, what was denied, how the calls came to be known, and what the
recordings missed. Of several recordings: their union. Of recordings alone the profile
is the one that minimise makes of them without any option.

The page needs nothing else: no network, and no script but for search and sorting.

A profile: ${SIDES}.`;

export function register(program: Command): void {
  program
    .command('report')
    .summary('write recordings and a profile as a page to read')
    .description(ABOUT)
    .argument('<file...>', "recordings, and at most one profile; '-': standard input")
    .option(
      '-o, --output <file>',
      "where to write the page; '-': standard output (default: report.html, none with --json)",
    )
    .option('--against <profile>', 'another profile: what changed from it to this one')
    .option(
      '--default <engine>',
      'the default to hold it against: docker or podman, with @VERSION or the newest known',
      engine,
      'docker',
    )
    .option('--title <text>', 'the heading of the page')
    .option('--json', 'print what the page says as JSON')
    .action(run);
}
