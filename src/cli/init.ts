/** `sysieve init`: a config out of a container or a Compose file. */
import { dirname, join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type App, configText, parseConfig, withApps } from '../config';
import type { EngineChoice } from '../engines';
import { SysieveError } from '../errors';
import { checkDestination, readTextFile, sourceName, writeFileAtomic } from '../io';
import { CONFIG_FILE } from '../staging/config-file';
import { emitJson, say } from './output';
import { stdoutTwice } from './streams';
import { printable } from './terminal';

interface Flags {
  container?: string;
  compose?: string;
  engine: EngineChoice;
  name?: string;
  output: string;
  add?: true;
  json?: true;
}

interface Found {
  apps: Readonly<Record<string, App>>;
  notes: readonly string[];
}

async function textIfThere(path: string): Promise<string | null> {
  try {
    return await readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

async function fromContainer(container: string, flags: Flags, directory: string): Promise<Found> {
  const { appOfContainer } = await import('../staging/init-container.js');
  const { name, app, notes } = await appOfContainer(container, { engine: flags.engine, directory });
  const known = flags.name ?? name;
  return { apps: { [known]: app }, notes: notes.map((note) => `${known}: ${note}`) };
}

async function fromCompose(file: string, directory: string): Promise<Found> {
  const { parseEnvFile, readCompose } = await import('../import/index.js');
  const own = file === '-' ? process.cwd() : dirname(resolve(file));
  const beside = await textIfThere(join(own, '.env'));
  const variables = beside === null ? new Map<string, string>() : parseEnvFile(beside);
  return readCompose(await readTextFile(file), sourceName(file), {
    variable: (name) => process.env[name] ?? variables.get(name),
    base: relative(directory, own),
  });
}

function checkFlags(flags: Flags): void {
  const { container, compose, name, add, output, json } = flags;
  const usage = (message: string, remedy: string) =>
    new SysieveError('usage', 'usage', message, { remedy });
  if ((container === undefined) === (compose === undefined)) {
    throw usage(
      'init is from a container or from a Compose file',
      'Give --container or --compose.',
    );
  }
  if (name !== undefined && container === undefined) {
    throw usage('--name names the app of a container', 'Services of a Compose file have names.');
  }
  if (add === true && output === '-') {
    throw usage('--add changes a file', 'Leave out -o -, or leave out --add.');
  }
  if (json === true && output === '-') {
    throw stdoutTwice();
  }
}

/** The text to be written. Throws where the file is there, or is not. */
async function textOf({ apps }: Found, { output, add }: Flags): Promise<string> {
  const before = output === '-' ? null : await textIfThere(output);
  if (add === true) {
    if (before !== null) return withApps(before, output, apps);
    throw new SysieveError('input', 'config-missing', `there is no ${output} to add to`, {
      remedy: 'Leave out --add: it is written anew.',
    });
  }
  if (before === null) return configText(apps);
  throw new SysieveError('input', 'config-exists', `${output} is there, and is not written over`, {
    remedy: 'Add to it with --add, or write another file with -o.',
  });
}

async function run(flags: Flags): Promise<void> {
  checkFlags(flags);
  const { container, compose, output } = flags;
  await checkDestination(output);
  const directory = output === '-' ? process.cwd() : dirname(resolve(output));
  const found =
    container === undefined
      ? await fromCompose(compose as string, directory)
      : await fromContainer(container, flags, directory);
  for (const note of found.notes) say(`note: ${printable(note)}`);
  const names = Object.keys(found.apps);
  if (names.length === 0) {
    throw new SysieveError('input', 'config-empty', 'nothing was found that could be an app', {
      remedy: 'Give a Compose file with a service that has an image.',
    });
  }
  const text = await textOf(found, flags);
  // Before it is written: what is written can be read.
  parseConfig(text, output === '-' ? 'what was made' : output);
  await writeFileAtomic(output, text);
  if (output !== '-')
    say(`${flags.add === true ? 'added to' : 'written to'} ${output}: ${names.join(', ')}`);
  const still = names.filter((name) => found.apps[name]?.ready === undefined);
  if (still.length > 0)
    say(`${still.join(', ')}: say when it is ready (ready), unless it ends by itself`);
  say('next: give each app a workload that uses all of it, then run sysieve profile');
  if (flags.json === true) {
    await emitJson({ version: 1, config: output, apps: names, notes: found.notes });
  }
}

const ABOUT = `Writes ${CONFIG_FILE} for a container that is there, or for the services of a Compose
file. Nothing is started, built, pulled or executed. What was guessed and what was left
out is told, with its line. Values of environment variables that look like secrets are
left out: the file is to be committed.`;

export function register(program: Command): void {
  program
    .command('init')
    .summary('write a config for a container or a Compose file')
    .description(ABOUT)
    .option('--container <name>', 'a container, by name or id; best one that runs')
    .option('--compose <file>', "a Compose file; '-': standard input")
    .addOption(
      new Option('--engine <name>', 'where to look for the container')
        .choices(['auto', 'docker', 'podman'])
        .default('auto'),
    )
    .option('--name <app>', "the name of the container's app (that of the container)")
    .option('-o, --output <file>', "where it is written; '-': standard output", CONFIG_FILE)
    .option('--add', 'add to the file that is there; its own text stays as it is')
    .option('--json', 'print what was written as JSON')
    .action(run);
}
