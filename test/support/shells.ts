/** Real shells, asked how they would complete a command line. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const PRESS_KEYS = resolve(__dirname, 'press-keys.py');

/** `directory`: where the shell is, with `bin/sysieve` in it. */
export interface Place {
  directory: string;
  script: string;
}

function run(place: Place, command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: place.directory,
    encoding: 'utf8',
    input,
    timeout: 180_000,
    env: {
      PATH: `${join(place.directory, 'bin')}:${process.env.PATH}`,
      HOME: place.directory,
      TERM: 'dumb',
      LC_ALL: 'C.UTF-8',
    },
  });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? ''} ${stdout} ${stderr}`);
  return stdout;
}

/** As readline cuts a line: at blanks, and at runs of = and :. */
function bashWords(line: string): string[] {
  const words = line.split(/\s+/).flatMap((word) => word.split(/([=:]+)/).filter((part) => part));
  return /\s$/.test(line) ? [...words, ''] : words;
}

/** COMPREPLY for each line. Files are left to readline, and not in it. */
export function askBash(place: Place, lines: readonly string[]): string[][] {
  const file = join(place.directory, 'ask.bash');
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  writeFileSync(
    file,
    [
      `source ${quoted(place.script)}`,
      ...lines.flatMap((line) => {
        const words = bashWords(line);
        return [
          `COMP_LINE=${quoted(line)} COMP_POINT=${line.length} COMP_CWORD=${words.length - 1}`,
          `COMP_WORDS=(${words.map(quoted).join(' ')}); COMPREPLY=()`,
          '_sysieve sysieve',
          `printf '%s\\n' "\${COMPREPLY[@]}"; echo END`,
        ];
      }),
    ].join('\n'),
  );
  return run(place, 'bash', ['--norc', file])
    .split('END\n')
    .slice(0, -1)
    .map((text) => text.split('\n').filter((word) => word !== ''));
}

/** Each line typed, Tab, Enter: the arguments that sysieve is called with. */
export function typeAtBash(place: Place, lines: readonly string[]): string[][] {
  const out = join(place.directory, 'typed');
  const rc = join(place.directory, 'bashrc');
  writeFileSync(
    rc,
    [
      "PS1='ready> '",
      `source ${place.script}`,
      "bind 'set completion-query-items 0'",
      `sysieve() { [[ $1 == completion ]] && { command sysieve "$@"; return; }; printf '%s\\n' "$@" END >> ${out}; }`,
    ].join('\n'),
  );
  const keys = lines.map((line) => `${line}\t\n`);
  const args = [PRESS_KEYS, out, 'bash', '--noprofile', '--rcfile', rc, '-i'];
  return JSON.parse(run(place, 'python3', args, JSON.stringify(keys)));
}

/** What zsh offers for each line: all that its functions add as matches. */
export function askZsh(place: Place, lines: readonly string[]): string[][] {
  const out = join(place.directory, 'offered');
  writeFileSync(
    join(place.directory, '.zshrc'),
    [
      "PS1='ready> '",
      // As a file of $fpath, or sourced.
      `fpath=(${place.directory}/functions $fpath)`,
      'autoload -Uz compinit; compinit -u -D',
      ...(basename(place.script) === '_sysieve' ? [] : [`source ${place.script}`]),
      // Those with -O, -A or -D only sort out what is added later.
      'compadd() {',
      `  local options="\${(M)@:#-[[:alpha:]]*}"`,
      '  if [[ " $options" != *\\ -[a-zA-Z]#[OAD]* ]]; then',
      '    local -a found; builtin compadd -O found "$@"',
      `    print -rl -- $found >> ${out}`,
      '  fi',
      '  builtin compadd "$@"',
      '}',
      `offer() { _main_complete; compstate[insert]= compstate[list]=; print END >> ${out} }`,
      'zle -C offer complete-word offer',
      "bindkey '^I' offer",
      "bindkey '^U' kill-whole-line",
    ].join('\n'),
  );
  const keys = lines.map((line) => `\u0015${line}\t`);
  const answers: string[][] = JSON.parse(
    run(
      place,
      'env',
      [`ZDOTDIR=${place.directory}`, 'python3', PRESS_KEYS, out, 'zsh', '-d', '-i'],
      JSON.stringify(keys),
    ),
  );
  return answers.map((words) => words.filter((word) => word !== ''));
}

/** What fish offers, each with its description behind a tab. */
export function askFish(place: Place, lines: readonly string[]): string[][] {
  const file = join(place.directory, 'ask.fish');
  const quoted = (text: string): string =>
    `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  writeFileSync(
    file,
    [
      `source ${quoted(place.script)}`,
      ...lines.flatMap((line) => [`complete -C ${quoted(line)}`, 'echo END']),
    ].join('\n'),
  );
  return run(place, 'fish', ['--no-config', file])
    .split('END\n')
    .slice(0, -1)
    .map((text) => text.split('\n').filter((word) => word !== ''));
}
