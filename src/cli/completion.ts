/** `sysieve completion SHELL`: a script by which a shell completes the command line of sysieve. */
import { Argument, type Command, Option } from 'commander';
import { SysieveError } from '../errors';
import { bashScript } from './completion/bash';
import { fishScript } from './completion/fish';
import { LISTS, type List, listed } from './completion/listed';
import { type ProgramWords, programWords } from './completion/model';
import { zshScript } from './completion/zsh';
import { emit } from './output';

const SCRIPTS: Readonly<Record<string, (words: ProgramWords) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function register(program: Command, whole: () => Promise<Command>): void {
  program
    .command('completion')
    .summary('print what makes a shell complete the command line of sysieve')
    .description(
      'Prints a script for a shell, made of the commands and options that this sysieve has. It asks sysieve ' +
        'for the apps of sysieve.config.json, for sessions and for the names of calls; names of containers ' +
        'are not completed.',
    )
    .addArgument(new Argument('[shell]', 'whose').choices(Object.keys(SCRIPTS)))
    // Asked by the scripts.
    .addOption(new Option('--list <what>').choices(LISTS).hideHelp())
    .action(async (shell: string | undefined, { list }: { list?: List }) => {
      if (list !== undefined) {
        await emit((await listed(list)).map((name) => `${name}\n`).join(''));
        return;
      }
      const script = SCRIPTS[shell ?? ''];
      if (script === undefined) {
        throw new SysieveError('usage', 'shell-missing', 'which shell is it for?', {
          remedy: `Name it: sysieve completion ${Object.keys(SCRIPTS).join('|')}.`,
        });
      }
      await emit(script(programWords(await whole())));
    });
}
