/** sysieve run: enforces a profile on a command, without a container engine. */

import type { Command } from 'commander';
import { type Launched, refusal, shellStatus, startStopped } from '../capture/launch';
import { notified, recordCommand } from '../capture/record';
import { SysieveError } from '../errors/index';
import { readTextFile, sourceName } from '../io';
import {
  ACTIONS,
  type Compiled,
  compile,
  complaining,
  evaluate,
  nativeArchitecture,
  nativeNumber,
  version,
} from '../libseccomp/index';
import { type Profile, parseProfile } from '../profile/index';
import { say, warn } from './output';
import { recordWith } from './recorded';
import { terminalSentToo } from './signals';
import { parseDuration } from './units';

export function register(program: Command): void {
  // Options after the command are the command's own.
  program.enablePositionalOptions();
  program
    .command('run')
    .summary('run a command under a profile, as a container runtime would enforce it')
    .description(
      'run a command under a profile, as a container runtime would enforce it; ' +
        "exits with the command's status, 128 + the signal's number when it was killed.\n" +
        'With --complain nothing is denied: what the profile does not allow is recorded and let\n' +
        'through, what it allows runs at the speed of the filter and is not recorded. Needs no\n' +
        'privilege. Should sysieve end before the command does, such calls answer ENOSYS.',
    )
    .usage('--profile FILE [--complain -o RECORDING] [--] COMMAND [ARGUMENT...]')
    .requiredOption('--profile <file>', 'OCI seccomp profile; - is standard input')
    .option('--complain', 'deny nothing; record what the profile does not allow')
    .option('-o, --output <file>', 'with --complain: where the recording is written; - is stdout')
    .option('--duration <time>', 'with --complain: end after this time, e.g. 90s', parseDuration)
    .option('-q, --quiet', 'with --complain: show nothing of its progress')
    .option('--json', 'with --complain: print a summary as JSON on stdout')
    .argument('[command...]')
    .passThroughOptions()
    .action(async (command: string[], options: Options) => {
      if (options.complain === true) await complain(command, options);
      else process.exitCode = await run(command, options);
    });
}

interface Options {
  profile: string;
  complain?: true;
  output?: string;
  duration?: number;
  json?: true;
  quiet?: true;
}

function programOf(command: readonly string[]): string {
  const [name] = command;
  if (name !== undefined) return name;
  throw new SysieveError('usage', 'command-missing', 'no command to run', {
    remedy: "Put it last: 'sysieve run --profile FILE -- COMMAND'.",
  });
}

function compiledFrom(profile: Profile): Compiled {
  const compiled = compile(profile);
  if (compiled.skipped.length > 0) {
    warn(
      `libseccomp ${version()} does not know these names, which have no rule now: ${compiled.skipped.join(', ')}`,
    );
  }
  return compiled;
}

/** Records what the profile does not allow. A rule of NOTIFY has its listener here. */
async function complain(command: readonly string[], options: Options): Promise<void> {
  programOf(command);
  const { output } = options;
  if (output === undefined) {
    throw new SysieveError(
      'usage',
      'output-missing',
      '--complain needs a place for the recording',
      {
        remedy: 'Give one with -o FILE; - is standard output.',
      },
    );
  }
  const source = sourceName(options.profile);
  const profile = parseProfile(await readTextFile(options.profile), source);
  const { program, flags } = compiledFrom(profile);
  const filter = { program: complaining(program), flags, partial: true };
  await recordWith(
    { ...options, output },
    (hooks, onStarted) =>
      recordCommand(
        command,
        { tracer: 'notify', denied: false, programs: 'auto', filter, onStarted },
        hooks,
      ),
    {
      advice: [`should sysieve end before the command, ${notified(filter)} answers ENOSYS`],
      command: true,
    },
  );
}

async function run(command: readonly string[], options: Options): Promise<number> {
  const name = programOf(command);
  refuseWithoutComplaint(options);
  const source = sourceName(options.profile);
  const profile = parseProfile(await readTextFile(options.profile), source);
  refuseNotify(profile, source);
  const compiled = compiledFrom(profile);
  refuseWithoutExecve(compiled, source);

  const launched = await startStopped(command, {
    filter: compiled.program,
    filterFlags: compiled.flags,
  });
  const stopForwarding = forwardSignals(launched);
  launched.go();
  const status = await launched.exited;
  stopForwarding();
  const failure = launched.failure();
  if (failure !== null) throw refusal(name, failure);
  if (status.signal === 'SIGSYS') {
    say(
      'sysieve: the command was killed by SIGSYS: it made a system call that the profile answers with ' +
        'KILL or TRAP, or one in an ABI the profile does not list',
    );
  }
  return shellStatus(status);
}

function refuseWithoutComplaint({ output, duration, json, quiet }: Options): void {
  if ([output, duration, json, quiet].every((option) => option === undefined)) return;
  throw new SysieveError('usage', 'option-without-complain', 'run enforces and records nothing', {
    remedy: 'Add --complain to record, or leave -o, --duration, --quiet and --json out.',
  });
}

/** Without a listener the kernel would answer ENOSYS: not what the profile says. */
function refuseNotify(profile: Profile, source: string): void {
  if (!profile.syscalls.some((rule) => rule.action === 'SCMP_ACT_NOTIFY')) return;
  throw new SysieveError('input', 'profile-needs-listener', `${source} uses SCMP_ACT_NOTIFY`, {
    remedy: 'Give those calls another action: run has no listener to ask.',
  });
}

/** The one call the launcher makes after the filter is in place. */
function refuseWithoutExecve({ program }: Compiled, source: string): void {
  const call = { arch: nativeArchitecture().audit, nr: nativeNumber('execve') };
  const { action, readsArguments } = evaluate(program, call);
  const passes = action === ACTIONS.SCMP_ACT_ALLOW || action === ACTIONS.SCMP_ACT_LOG;
  // What hangs on an argument shows at the start, and is reported then.
  if (passes || readsArguments) return;
  throw new SysieveError(
    'input',
    'profile-without-launcher',
    `${source} denies execve, which sysieve's launcher needs to start the command`,
    {
      cause: `the filter answers execve with 0x${action.toString(16).padStart(8, '0')}`,
      remedy:
        "Make it with 'sysieve minimise --runtime sysieve,runc,crun': it lacks the calls of that launcher.",
    },
  );
}

const FORWARDED = ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTERM'] as const;

function forwardSignals(launched: Launched): () => void {
  const forward = (signal: NodeJS.Signals): void => {
    if (!terminalSentToo(signal)) launched.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}
