/** The script for fish. */
import type { CommandWords, OptionWords, ProgramWords, Values } from './model';

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** For -a, which fish reads once more when it completes. */
function words(all: readonly string[]): string {
  return quoted(all.map((word) => word.replace(/[^\w.-]/g, '\\$&')).join(' '));
}

/** What `complete` is told of a value; `x`: that, and no file. */
function valueFlags(name: string, value: Values): string {
  switch (value.kind) {
    case 'file':
      return '-r -F';
    case 'directory':
      return "-x -a '(__fish_complete_directories (commandline -ct))'";
    case 'words':
      return `-x -a ${words(value.words)}`;
    case 'listed':
      return `-x -a '(__${name}_listed ${value.list})'`;
    default:
      return '-x';
  }
}

function optionLine(name: string, when: string, option: OptionWords): string {
  const flags = option.flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const value = option.value === null ? [] : [valueFlags(name, option.value)];
  return [
    'complete -c',
    name,
    '-n',
    when,
    ...flags,
    ...value,
    '-d',
    quoted(option.description),
  ].join(' ');
}

/** Of an argument; what is to be run is completed as a command line of its own. */
function argumentLines(name: string, command: CommandWords): string[] {
  return command.arguments.flatMap(({ values, variadic }, at) => {
    const when = quoted(
      `__${name}_at ${at} ${variadic ? 'or-more' : 'only'} ${command.names.join(' ')}`,
    );
    const head = `complete -c ${name} -n ${when}`;
    if (values.kind === 'none') return [];
    if (values.kind === 'command') return [`${head} -x -a '(__fish_complete_command)'`];
    if (values.kind === 'file') return [`${head} -F`];
    return [`${head} ${valueFlags(name, values).replace('-x', '-f')}`];
  });
}

function commandLines(name: string, command: CommandWords): string[] {
  const inside = quoted(`__${name}_in ${command.names.join(' ')}`);
  return [
    ...command.options.map((option) => optionLine(name, inside, option)),
    ...argumentLines(name, command),
  ];
}

/** Of each command those options that take a value, for counting arguments. */
function takingValues({ names, options }: CommandWords): string {
  const flags = options.flatMap(({ flags, value }) => (value === null ? [] : flags));
  return `        case ${names.map(quoted).join(' ')}\n            printf '%s\\n' ${flags.join(' ') || "''"}`;
}

export function fishScript({ name, options, commands }: ProgramWords): string {
  const through =
    commands
      .filter(({ passThrough }) => passThrough)
      .flatMap(({ names }) => names)
      .join(' ') || "''";
  const running = commands.filter(({ runs }) => runs).flatMap(({ names }) => names);
  return `# Completion of ${name} for fish. Made by: ${name} completion fish

# The words before the one that is completed: the command and its arguments, without options. Where a
# command that is to be run begins, two more: -- and the place of its first word.
function __${name}_words
    set -l words (commandline -opc)
    set -l command
    set -l skip
    for at in (seq 2 (count $words))
        set -l word $words[$at]
        if test -n "$skip"
            set skip
        else if test "$word" = --
            printf '%s\n' -- (math $at + 1)
            return
        else if string match -q -- '-*' $word
            contains -- $word (__${name}_with_value $command); and set skip 1
        else if test -z "$command"
            set command $word
            echo $word
        else if contains -- $command ${through}
            printf '%s\n' -- $at
            return
        else
            echo $word
        end
    end
end

# COMMAND: its options that take a value.
function __${name}_with_value
    switch "$argv[1]"
${commands.map(takingValues).join('\n')}
    end
end

function __${name}_none
    test (count (__${name}_words)) -eq 0
end

# NAME…: completed is a word of this command, and not of one that it runs.
function __${name}_in
    set -l words (__${name}_words)
    test (count $words) -gt 0; or return 1
    contains -- -- $words; and return 1
    contains -- $words[1] $argv
end

# INDEX only|or-more NAME…: completed is this argument of the command.
function __${name}_at
    __${name}_in $argv[3..-1]; or return 1
    set -l index (math (count (__${name}_words)) - 1)
    test $index -eq $argv[1]; or test $argv[2] = or-more -a $index -gt $argv[1]
end

# NAME…: completed is a word of a command that this one runs.
function __${name}_running
    set -l words (__${name}_words)
    contains -- -- $words; and contains -- $words[1] $argv
end

# What a command that is run would be completed to by itself.
function __${name}_run
    set -l at (__${name}_words)[-1]
    set -l words (commandline -opc) (commandline -ct)
    complete -C (string join ' ' -- (string escape -- $words[$at..-2]) $words[-1])
end

function __${name}_listed
    command ${name} completion --list $argv[1] 2>/dev/null
end

complete -c ${name} -f
${options.map((option) => optionLine(name, `__${name}_none`, option)).join('\n')}
${commands.map((command) => `complete -c ${name} -n __${name}_none -a ${command.name} -d ${quoted(command.summary)}`).join('\n')}
complete -c ${name} -n __${name}_none -a help -d 'display help for command'
complete -c ${name} -n '__${name}_at 0 only help' -a ${quoted(commands.map((command) => command.name).join(' '))}
${commands.flatMap((command) => commandLines(name, command)).join('\n')}
complete -c ${name} -n ${quoted(`__${name}_running ${running.join(' ')}`)} -a '(__${name}_run)'
`;
}
