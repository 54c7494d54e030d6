/** The command line: which commands there are, and what all of them have in common. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

interface CommandModule {
  register(program: Command): void;
}

/** In the order of the help. A file is loaded only when its command is named, or for the help. */
const COMMANDS: Readonly<Record<string, () => CommandModule>> = {
  record: () => require('./record') as CommandModule,
  minimise: () => require('./minimise') as CommandModule,
  run: () => require('./run') as CommandModule,
  doctor: () => require('./doctor') as CommandModule,
  schema: () => require('./schema') as CommandModule,
};
const ALIASES: Readonly<Record<string, string>> = { minimize: 'minimise' };

export function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `args`: what follows the command's own name on the command line. */
export function buildProgram(args: readonly string[]): Command {
  const program = new Command('sysieve');
  program
    .description(
      'Records the system calls of a container and minimises them into a seccomp profile.',
    )
    .version(packageVersion())
    // Before the commands are added, so that they inherit it: main decides how to end, and prints.
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true);
  const named = args.find((arg) => !arg.startsWith('-')) ?? '';
  const load = COMMANDS[ALIASES[named] ?? named];
  for (const loader of load === undefined ? Object.values(COMMANDS) : [load]) {
    loader().register(program);
  }
  return program;
}
