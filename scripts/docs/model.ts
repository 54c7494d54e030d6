/** What the documents say of a command, whatever their format. */
import type { Command, Option } from 'commander';
import { EXAMPLES, type Example } from '../../src/cli/examples';
import { type Status, statusesOf } from './statuses';

export interface Described {
  readonly term: string;
  readonly words: string;
  readonly choices: readonly string[];
  /** As it is typed; null: none. */
  readonly default: string | null;
  readonly required: boolean;
}

/** A part of the help with a heading of its own. */
export interface Section {
  readonly title: string;
  readonly text: string;
}

export interface Page {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** sysieve NAME [options] … */
  readonly synopsis: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly arguments: readonly Described[];
  readonly options: readonly Described[];
  readonly sections: readonly Section[];
  readonly statuses: readonly Status[];
  readonly examples: readonly Example[];
}

function defaultOf(value: unknown): string | null {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return null;
  return String(value);
}

function optionDescribed(option: Option): Described {
  return {
    term: option.flags,
    words: option.description,
    choices: option.argChoices ?? [],
    default: defaultOf(option.defaultValue),
    required: option.mandatory,
  };
}

/** What the command's own file adds to its help, by heading; the examples are known otherwise. */
function sectionsOf(command: Command): Section[] {
  let help = '';
  const { writeOut } = command.configureOutput();
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  if (writeOut !== undefined) command.configureOutput({ writeOut });
  const added = help.slice(command.helpInformation().length).split('\nExamples:\n')[0] ?? '';
  return [...added.matchAll(/^(\S[^\n]*):\n((?:[ ][^\n]*\n|\n(?=[ ]))+(?:\S[^\n]*[^:]\n)*)/gm)].map(
    ([, title = '', text = '']) => ({ title, text: text.trimEnd() }),
  );
}

export function pageOf(command: Command): Page {
  const help = command.createHelp();
  const name = command.name();
  const description = command.description();
  return {
    name,
    aliases: command.aliases(),
    summary: command.summary() || description,
    synopsis: `sysieve ${name} ${command.usage()}`,
    // Where there is no summary the description is one: said already.
    description: command.summary() === '' ? [] : help.commandDescription(command).split(/\n\s*\n/),
    arguments: command.registeredArguments.map((argument) => ({
      term: argument.variadic ? `${argument.name()}...` : argument.name(),
      words: argument.description,
      choices: argument.argChoices ?? [],
      default: defaultOf(argument.defaultValue),
      required: argument.required,
    })),
    options: help
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map(optionDescribed),
    sections: sectionsOf(command),
    statuses: statusesOf(name),
    examples: EXAMPLES[name] ?? [],
  };
}
