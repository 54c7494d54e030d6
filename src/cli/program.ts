/** The command line: which commands there are, and what all of them have in common. */
import { Command } from 'commander';
import { packageVersion } from './version';

interface CommandModule {
  /** `whole`: the program with all commands, for those that tell about others. */
  register(program: Command, whole: () => Promise<Command>): void;
}

interface Entry {
  readonly name: string;
  readonly alias?: string;
  /** What follows the name in the list of commands, as commander writes it: [options] <argument>. */
  readonly usage: string;
  /** The line in the list of commands. */
  readonly summary: string;
  load(): Promise<CommandModule>;
}

/**
 * In the order of the help, which says what stands here and loads no command: the file of a command
 * is loaded when that command is named. test/unit/program.test.ts holds the table to the files.
 */
export const COMMANDS: readonly Entry[] = [
  {
    name: 'record',
    usage: '[options] [command...]',
    summary: 'record the system calls of a command, process, cgroup or container',
    load: () => import('./record.js'),
  },
  {
    name: 'init',
    usage: '[options]',
    summary: 'write a config for a container or a Compose file',
    load: () => import('./init.js'),
  },
  {
    name: 'profile',
    usage: '[options] [app...]',
    summary: 'make or update the profiles of the apps in sysieve.config.json',
    load: () => import('./profile.js'),
  },
  {
    name: 'sessions',
    usage: '[options]',
    summary: 'list the recordings that go on without a process',
    load: () => import('./sessions.js'),
  },
  {
    name: 'stop',
    usage: '[options] <session>',
    summary: 'end a recording that goes on without a process, and write it',
    load: () => import('./stop.js'),
  },
  {
    name: 'minimise',
    alias: 'minimize',
    usage: '[options] <recording...>',
    summary: 'make a least-privilege seccomp profile of recordings',
    load: () => import('./minimise.js'),
  },
  {
    name: 'reach',
    usage: '[options] <recording...>',
    summary: 'say which calls the recorded executables can make and no run made',
    load: () => import('./reach.js'),
  },
  {
    name: 'check',
    usage: '[options] [app...]',
    summary: 'fail where an app needs more than its committed profile permits',
    load: () => import('./check.js'),
  },
  {
    name: 'merge',
    usage: '[options] <file...>',
    summary: 'merge recordings, or profiles into the union of what they permit',
    load: () => import('./merge.js'),
  },
  {
    name: 'verify',
    usage: '[options] [profile] [command...]',
    summary: 'prove a profile on recordings, or try it in a real run and repair it',
    load: () => import('./verify.js'),
  },
  {
    name: 'diff',
    usage: '[options] <old> <new>',
    summary: 'say exactly what a change of a profile permits and refuses',
    load: () => import('./diff.js'),
  },
  {
    name: 'lint',
    usage: '[options] <profile...>',
    summary: 'find what is dangerous, void or mistaken in profiles',
    load: () => import('./lint.js'),
  },
  {
    name: 'explain',
    usage: '[options] <call> [profile]',
    summary: 'say what a call does, its rule in a profile, why it is there and who needs it',
    load: () => import('./explain.js'),
  },
  {
    name: 'report',
    usage: '[options] <file...>',
    summary: 'write recordings and a profile as a page to read',
    load: () => import('./report.js'),
  },
  {
    name: 'inspect',
    usage: '[options]',
    summary: 'say how a running container is isolated, what that means and the remedy',
    load: () => import('./inspect.js'),
  },
  {
    name: 'export',
    usage: '[options] <profile...>',
    summary: 'write profiles in the format of a platform or of another tool',
    load: () => import('./export.js'),
  },
  {
    name: 'import',
    usage: '[options] <file...>',
    summary: 'read profiles or recordings from the formats of platforms and other tools',
    load: () => import('./import.js'),
  },
  {
    name: 'run',
    usage: '[options] [command...]',
    summary: 'run a command under a profile, as a container runtime would enforce it',
    load: () => import('./run.js'),
  },
  {
    name: 'agent',
    usage: '[options]',
    summary: 'record what containers do outside a profile, and let it through',
    load: () => import('./agent.js'),
  },
  {
    name: 'hook',
    usage: '[options]',
    summary: 'record containers from their first instruction, called as an OCI hook',
    load: () => import('./hook.js'),
  },
  {
    name: 'git-diff-driver',
    usage: '[options] <argument...>',
    summary: 'show what a change to a profile means in git diff',
    load: () => import('./git-diff-driver.js'),
  },
  {
    name: 'git-textconv',
    usage: '<file>',
    summary: "print a profile as one line for each call and rule, for git's textconv",
    load: () => import('./git-textconv.js'),
  },
  {
    name: 'doctor',
    usage: '[options]',
    summary: 'say what this host lacks for recording and enforcing, and the remedy',
    load: () => import('./doctor.js'),
  },
  {
    name: 'schema',
    usage: '[options] <name>',
    summary: 'print the JSON Schema of a file format',
    load: () => import('./schema.js'),
  },
  {
    name: 'completion',
    usage: '[options] [shell]',
    summary: 'print what makes a shell complete the command line of sysieve',
    load: () => import('./completion.js'),
  },
];

/** Paragraphs as one line each: how long a line may be is known where the help is printed. */
function reflowed(text: string): string {
  return text.replace(/([^\n])\n(?=[^\n])/g, '$1 ');
}

function bare(): Command {
  const program = new Command('sysieve');
  const help = program.createHelp();
  return (
    program
      .description(
        'Records the system calls of a container and minimises them into a seccomp profile.',
      )
      .version(packageVersion())
      // Before the commands are added, so that they inherit it: main decides how to end, and prints.
      .exitOverride()
      .configureOutput({ outputError: () => undefined })
      .configureHelp({
        subcommandTerm: (command) =>
          `${[command.name(), ...command.aliases()].join('|')} ${command.usage()}`,
        commandDescription: (command) => reflowed(help.commandDescription(command)),
      })
      .showSuggestionAfterError(true)
  );
}

/** Every command with all that it takes, for what tells about all of them. */
export async function wholeProgram(): Promise<Command> {
  const program = bare();
  for (const { load } of COMMANDS) (await load()).register(program, wholeProgram);
  const { addExamples } = await import('./examples.js');
  return addExamples(program);
}

/** The command that a command line names: its first word, or the one after `help`. */
function named(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

/** True as well where -h is a word of a command to be run: then help is made ready in vain. */
function wantsHelp(args: readonly string[]): boolean {
  return args.length === 0 || args[0] === 'help' || args.includes('--help') || args.includes('-h');
}

/** `args`: the whole command line behind the program's own name. */
export async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = bare();
  const name = named(args);
  const one = COMMANDS.find((entry) => [entry.name, entry.alias].includes(name));
  if (name !== undefined && one !== undefined) {
    (await one.load()).register(program, wholeProgram);
  } else {
    // For the help, and for what was meant instead of a command that there is not.
    for (const { name, alias, usage, summary } of COMMANDS) {
      const listed = program.command(name).summary(summary).usage(usage);
      if (alias !== undefined) listed.alias(alias);
    }
  }
  if (!wantsHelp(args)) return program;
  const { addExamples } = await import('./examples.js');
  return addExamples(program);
}
