/** The script for zsh: sourced, or as the file _sysieve in a directory of $fpath. */
import type { ArgumentWords, CommandWords, OptionWords, ProgramWords, Values } from './model';

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** In what _arguments is told, brackets end a description, and colons its parts. */
function plain(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function action(name: string, values: Values): string {
  switch (values.kind) {
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'words':
      return `(${values.words.map((word) => word.replace(/[^\w.-]/g, '\\$&')).join(' ')})`;
    case 'listed':
      return `_${name}_listed ${values.list}`;
    case 'command':
      return '_normal';
    default:
      // A message alone: nothing is offered.
      return ' ';
  }
}

function optionSpec(name: string, option: OptionWords): string {
  const { flags, value, variadic } = option;
  const text = plain(option.description);
  // + and =: the value may follow at once.
  const forms = flags.map((flag) =>
    value === null ? flag : `${flag}${flag.startsWith('--') ? '=' : '+'}`,
  );
  const message = plain(flags.at(-1)?.replace(/^-+/, '') ?? '');
  const takes = value === null ? '' : `:${message}:${action(name, value)}`;
  const others = variadic ? '*' : `(${flags.join(' ')})`;
  const help = flags.includes('--help') || flags.includes('--version') ? '(- *)' : others;
  const rest = quoted(`[${text}]${takes}`);
  return forms.length === 1
    ? `${quoted(help)}${forms[0]}${rest}`
    : `${quoted(help)}{${forms.join(',')}}${rest}`;
}

function argumentSpec(name: string, argument: ArgumentWords, at: number): string {
  const { values, variadic } = argument;
  const what = `${plain(argument.name)}:${action(name, values)}`;
  if (values.kind === 'command') return quoted(`(-)*::${what}`);
  return quoted(variadic ? `*:${what}` : `${at + 1}:${what}`);
}

function commandCase(name: string, command: CommandWords): string {
  const specs = [
    ...command.options.map((option) => optionSpec(name, option)),
    ...command.arguments.map((argument, at) => argumentSpec(name, argument, at)),
  ];
  const lines = specs.map((spec) => `        ${spec}`).join(' \\\n');
  const flags = command.passThrough ? "-s -S -A '-*'" : '-s -S';
  return `    ${command.names.join('|')})\n      _arguments ${flags} : \\\n${lines} && ret=0 ;;`;
}

export function zshScript({ name, options, commands }: ProgramWords): string {
  const running =
    commands
      .filter(({ runs }) => runs)
      .flatMap(({ names }) => names)
      .join('|') || "''";
  const several =
    commands
      .flatMap(({ names, options }) =>
        names.flatMap((one) =>
          options
            .filter(({ variadic }) => variadic)
            .flatMap(({ flags }) => flags.map((flag) => quoted(`${one} ${flag}`))),
        ),
      )
      .join('|') || "''";
  const described = (list: readonly CommandWords[]): string =>
    list.map((one) => `    ${quoted(`${plain(one.name)}:${one.summary}`)}`).join('\n');
  return `#compdef ${name}
# Completion of ${name} for zsh. Made by: ${name} completion zsh

_${name}_commands() {
  local -a commands=(
${described(commands)}
    'help:display help for command'
  )
  _describe -t commands command commands
}

# ARGUMENT… LIST: asked of ${name}; the arguments are _arguments'.
_${name}_listed() {
  local -a listed=(\${(f)"$(command ${name} completion --list $@[-1] 2>/dev/null)"})
  compadd "\${(@)@[1,-2]}" -a listed
}

_${name}() {
  local curcontext=$curcontext context state line ret=1
  local -A opt_args

  _arguments -C -S : \\
${options.map((option) => `    ${optionSpec(name, option)}`).join(' \\\n')} \\
    '1: :_${name}_commands' \\
    '*:: :->rest' && ret=0
  [[ $state == rest ]] || return ret

  # Behind --, a command of which zsh may know more.
  local -i at=\${words[(i)--]} from
  if (( at < CURRENT )) && [[ $words[1] == (${running}) ]]; then
    shift at words
    (( CURRENT -= at ))
    _normal
    return
  fi

  # Of an option that takes several values one at most is left: of more _arguments knows no end.
  for (( at = 2; at < CURRENT; at++ )); do
    if [[ "$words[1] $words[at]" == (${several}) ]]; then
      for (( from = at + 1; at + 1 < CURRENT; )); do
        [[ $words[at+1] == -* ]] && break
        (( at += 1 ))
      done
      [[ $at -eq $((CURRENT - 1)) && $words[CURRENT] != -* ]] || (( from += 1 ))
      if (( from <= at )); then
        words[from,at]=()
        (( CURRENT -= at - from + 1, at = from - 1 ))
      fi
    fi
  done

  curcontext=\${curcontext%:*:*}:${name}-$words[1]:
  case $words[1] in
${commands.map((command) => commandCase(name, command)).join('\n')}
    help)
      _arguments '1: :_${name}_commands' && ret=0 ;;
  esac
  return ret
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}
