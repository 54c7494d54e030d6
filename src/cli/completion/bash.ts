/** The script for bash; it needs nothing of the package bash-completion. */
import type { CommandWords, OptionWords, ProgramWords, Values } from './model';

/** As one word of bash, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What the functions of the script leave behind: what may follow, and of which words. */
function answer(values: Values, variadic: boolean): string {
  const more = variadic ? ' more=1' : '';
  if (values.kind === 'words') return `kind=words list=${quoted(values.words.join(' '))}${more}`;
  if (values.kind === 'listed') return `kind=listed list=${values.list}${more}`;
  return `kind=${values.kind}${more}`;
}

function optionCases(name: string, options: readonly OptionWords[]): string[] {
  return options.flatMap(({ flags, value, variadic }) => {
    if (value === null) return [];
    const patterns = flags.map((flag) => quoted(`${name} ${flag}`)).join(' | ');
    return [`    ${patterns}) ${answer(value, variadic)} ;;`];
  });
}

/** The last of several takes whatever comes after it, too. */
function argumentCases({ name, arguments: taken }: CommandWords): string[] {
  return taken.map(({ values, variadic }, at) => {
    const pattern = variadic ? `${quoted(`${name} `)}*` : quoted(`${name} ${at}`);
    return `    ${pattern}) ${answer(values, false)} ;;`;
  });
}

function flagsOf(options: readonly OptionWords[]): string {
  return quoted(options.flatMap(({ flags }) => flags).join(' '));
}

export function bashScript({ name, options, commands }: ProgramWords): string {
  const everyName = commands.map((command) => command.name);
  const aliases = commands.flatMap(({ name, names }) =>
    names
      .filter((other) => other !== name)
      .map((alias) => `    ${quoted(alias)}) command=${quoted(name)} ;;`),
  );
  return `# Completion of ${name} for bash. Made by: ${name} completion bash
# shellcheck shell=bash disable=SC2034

# COMMAND OPTION: what its value may be, in kind, list and more; kind is empty for one without a value.
_${name}_value() {
  kind='' list='' more=''
  case "$1 $2" in
${commands.flatMap((command) => optionCases(command.name, command.options)).join('\n')}
  esac
}

# COMMAND INDEX: what its argument there may be.
_${name}_argument() {
  kind=none list='' more=''
  case "$1 $2" in
${commands.flatMap(argumentCases).join('\n')}
    'help 0') kind=words list=${quoted(everyName.join(' '))} ;;
  esac
}

# COMMAND: its options, in list.
_${name}_options() {
  case $1 in
    '') list=${flagsOf(options)} ;;
${commands.map((command) => `    ${quoted(command.name)}) list=${flagsOf(command.options)} ;;`).join('\n')}
    *) list='' ;;
  esac
}

# PROGRAM PREFIX: offers what kind and list say, for the word in current.
_${name}_offer() {
  local word
  case $kind in
    file) return ;;
    directory)
      compopt +o default -o dirnames 2>/dev/null
      return
      ;;
    program)
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -c -- "$current")
      return
      ;;
    listed) list=$("$1" completion --list "$list" 2>/dev/null) ;;
    none) list='' ;;
  esac
  compopt +o default 2>/dev/null
  while IFS= read -r word; do
    [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$2$word")
  done <<<"\${list// /$'\n'}"
}

_${name}() {
  local words=() line=$COMP_LINE rest current command='' index=0 dashes='' through=''
  local kind='' list='' more='' i last=0
  COMPREPLY=()
  # Bash cuts words at = and : as well; what no blank stands before belongs to the word before it.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    rest=\${line#"\${line%%[![:space:]]*}"}
    if ((i > 0)) && [[ $rest == "$line" && -n $line ]]; then
      words[last]+=\${COMP_WORDS[i]}
    else
      ((i == 0)) || last=$((last + 1))
      words[last]=\${COMP_WORDS[i]}
    fi
    line=\${rest#"\${COMP_WORDS[i]}"}
  done
  current=\${words[last]}

  for ((i = 1; i < last; i++)); do
    if [[ -n $dashes || -n $through ]]; then
      index=$((index + 1))
    elif [[ -n $kind && (-z $more || \${words[i]} != -*) ]]; then
      [[ -n $more ]] || kind=''
    elif [[ \${words[i]} == -- ]]; then
      kind='' dashes=1
    elif [[ \${words[i]} == -* ]]; then
      kind=''
      [[ \${words[i]} == *=* ]] || _${name}_value "$command" "\${words[i]}"
    elif [[ -z $command ]]; then
      case \${words[i]} in
${[...aliases, `    *) command=\${words[i]} ;;`].map((line) => `    ${line}`).join('\n')}
      esac
    else
      kind='' index=$((index + 1))
      case $command in
        ${
          commands
            .filter(({ passThrough }) => passThrough)
            .map((command) => quoted(command.name))
            .join(' | ') || "''"
        }) through=1 ;;
      esac
    fi
  done

  if [[ -n $dashes$through ]]; then
    # The words of a command to be run.
    kind=file
    [[ -n $dashes && \${words[i - 1]} == -- ]] && kind=program
  elif [[ -n $kind && (-z $more || $current != -*) ]]; then
    :
  elif [[ $current == --*=* ]]; then
    _${name}_value "$command" "\${current%%=*}"
    rest=\${current%%=*}=
    current=\${current#*=}
    [[ $COMP_WORDBREAKS == *=* ]] && rest=''
    [[ -n $kind ]] || kind=none
    _${name}_offer "$1" "$rest"
    return
  elif [[ $current == -* ]]; then
    kind=words
    _${name}_options "$command"
  elif [[ -z $command ]]; then
    kind=words list=${quoted([...everyName, 'help'].join(' '))}
  else
    _${name}_argument "$command" "$index"
    [[ $kind == command ]] && kind=program
    if [[ $kind == none ]]; then
      kind=words
      _${name}_options "$command"
    fi
  fi
  _${name}_offer "$1" ''
}

complete -o default -F _${name} ${name}
`;
}
