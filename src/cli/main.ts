#!/usr/bin/env node
/** The entry: runs a command and turns whatever it throws into a message and an exit status. */
import './tier';
import { type Command, CommanderError } from 'commander';
import { EXIT, SysieveError } from '../errors';
import { isBrokenPipe, reportError } from './output';
import { buildProgram } from './program';

/** What commander says, in our voice: one sentence that begins small and has no full stop. */
function usageError(error: CommanderError): SysieveError {
  const message = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(
      /( is invalid(?: for argument '[^']*')?|^too many arguments[^.]*)\. (.)/,
      (_, is, first) => {
        return `${is}: ${first.toLowerCase()}`;
      },
    )
    .replace(/\.$/, '');
  return new SysieveError('usage', 'usage', message);
}

/** Usage errors that name nothing else name the help of the command. */
function withHelp(thrown: unknown, program: Command | null): unknown {
  if (!(thrown instanceof SysieveError) || thrown.kind !== 'usage') return thrown;
  if (thrown.remedy !== undefined) return thrown;
  // Where the line names a command, it is the only one that was loaded.
  const [command, other] = program?.commands ?? [];
  const help = command === undefined || other !== undefined ? '' : `${command.name()} `;
  return new SysieveError('usage', thrown.code, thrown.message, {
    ...(thrown.reason === undefined ? {} : { cause: thrown.reason }),
    remedy: `See 'sysieve ${help}--help'.`,
  });
}

/**
 * The exit status; null: the command has set process.exitCode itself, or is simply done. What ends
 * by itself (no process.exit here) loses no output.
 */
async function main(args: readonly string[]): Promise<number | null> {
  // Only before `--`: what follows belongs to a command to be run.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  let program: Command | null = null;
  try {
    program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return null;
  } catch (thrown) {
    // A check that had failed by then has failed.
    if (isBrokenPipe(thrown)) return null;
    if (!(thrown instanceof CommanderError)) {
      return reportError(withHelp(thrown, program), own.includes('--json'));
    }
    // Help and version have been printed, and are what was asked for.
    if (thrown.exitCode === 0) return EXIT.done;
    if (thrown.code === 'commander.help') return EXIT.usage;
    return reportError(withHelp(usageError(thrown), program), own.includes('--json'));
  }
}

process.stdout.on('error', (error) => {
  process.exit(isBrokenPipe(error) ? (process.exitCode ?? EXIT.done) : EXIT.system);
});

// Who reads no messages ends nothing, nor does a terminal that is gone (SIGHUP follows): a recording
// goes on, and the status says what became of it.
process.stderr.on('error', () => undefined);

main(process.argv.slice(2)).then(
  (status) => {
    if (status !== null) process.exitCode = status;
  },
  (thrown) => {
    // Only printing the error itself can bring us here.
    process.exitCode = isBrokenPipe(thrown) ? EXIT.done : EXIT.defect;
  },
);
