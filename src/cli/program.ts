/** The command line: which commands there are, and what all of them have in common. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

interface CommandModule {
  register(program: Command): void;
}

/** In the order of the help. A file is loaded only when its command is named, or for the help. */
const COMMANDS = new Map<string, () => Promise<CommandModule>>([
  ['record', () => import('./record.js')],
  ['minimise', () => import('./minimise.js')],
  ['merge', () => import('./merge.js')],
  ['verify', () => import('./verify.js')],
  ['run', () => import('./run.js')],
  ['doctor', () => import('./doctor.js')],
  ['explain', () => import('./explain.js')],
  ['schema', () => import('./schema.js')],
]);
const ALIASES = new Map([['minimize', 'minimise']]);

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `args`: what follows the command's own name on the command line. */
export async function buildProgram(args: readonly string[]): Promise<Command> {
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
  const one = COMMANDS.get(ALIASES.get(named) ?? named);
  for (const load of one === undefined ? COMMANDS.values() : [one]) {
    (await load()).register(program);
  }
  return program;
}
