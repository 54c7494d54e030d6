/** `sysieve completion`: what bash, zsh and fish themselves offer with the script made for each. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { bashScript } from '../../src/cli/completion/bash';
import { fishScript } from '../../src/cli/completion/fish';
import { CHECKED, programWords } from '../../src/cli/completion/model';
import { zshScript } from '../../src/cli/completion/zsh';
import { wholeProgram } from '../../src/cli/program';
import { objection, readingProgram } from '../support/command-lines';
import { askBash, askFish, askZsh, type Place, typeAtBash } from '../support/shells';

const MAIN = resolve(__dirname, '../../dist/cli/main.js');
const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
const ASK = { bash: askBash, zsh: askZsh, fish: askFish };
type Shell = keyof typeof SCRIPTS;
const SHELLS = Object.keys(SCRIPTS) as Shell[];

let directory: string;
let program: Command;

function place(shell: Shell, of: Command = program): Place {
  const script = join(directory, `script.${shell}`);
  writeFileSync(script, SCRIPTS[shell](programWords(of)));
  return { directory, script };
}

/** Each word once, in order; without fish's descriptions, and the space that zsh quotes. */
function offered(shell: Shell, lines: readonly string[], of?: Command): string[][] {
  return ASK[shell](place(shell, of), lines).map((words) =>
    [...new Set(words.map((word) => (word.split('\t')[0] ?? '').replace('\\ ', ' ')))].sort(),
  );
}

beforeAll(async () => {
  program = await wholeProgram();
  directory = mkdtempSync(join(tmpdir(), 'sysieve-completion-'));
  mkdirSync(join(directory, 'bin'));
  const command = join(directory, 'bin/sysieve');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(command, 0o755);
  mkdirSync(join(directory, 'odd/odd dir'), { recursive: true });
  writeFileSync(join(directory, 'odd/odd name.json'), '{}');
  const apps = { web: {}, worker: {}, '$(touch pwned)': {}, 'a b': {}, '-o': {} };
  writeFileSync(join(directory, 'sysieve.config.json'), JSON.stringify({ apps }));
});
afterAll(() => rmSync(directory, { recursive: true }));

const CASES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['sysieve rec', ['record']],
  ['sysieve mini', ['minimise']],
  ['sysieve --v', ['--version']],
  ['sysieve help expo', ['export']],
  ['sysieve record --eng', ['--engine']],
  ['sysieve record --tracer ', ['auto', 'ebpf', 'notify', 'ptrace']],
  ['sysieve record --pid 7 --tracer n', ['notify']],
  ['sysieve record --image web:1 --trac', ['--tracer']],
  ['sysieve record --duration ', []],
  ['sysieve record -- sysie', ['sysieve']],
  ['sysieve record --pid 3 -- sysie', ['sysieve']],
  ['sysieve run --profile p.json sysie', ['sysieve']],
  ['sysieve run --profile p.json sysieve --complai', []],
  ['sysieve verify --app web -- sysie', ['sysieve']],
  ['sysieve minimize --arg', ['--args']],
  ['sysieve minimize a.json --args s', ['safe', 'strict']],
  ['sysieve verify --recording a.json b.json --rep', ['--repair']],
  ['sysieve export web.json --to s', ['scc', 'spo', 'systemd']],
  ['sysieve diff --format m', ['markdown']],
  [
    'sysieve schema ',
    ['baseline', 'config', 'evidence', 'profile', 'reach', 'recording', 'waivers'],
  ],
  ['sysieve completion ', ['bash', 'fish', 'zsh']],
  // The others of the configuration are no names of apps.
  ['sysieve check w', ['web', 'worker']],
  ['sysieve verify --app ', ['web', 'worker']],
  ['sysieve check web --form', ['--format']],
  ['sysieve explain clone', ['clone', 'clone3']],
];

describe.each(SHELLS)('%s', (shell) => {
  test('offers what fits, and no more', () => {
    const answers = offered(
      shell,
      CASES.map(([line]) => line),
    );
    expect(answers.map((words, at) => [CASES[at]?.[0], words])).toEqual(CASES);
  });

  test('a value behind =', () => {
    const [words] = offered(shell, ['sysieve record --tracer=e']);
    expect(words?.map((word) => word.replace('--tracer=', ''))).toEqual(['ebpf']);
  });

  test('every option of every command', () => {
    const words = programWords(program);
    const lines = words.commands.map(({ name }) => `sysieve ${name} -`);
    // zsh knows - as a word before a command that is to be run.
    const answers = offered(shell, lines).map((flags) => flags.filter((flag) => flag !== '-'));
    expect(answers.map((flags, at) => [lines[at], flags])).toEqual(
      words.commands.map(({ options }, at) => {
        const flags = options.flatMap((option) => option.flags);
        return [lines[at], [...flags].sort()];
      }),
    );
  });

  test('text of any kind is text', () => {
    const lines = ['sysieve odd --valu', 'sysieve od', 'sysieve odd --value '];
    const [flag, command, values] = offered(shell, lines, hostile());
    expect([flag, command]).toEqual([['--value'], ['odd']]);
    expect(values?.length).toBeGreaterThan(0);
    expect(readdirSync(directory).filter((name) => name.startsWith('pwned'))).toEqual([]);
  });
});

/** What no command of ours says, and what must not be run when one does. */
const ODD =
  'it\'s `touch pwned1` $(touch pwned2) [x]: {a,b} \\ "q" ;touch pwned3 \n#%~*? \u001b[31m|&';

function hostile(): Command {
  const made = new Command('sysieve').description(ODD);
  made
    .command('odd')
    .summary(ODD)
    .addOption(new Option('-v, --value <what>', ODD).choices(['$(touch', 'pwned4)', 'a:b', "i't"]))
    .option('--many <file...>', ODD)
    .addArgument(new Argument('<one>', ODD).choices(['`id`', 'x;y']));
  return made;
}

test('fish shows a description as it is, in one line', () => {
  const [lines] = askFish(place('fish', hostile()), ['sysieve od']);
  expect(lines).toEqual([`odd\t${ODD.replace(' \n', ' ').replace(' \u001b', ' ')}`]);
});

test.each(['zsh', 'fish'] as const)('%s: files, and directories where one is meant', (shell) => {
  const lines = [
    'sysieve lint odd/odd',
    'sysieve lint a.json odd/odd',
    'sysieve minimise -o odd/odd',
    'sysieve verify --recording a.json odd/odd',
    'sysieve profile --keep-recordings odd/odd',
    'sysieve record -- cat odd/odd',
  ];
  const names = offered(shell, lines).map((words) =>
    words.map((word) => word.replace(/^odd\//, '')),
  );
  const both = shell === 'fish' ? ['odd dir/', 'odd name.json'] : ['odd dir', 'odd name.json'];
  expect(names).toEqual([both, both, both, both, both.slice(0, 1), both]);
});

test('zsh: found as a function of its path', () => {
  mkdirSync(join(directory, 'functions'));
  const script = join(directory, 'functions/_sysieve');
  writeFileSync(script, zshScript(programWords(program)));
  const lines = ['sysieve rec', 'sysieve record --tracer n'];
  expect(askZsh({ directory, script }, lines)).toEqual([['record'], ['notify']]);
  rmSync(join(directory, 'functions'), { recursive: true });
});

test('bash: files, and directories where one is meant, quoted as they need it', () => {
  const lines = [
    'sysieve lint odd/odd\\ n',
    'sysieve lint a.json "odd/odd n',
    'sysieve profile --keep-recordings odd/odd',
    'sysieve record -- cat odd/odd\\ n',
    'sysieve record --tracer=no',
    'sysieve prof',
  ];
  expect(typeAtBash(place('bash'), lines)).toEqual([
    ['lint', 'odd/odd name.json'],
    ['lint', 'a.json', 'odd/odd name.json'],
    ['profile', '--keep-recordings', 'odd/odd dir/'],
    ['record', '--', 'cat', 'odd/odd name.json'],
    ['record', '--tracer=notify'],
    ['profile'],
  ]);
});

test('what commands check themselves is what is offered', async () => {
  const reading = await readingProgram();
  for (const [option, words] of CHECKED) {
    const [name, flag] = option.split(' ') as [string, string];
    const command = reading.commands.find((one) => one.name() === name);
    const taken = command?.options.find(({ long }) => long === flag);
    expect([option, taken?.argChoices]).toEqual([option, undefined]);
    // Those of export and import come from the table that they look them up in.
    if (flag === '--to' || flag === '--from') continue;
    for (const word of words) {
      expect([option, word, objection(reading, [name, flag, word], true)]).toEqual([
        option,
        word,
        null,
      ]);
    }
    expect(objection(reading, [name, flag, 'nonsense'], true)).toMatch(/invalid/);
  }
});

test('the command prints the script, and says what is missing', () => {
  const run = (...args: string[]) => spawnSync(MAIN, ['completion', ...args], { encoding: 'utf8' });
  for (const shell of SHELLS) {
    expect(run(shell).stdout).toBe(SCRIPTS[shell](programWords(program)));
  }
  const { status, stdout, stderr } = run();
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('remedy: Name it: sysieve completion bash|zsh|fish.');
});

test('words that a shell would take for more are not in the scripts', () => {
  const words = programWords(program);
  const taken = words.commands.flatMap(({ options, arguments: given }) => [
    ...options.map(({ value }) => value),
    ...given.map(({ values }) => values),
  ]);
  const odd = taken.flatMap((value) => (value?.kind === 'words' ? value.words : []));
  expect(odd.filter((word) => !/^[\w.-]+$/.test(word))).toEqual([]);
});
