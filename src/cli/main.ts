#!/usr/bin/env node
/** The entry: runs a command and turns whatever it throws into a message and an exit status. */
import './tier';
import { CommanderError } from 'commander';
import { EXIT, SysieveError } from '../errors';
import { isBrokenPipe, reportError } from './output';
import { buildProgram } from './program';

function usageError(error: CommanderError): SysieveError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new SysieveError('usage', 'usage', message, { remedy: 'See sysieve --help.' });
}

/**
 * The exit status; null: the command has set process.exitCode itself, or is simply done. What ends
 * by itself (no process.exit here) loses no output.
 */
async function main(args: readonly string[]): Promise<number | null> {
  // Only before `--`: what follows belongs to a command to be run.
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  try {
    const program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return null;
  } catch (thrown) {
    // A check that had failed by then has failed.
    if (isBrokenPipe(thrown)) return null;
    if (!(thrown instanceof CommanderError)) return reportError(thrown, own.includes('--json'));
    // Help and version have been printed, and are what was asked for.
    if (thrown.exitCode === 0) return EXIT.done;
    if (thrown.code === 'commander.help') return EXIT.usage;
    return reportError(usageError(thrown), own.includes('--json'));
  }
}

process.stdout.on('error', (error) => {
  process.exit(isBrokenPipe(error) ? (process.exitCode ?? EXIT.done) : EXIT.system);
});

main(process.argv.slice(2)).then(
  (status) => {
    if (status !== null) process.exitCode = status;
  },
  (thrown) => {
    // Only printing the error itself can bring us here.
    process.exitCode = isBrokenPipe(thrown) ? EXIT.done : EXIT.defect;
  },
);
