/** The table of commands says of each what the command's own file says. */
import { Command, Help } from 'commander';
import { buildProgram, COMMANDS } from '../../src/cli/program';

async function registered(load: (typeof COMMANDS)[number]['load']): Promise<readonly Command[]> {
  const program = new Command();
  (await load()).register(program, async () => program);
  return program.commands;
}

test.each(COMMANDS.map((entry) => [entry.name, entry] as const))(
  '%s: name, alias, usage and summary',
  async (_name, { name, alias, usage, summary, load }) => {
    const commands = await registered(load);
    const help = new Help();
    expect(
      commands.map((command) => [
        help.subcommandTerm(command),
        help.subcommandDescription(command),
      ]),
    ).toEqual([[`${alias === undefined ? name : `${name}|${alias}`} ${usage}`, summary]]);
    expect(summary).toMatch(/^[a-z][^\n]{10,99}[^.\n]$/);
  },
);

test('no name and no alias is taken twice', () => {
  const taken = COMMANDS.flatMap(({ name, alias }) => [
    name,
    ...(alias === undefined ? [] : [alias]),
  ]);
  expect(new Set(taken).size).toBe(taken.length);
});

test('the help lists all in the order of the table', async () => {
  const program = await buildProgram(['--help']);
  program.configureHelp({ ...program.configureHelp(), helpWidth: 1000 });
  const lines = program.helpInformation().split('\nCommands:\n')[1]?.trimEnd().split('\n') ?? [];
  expect(lines.map((line) => line.trim().replace(/ {2,}/, ': '))).toEqual([
    ...COMMANDS.map(
      ({ name, alias, usage, summary }) =>
        `${alias === undefined ? name : `${name}|${alias}`} ${usage}: ${summary}`,
    ),
    'help [command]: display help for command',
  ]);
});

test.each([
  ['a command', ['merge', '--json'], ['merge']],
  ['its alias', ['minimize'], ['minimise']],
  ['the help of a command', ['help', 'run'], ['run']],
  ['no command', ['--help'], COMMANDS.map(({ name }) => name)],
  ['an unknown command', ['minimice'], COMMANDS.map(({ name }) => name)],
])('%s: what is registered', async (_what, args, names) => {
  const program = await buildProgram(args);
  expect(program.commands.map((command) => command.name())).toEqual(names);
});
