/** `sysieve import FILE… --from FORMAT`: profiles or a recording from what other tools wrote. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { IMPORT_FORMATS, type Imported, type ImportInput, type ImportOptions } from '../import';
import { readTextFile, sourceName } from '../io';
import { serializeProfile } from '../profile';
import { serializeRecording } from '../recording';
import { MACHINES } from '../tables';
import { capabilities, kernel } from './context-flags';
import { checkUsage, type FormatFlags, formatNamed, formatsHelp, optionsGiven } from './formats';
import { emitJson, say } from './output';
import { placeFiles, writePlaced } from './result-files';
import { packageVersion } from './version';

interface Flags extends ImportOptions, FormatFlags {
  from: string;
}

/** Those that belong to formats. */
const OPTIONS: readonly Option[] = [
  new Option(
    '--caps <names>',
    'the bounding set, by commas: capabilities, default (of Docker), none',
  ).argParser(capabilities),
  new Option('--kernel <version>', 'the kernel, for rules with a minKernel').argParser(kernel),
  new Option('--arch <machine>', 'the machine').choices(MACHINES),
  new Option('--engine-version <version>', 'of the engine whose format it is'),
  new Option('--without-base', 'without the base profile that a SeccompProfile names'),
  new Option('--profile <name>', 'which of several profiles'),
  new Option(
    '--systemd-groups <file>',
    "what 'systemd-analyze syscall-filter' prints on the machine of the unit",
  ),
  new Option('--minijail-parser <name>', 'what the policy is for, where that matters').choices([
    'compiler',
    'minijail0',
  ]),
  new Option(
    '--default-action <action>',
    "what calls get that the policy does not name, as it is compiled, e.g. 'return 1'",
  ),
  new Option('--pid <pid>', 'the records of this process alone').argParser(pid),
  new Option('--comm <name>', 'the records of tasks of this name alone'),
  new Option('--exe <path>', 'the records of this executable alone'),
  new Option('--unfiltered', 'the log holds every call: the tool was not told to leave any out'),
];

function pid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('A process id.');
  return Number(text);
}

/** What a format needs beside what was given on the command line. */
async function completed(options: ImportOptions): Promise<ImportOptions> {
  const { systemdGroups } = options;
  return {
    ...options,
    ...(systemdGroups === undefined ? {} : { systemdGroups: await readTextFile(systemdGroups) }),
    toolVersion: packageVersion(),
  };
}

async function readInputs(paths: readonly string[]): Promise<[ImportInput, ...ImportInput[]]> {
  const inputs: ImportInput[] = [];
  for (const path of paths) {
    inputs.push({ source: sourceName(path), text: await readTextFile(path) });
  }
  return inputs as [ImportInput, ...ImportInput[]];
}

/** A name out of a file, as the name of a file here: nothing of it can lead elsewhere. */
function fileName(name: string | null, taken: ReadonlySet<string>): string {
  const base = (name ?? 'profile').replace(/\.json$/i, '').replace(/[^A-Za-z0-9._-]/g, '_');
  const plain = base.replace(/^[.-]+/, '').slice(0, 100) || 'profile';
  for (let count = 1; ; count += 1) {
    const made = count === 1 ? `${plain}.json` : `${plain}-${count}.json`;
    if (!taken.has(made)) return made;
  }
}

interface ResultFile {
  name: string;
  data: string;
}

function filesOf(imported: Imported): ResultFile[] {
  if (imported.kind === 'recording') {
    return [{ name: 'recording.json', data: serializeRecording(imported.recording) }];
  }
  const taken = new Set<string>();
  return imported.profiles.map(({ name, profile }) => {
    const file = fileName(name, taken);
    taken.add(file);
    return { name: file, data: serializeProfile(profile) };
  });
}

async function run(paths: string[], flags: Flags): Promise<void> {
  const format = formatNamed(IMPORT_FORMATS, '--from', flags.from);
  const asked = `--from ${flags.from}`;
  checkUsage(paths, format, flags, asked);
  const options = await completed(optionsGiven(format, OPTIONS, flags, asked));
  const read = await format.load();
  const imported = await read(await readInputs(paths), options);
  const placed = await placeFiles(filesOf(imported), flags.output, paths);
  await writePlaced(placed);
  for (const note of imported.notes) say(note);
  if (flags.output !== '-') say(`${flags.from}: ${placed.map(({ path }) => path).join(', ')}`);
  if (flags.json) {
    await emitJson({
      version: 1,
      format: flags.from,
      kind: imported.kind === 'recording' ? 'recording' : 'profiles',
      files: placed.map(({ path, data }) => ({ path, bytes: Buffer.byteLength(data) })),
      notes: imported.notes,
    });
  }
}

export function register(program: Command): void {
  const command = program
    .command('import')
    .summary('read profiles or recordings from the formats of platforms and other tools')
    .description(
      'Makes an OCI profile, or a recording, of what a platform or another tool wrote. What the\n' +
        'format leaves open is asked for or said; what has no meaning in OCI is refused.',
    )
    .argument('<file...>', "files of the format; '-': standard input")
    .requiredOption('--from <format>', 'one of the formats below')
    .requiredOption(
      '-o, --output <path>',
      "a file, or a directory for several profiles; '-': standard output",
    );
  for (const option of OPTIONS) command.addOption(option);
  command
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', formatsHelp(IMPORT_FORMATS, OPTIONS))
    .action(run);
}
