/**
 * Command lines of sysieve as documents have them, read by the program's own parser and not run:
 * which commands a text has, and what is wrong with each.
 */
import { type Command, CommanderError } from 'commander';
import { wholeProgram } from '../../src/cli/program';

/** A value that stands for another: FILE, NS/NAME, <file>, 10m|2h, …. */
function isPlaceholder(word: string): boolean {
  return /…|\.\.\.|[<>|${}]/.test(word) || /^[A-Z][A-Z0-9_/@:.-]*$/.test(word);
}

/** The program, that reads a command line as ever and then does nothing. */
export async function readingProgram(): Promise<Command> {
  const program = await wholeProgram();
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command !== program) command.action(() => undefined);
    for (const taken of [...command.options, ...command.registeredArguments]) {
      const { parseArg } = taken;
      if (parseArg === undefined) continue;
      // biome-ignore lint/suspicious/noExplicitAny: a parser gives what it likes
      taken.parseArg = (value: string, previous: any) =>
        isPlaceholder(value) ? previous : parseArg.call(taken, value, previous);
    }
  }
  return program;
}

/**
 * What the program has against these words behind its name; null: nothing. `partial`: words of a
 * sentence ("`sysieve minimise --explain`"), where arguments and required options may be missing.
 */
export function objection(
  program: Command,
  words: readonly string[],
  partial = false,
): string | null {
  const elided = partial || words.some((word) => /…|\.\.\./.test(word));
  const kept = words.filter((word) => word !== '…' && word !== '...');
  const mandatory = program.commands
    .flatMap(({ options }) => options)
    .filter((option) => option.mandatory);
  try {
    if (elided) for (const option of mandatory) option.mandatory = false;
    program.parse(kept, { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are asked for.
    if (error.exitCode === 0) return null;
    if (elided && error.code === 'commander.missingArgument') return null;
    if (elided && error.code === 'commander.optionMissingArgument') return null;
    return error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  } finally {
    for (const option of mandatory) option.mandatory = true;
  }
}

/** What may stand before a command: sudo, npx, X=1, a prompt, a step of a workflow. */
const BEFORE = /^(?:sudo|npx|exec|time|env|then|do|if|!|[$#]|-|run:|entry:|[A-Z_][A-Z0-9_]*=.*)$/;

/** Splits what a shell reads into commands of words, at ; & | and line ends. Redirections are left out. */
export function shellCommands(text: string): string[][] {
  const joined = text.replace(/\\\n\s*/g, ' ');
  const token =
    /\n|[;&]+|(?<=\s)\|+(?=\s)|(?<=\s|^)\d?(?:>>?|<)\s*(?:&\d|[^\s;&|]+)|(?<=\s|^)#[^\n]*|(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s;&"'\\])+/g;
  const commands: string[][] = [[]];
  for (const [found] of joined.matchAll(token)) {
    if (/^(?:\n|[;&]+|\|+)$/.test(found)) commands.push([]);
    else if (/^\d?(?:>|<[^<>]*$)/.test(found) || found.startsWith('#')) continue;
    else commands[commands.length - 1]?.push(unquoted(found));
  }
  return commands.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double, single, escaped) =>
    String(double ?? single ?? escaped),
  );
}

/** Of each command of sysieve in a shell's text the words behind the name. */
export function sysieveCommands(text: string): string[][] {
  return shellCommands(text).flatMap((words) => {
    const at = words.findIndex((word) => !BEFORE.test(word));
    const rest = words.slice(at);
    if (rest[0] === 'sysieve') return [rest.slice(1)];
    if (rest[0] === 'node' && rest[1] === 'dist/cli/main.js') return [rest.slice(2)];
    return [];
  });
}
