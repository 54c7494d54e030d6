/** The manual pages: no formatter has anything against them, and they say what the commands do. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EXAMPLES } from '../../src/cli/examples';
import { COMMANDS, wholeProgram } from '../../src/cli/program';

const MAN = resolve(__dirname, '../../docs/man');
const pages = readdirSync(MAN).map((name) => join(MAN, name));

function run(command: string, args: readonly string[]): { stdout: string; said: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 180_000,
    env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
  });
  if (error !== undefined) throw error;
  return { stdout, said: `${stderr}${status === 0 ? '' : ` status ${status}`}` };
}

test('there is a page for the program and for each command', () => {
  const names = COMMANDS.map(({ name }) => `sysieve-${name}.1`);
  expect(readdirSync(MAN).sort()).toEqual(['sysieve.1', ...names].sort());
});

test('mandoc has nothing to say, not even of style', () => {
  const { stdout, said } = run('mandoc', ['-T', 'lint', '-W', 'style', ...pages]);
  // Our own pages, which are not installed here.
  const known =
    /^mandoc: .* referenced manual not found: Xr (sysieve(?:-[a-z-]+)?) 1(?: \(\d+ times\))?$/;
  const missing = (line: string) => !pages.includes(join(MAN, `${known.exec(line)?.[1]}.1`));
  expect(
    `${stdout}${said.replace(' status 1', '')}`
      .split('\n')
      .filter((line) => line !== '' && missing(line)),
  ).toEqual([]);
});

test('groff has no warning', () => {
  const { stdout, said } = run('groff', ['-ww', '-z', '-mandoc', '-Tutf8', ...pages]);
  expect(stdout + said).toBe('');
});

test('shown, a page has every option and argument, and the examples as they are typed', async () => {
  const program = await wholeProgram();
  for (const command of program.commands) {
    const page = join(MAN, `sysieve-${command.name()}.1`);
    const { stdout } = run('mandoc', ['-T', 'utf8', '-O', 'width=160', page]);
    // A letter struck over is bold or underlined.
    const shown = stdout.replace(/.\u0008/g, '').replaceAll('\u00a0', ' ');
    const text = shown.replace(/\s+/g, ' ');
    for (const { flags, description } of command.createHelp().visibleOptions(command)) {
      if (flags === '-h, --help') continue;
      expect(text).toContain(` ${flags.replace(/\.{3}/, ' ...').replace(/[<>]/g, '')} `);
      expect(text.toLowerCase()).toContain(description.toLowerCase().replace(/\s+/g, ' '));
    }
    for (const { description } of command.registeredArguments) {
      expect(text.toLowerCase()).toContain(description.toLowerCase().replace('…', '...'));
    }
    const lines = shown.split('\n').map((line) => line.trim());
    for (const example of EXAMPLES[command.name()] ?? []) {
      const typed = example.command.split('\n').map((line) => line.trim());
      expect(typed.filter((line) => !lines.includes(line))).toEqual([]);
    }
  }
});
