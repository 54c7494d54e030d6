/** The examples of the help: each command has some, and the command takes them. */
import { EXAMPLES, FIRST_STEPS } from '../../src/cli/examples';
import { buildProgram, COMMANDS } from '../../src/cli/program';
import { objection, readingProgram, sysieveCommands } from '../support/command-lines';

const names = COMMANDS.map(({ name }) => name);

test.each(names)('%s: two examples at least, of this command, in 80 columns', (name) => {
  const examples = EXAMPLES[name] ?? [];
  expect(examples.length).toBeGreaterThanOrEqual(2);
  expect(examples.length).toBeLessThanOrEqual(6);
  for (const { words, command } of examples) {
    expect(words).toMatch(/^[^\n]{4,76}[^.\n]$/);
    expect(command.split('\n').filter((line) => line.length > 78)).toEqual([]);
  }
  const shown = examples.map(({ command }) => command).join('\n');
  expect(shown).toContain(`sysieve ${name}`);
});

test('the program takes each, and refuses what is stale', async () => {
  const program = await readingProgram();
  const all = [...names.map((name) => EXAMPLES[name] ?? []), FIRST_STEPS].flat();
  const wrong: string[] = [];
  for (const { command } of all) {
    for (const words of sysieveCommands(command)) {
      const problem = objection(program, words);
      if (problem !== null) wrong.push(`sysieve ${words.join(' ')}: ${problem}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(objection(program, ['merge', 'a.json', '-o', 'b.json', '--sorted'])).toBe(
    "unknown option '--sorted'",
  );
  expect(objection(program, ['merge', '-o', 'b.json'])).toBe("missing required argument 'file'");
  expect(objection(program, ['diff', 'a.json', 'b.json', 'c.json'])).toMatch(/too many/);
  expect(objection(program, ['minimize', 'a.json'])).toMatch(/required option .*-o/);
});

test.each([
  ['record --help', ['record', '--help']],
  ['help record', ['help', 'record']],
  ['-h before the command', ['-h', 'minimize']],
])('%s ends with the examples', async (_what, args) => {
  const program = await buildProgram(args);
  const [command] = program.commands;
  let help = '';
  command?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  const [first] = EXAMPLES[command?.name() ?? ''] ?? [];
  expect(help.split('\nExamples:\n')[1]).toContain(`  # ${first?.words}\n  ${first?.command}\n`);
});

test('the help of the program ends with first steps, other runs load no examples', async () => {
  for (const args of [[], ['--help'], ['help']]) {
    let help = '';
    const program = await buildProgram(args);
    program.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(/\nFirst steps:\n {2}# .*\n {2}sysieve doctor\n/);
  }
  const program = await buildProgram(['merge', 'a', '-o', 'b']);
  let help = '';
  program.commands[0]?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  expect(help).not.toContain('Examples:');
});
