/** What a shell has to know of the command line: taken from the program, the same for every shell. */
import type { Argument, Command, Option } from 'commander';
import { EXPORT_FORMATS } from '../../export';
import { IMPORT_FORMATS } from '../../import';
import { FORMATS } from '../../render';
import type { List } from './listed';

export type Values =
  | { readonly kind: 'none' | 'file' | 'directory' | 'command' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Asked of sysieve when it is needed. */
  | { readonly kind: 'listed'; readonly list: List };

export interface OptionWords {
  /** -o, --output */
  readonly flags: readonly string[];
  readonly description: string;
  /** null: takes no value. */
  readonly value: Values | null;
  readonly variadic: boolean;
}

export interface ArgumentWords {
  readonly name: string;
  readonly values: Values;
  readonly variadic: boolean;
}

export interface CommandWords {
  readonly name: string;
  readonly names: readonly string[];
  readonly summary: string;
  readonly options: readonly OptionWords[];
  readonly arguments: readonly ArgumentWords[];
  /** It runs a command, which stands behind --; */
  readonly runs: boolean;
  /** which may be left out. */
  readonly passThrough: boolean;
}

export interface ProgramWords {
  readonly name: string;
  readonly options: readonly OptionWords[];
  readonly commands: readonly CommandWords[];
}

/** Of a text of any kind one line without control characters. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** By what stands for a value in the help of options and arguments. */
const BY_PLACEHOLDER: Readonly<Record<string, Values>> = {
  file: { kind: 'file' },
  profile: { kind: 'file' },
  recording: { kind: 'file' },
  path: { kind: 'file' },
  old: { kind: 'file' },
  new: { kind: 'file' },
  directory: { kind: 'directory' },
  dir: { kind: 'directory' },
};

/** Names that are there already; what an option names may be new. */
const ARGUMENTS: Readonly<Record<string, Values>> = {
  ...BY_PLACEHOLDER,
  command: { kind: 'command' },
  app: { kind: 'listed', list: 'apps' },
  session: { kind: 'listed', list: 'sessions' },
  call: { kind: 'listed', list: 'calls' },
};
const OPTIONS: Readonly<Record<string, Values>> = {
  '--app': { kind: 'listed', list: 'apps' },
};

/** What a command checks itself, so that commander does not know it; a test holds it to that. */
export const CHECKED = new Map<string, readonly string[]>([
  ['export --to', [...EXPORT_FORMATS.keys()]],
  ['import --from', [...IMPORT_FORMATS.keys()]],
  ...['diff', 'lint', 'inspect'].map((name) => [`${name} --format`, FORMATS] as const),
  ['diff --fail-on', ['widen', 'high', 'medium', 'any']],
  ['lint --fail-on', ['high', 'medium', 'any']],
  ['inspect --fail-on', ['high', 'medium', 'any']],
  ['diff --reading', ['docker', 'podman']],
  ['diff --engine', ['auto', 'docker', 'podman', 'cri', 'oci', 'runc', 'crun']],
]);

function valueWords(command: Command, { flags, long, argChoices }: Option): Values | null {
  const placeholder = /[<[]([^>\].]*)/.exec(flags)?.[1];
  if (placeholder === undefined) return null;
  const words = argChoices ?? CHECKED.get(`${command.name()} ${long}`);
  if (words !== undefined) return { kind: 'words', words };
  return OPTIONS[long ?? ''] ?? BY_PLACEHOLDER[placeholder] ?? { kind: 'none' };
}

function optionWords(command: Command, option: Option): OptionWords {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: oneLine(option.description),
    value: valueWords(command, option),
    variadic: option.variadic,
  };
}

function optionsOf(command: Command): OptionWords[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => optionWords(command, option));
}

function argumentWords(argument: Argument, passThrough: boolean): ArgumentWords {
  const name = argument.name();
  const { argChoices: words, variadic } = argument;
  if (words !== undefined) return { name, values: { kind: 'words', words }, variadic };
  const values = ARGUMENTS[name] ?? { kind: 'none' };
  // What has to stand behind -- is not offered before it.
  const behind = values.kind === 'command' && !passThrough;
  return { name, values: behind ? { kind: 'none' } : values, variadic };
}

function commandWords(command: Command): CommandWords {
  const taken = command.registeredArguments;
  // Commander keeps it to itself.
  const { _passThroughOptions } = command as unknown as { _passThroughOptions?: boolean };
  const passThrough = _passThroughOptions === true;
  return {
    name: command.name(),
    names: [command.name(), ...command.aliases()],
    summary: oneLine(command.summary() || command.description()),
    options: optionsOf(command),
    arguments: taken.map((argument) => argumentWords(argument, passThrough)),
    runs: taken.some((argument) => ARGUMENTS[argument.name()]?.kind === 'command'),
    passThrough,
  };
}

/** `program`: with all of its commands. */
export function programWords(program: Command): ProgramWords {
  return {
    name: program.name(),
    options: optionsOf(program),
    commands: program.commands.map(commandWords),
  };
}
