/** The command line: which commands there are, and what all of them have in common. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

/** In the order of the help. A file is loaded only when its command is named, or for the help. */
const COMMANDS: Readonly<Record<string, (program: Command) => void>> = {
  record: (program) => require('./record').register(program),
  minimise: (program) => require('./minimise').register(program),
  run: (program) => require('./run').register(program),
  doctor: (program) => require('./doctor').register(program),
  schema: (program) => require('./schema').register(program),
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
  const one = COMMANDS[ALIASES[named] ?? named];
  for (const add of one === undefined ? Object.values(COMMANDS) : [one]) {
    add(program);
  }
  return program;
}
