/** `sysieve export PROFILE… --to FORMAT`: profiles in the format of a platform or of another tool. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SysieveError } from '../errors';
import {
  type Compiler,
  checkLabel,
  EXPORT_FORMATS,
  type ExportFormat,
  type ExportOptions,
  type NamedProfile,
  nameOfFile,
  type Profiles,
} from '../export';
import { readTextFile, sourceName } from '../io';
import { parseProfile } from '../profile';
import { MACHINES } from '../tables';
import { items } from './context-flags';
import { checkUsage, type FormatFlags, formatNamed, formatsHelp, optionsGiven } from './formats';
import { emitJson, say } from './output';
import { placeFiles, writePlaced } from './result-files';

interface Flags extends ExportOptions, FormatFlags {
  to: string;
  name?: string;
}

function bytes(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A number of bytes.');
  return Number(text);
}

/** Those that belong to formats, each with the formats that read it in its help. */
const OPTIONS: readonly Option[] = [
  new Option('--runtime <runtime>', 'the runtime that will read it, where not both must').choices([
    'runc',
    'crun',
  ]),
  new Option('--arch <machine>', 'the machine that it is for').choices(MACHINES),
  new Option('--object-name <name>', 'the name of the object or unit made'),
  new Option('--role <names>', 'machine config pools, by commas (default: worker)').argParser(
    items,
  ),
  new Option(
    '--ignition <version>',
    "the version of Ignition's configuration (default: 3.2)",
  ).choices(['3.2', '3.4']),
  new Option('--gzip-above <bytes>', 'compress profiles larger than this').argParser(bytes),
  new Option('--node-disruption', 'add a policy by which the nodes are not rebooted for it'),
  new Option('--directory <path>', "where it lies below the platform's directory of profiles"),
  new Option('--root <path>', "the platform's directory of profiles"),
  new Option('--namespace <name>', 'of the objects made'),
  new Option('--api-version <version>', 'of the object').choices(['v1', 'v1beta1']),
  new Option('--workload <kind/name>', 'what a patch is for, for example deployment/web'),
  new Option('--container <names>', 'the containers or services it is for, by commas').argParser(
    items,
  ),
  new Option('--patch <kind>', 'the kind of patch').choices(['strategic', 'kustomize']),
  new Option('--place <how>', 'add what brings the profile to the nodes').choices(['configmap']),
  new Option('--image <name>', 'the image of the unit or service'),
  new Option('--artifact <reference>', 'the OCI artifact that holds the profile'),
  new Option('--engine-version <version>', 'of the engine that will read it'),
  new Option('--syntax <syntax>', 'of objects (default: yaml)').choices(['yaml', 'json']),
  new Option(
    '--drop-arguments',
    'permit with all arguments what has a rule about them; each is said',
  ),
  new Option(
    '--systemd-groups <file>',
    "what 'systemd-analyze syscall-filter' prints where the unit will be loaded: groups for calls",
  ),
];

/** What a format needs beside what was given on the command line. */
async function completed(options: ExportOptions, format: ExportFormat): Promise<ExportOptions> {
  const { systemdGroups } = options;
  return {
    ...options,
    ...(systemdGroups === undefined ? {} : { systemdGroups: await readTextFile(systemdGroups) }),
    ...(format.compiles === true ? { compiler: await loadCompiler() } : {}),
  };
}

/** Loaded where it is needed: other formats are made without libseccomp. */
async function loadCompiler(): Promise<Compiler> {
  const { compile, pseudoCode } = await import('../libseccomp/index.js');
  return (profile) => {
    const { program, skipped, stub } = compile(profile);
    return { program, stub, skipped, pseudoCode: pseudoCode(profile), flags: profile.flags ?? [] };
  };
}

function named(path: string, text: string, name: string | undefined): NamedProfile {
  const source = sourceName(path);
  const remedy = 'Give one with --name: lower-case letters, digits and -, at most 63.';
  if (name === undefined && path === '-') {
    throw new SysieveError('usage', 'usage', 'a profile from standard input has no name', {
      remedy,
    });
  }
  return {
    name: checkLabel('name for a profile', name ?? nameOfFile(source), remedy),
    source,
    text,
    profile: parseProfile(text, source),
  };
}

async function readProfiles(paths: readonly string[], name: string | undefined): Promise<Profiles> {
  if (name !== undefined && paths.length > 1) {
    throw new SysieveError('usage', 'usage', '--name names one profile, and there are several', {
      remedy: 'Leave --name out: several are named by their files.',
    });
  }
  const made: NamedProfile[] = [];
  for (const path of paths) {
    const profile = named(path, await readTextFile(path), name);
    const same = made.find((other) => other.name === profile.name);
    if (same !== undefined) {
      throw new SysieveError(
        'input',
        'name-taken',
        `${same.source} and ${profile.source} would both be named ${profile.name}`,
        { remedy: 'Name the files apart.' },
      );
    }
    made.push(profile);
  }
  return made as unknown as Profiles;
}

async function run(paths: string[], flags: Flags): Promise<void> {
  const format = formatNamed(EXPORT_FORMATS, '--to', flags.to);
  const asked = `--to ${flags.to}`;
  checkUsage(paths, format, flags, asked);
  const options = await completed(optionsGiven(format, OPTIONS, flags, asked), format);
  const profiles = await readProfiles(paths, flags.name);
  const emit = await format.load();
  const { files, notes } = emit(profiles, options);
  const placed = await placeFiles(files, flags.output, paths);
  await writePlaced(placed);
  for (const note of notes) say(note);
  if (flags.output !== '-') say(`${flags.to}: ${placed.map(({ path }) => path).join(', ')}`);
  if (flags.json) {
    await emitJson({
      version: 1,
      format: flags.to,
      profiles: profiles.map(({ name, source }) => ({ name, source })),
      files: placed.map(({ path, data }) => ({ path, bytes: Buffer.byteLength(data) })),
      notes,
    });
  }
}

export function register(program: Command): void {
  const command = program
    .command('export')
    .summary('write profiles in the format of a platform or of another tool')
    .description(
      'Writes OCI profiles in the format of a platform or of another tool. What that would ignore or\n' +
        'misread is refused, or rewritten with a note; what is written means what the profile means.',
    )
    .argument('<profile...>', "OCI profiles; '-': standard input")
    .requiredOption('--to <format>', 'one of the formats below')
    .requiredOption(
      '-o, --output <path>',
      "a file, or a directory for formats of several files; '-': standard output",
    )
    .option('--name <name>', 'the name of the profile there (default: that of its file)');
  for (const option of OPTIONS) command.addOption(option);
  command
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', formatsHelp(EXPORT_FORMATS, OPTIONS))
    .action(run);
}
