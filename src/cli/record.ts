import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TracerName } from '../capture/binding-types';
import type { Progress } from '../capture/capture';
import { shellStatus } from '../capture/launch';
import {
  type Recorded,
  recordCgroup,
  recordCommand,
  recordContainer,
  recordPid,
} from '../capture/record';
import type { EngineChoice } from '../engines';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic } from '../io';
import { missing, restartOnly } from '../minimise';
import { type Run, serializeRecording } from '../recording';
import { LiveLine } from './live';
import { terminalSentToo } from './signals';
import { printable } from './terminal';

interface Options {
  pid?: number;
  cgroup?: string;
  container?: string;
  engine: EngineChoice;
  output: string;
  duration?: number;
  denied?: true;
  boundary: 'namespace' | 'filter';
  json?: true;
  tracer: TracerName;
  programs: 'auto' | 'typed' | 'raw';
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('a process id is expected');
  return Number(text);
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 0);
  if (!(ms >= 1 && ms <= 0x7fffffff)) {
    throw new InvalidArgumentError('a time such as 90s, 10m or 2h is expected, at most 24 days');
  }
  return ms;
}

export function register(program: Command): void {
  program
    .command('record')
    .summary('record the system calls of a command, process, cgroup or container')
    .description(
      'Counts every system call of the target, by ABI, number and executable.\n' +
        'Ends with the command (and its descendants), at --duration, or on Ctrl-C; the recording is\n' +
        'written then. A container is followed over its restarts.',
    )
    .argument('[command...]', 'command to run from its first instruction; put -- before it')
    .option('--pid <pid>', 'a running process, its threads and descendants', parsePid)
    .option('--container <name>', 'a container, running or to be started, by name or id')
    .option('--cgroup <path>', 'a cgroup directory and all below it')
    .addOption(
      new Option('--engine <name>', 'where to look for the container')
        .choices(['auto', 'docker', 'podman'])
        .default('auto'),
    )
    .option('-o, --output <file>', 'where the recording is written; - is stdout', 'recording.json')
    .option('--duration <time>', 'end after this time, e.g. 90s, 10m, 2h', parseDuration)
    .option('--denied', 'watch denied calls even where no filter is known (a second tax per call)')
    .addOption(
      new Option('--boundary <how>', 'with --cgroup: which execve starts the application')
        .choices(['namespace', 'filter'])
        .default('namespace'),
    )
    .addOption(
      new Option('--tracer <name>', 'how calls are seen; ptrace needs no root, and slows them down')
        .choices(['ebpf', 'ptrace'])
        .default('ebpf'),
    )
    .addOption(
      // For tests, and to find out where a kernel's two kinds of tracepoint differ.
      new Option('--programs <kind>').choices(['auto', 'typed', 'raw']).default('auto').hideHelp(),
    )
    .option('--json', 'print a summary as JSON on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sysieve record -o ls.json -- ls -l /\n' +
        '  sysieve record --container web -o web.json --duration 10m\n' +
        '  sysieve record --pid 4711 -o app.json\n' +
        '\nTracers:\n' +
        '  ebpf    counts in the kernel; needs root. Sees which calls were denied.\n' +
        '  ptrace  needs no more than the same user. Every call of the target costs it some 30 µs, no\n' +
        '          setuid program gains rights under it, denied calls look like failed ones, and what\n' +
        '          enters a container or starts there later is not seen.\n',
    )
    .action(async (command: string[], options: Options) => {
      await record(command, options);
    });
}

async function record(command: string[], options: Options): Promise<void> {
  const chosen = [
    command.length > 0 ? 'a command' : null,
    options.pid !== undefined ? '--pid' : null,
    options.cgroup !== undefined ? '--cgroup' : null,
    options.container !== undefined ? '--container' : null,
  ].filter((target) => target !== null);
  if (chosen.length !== 1) {
    const given =
      chosen.length === 0 ? 'no target given' : `${chosen.join(' and ')} exclude each other`;
    throw new SysieveError('usage', 'target-unclear', given, {
      remedy: 'Give one of --pid, --container, --cgroup, or -- COMMAND.',
    });
  }
  if (options.json === true && options.output === '-') {
    throw new SysieveError('usage', 'stdout-twice', '--json and -o - both want stdout', {
      remedy: 'Write the recording to a file.',
    });
  }

  if (options.tracer === 'ptrace' && options.denied === true) {
    throw new SysieveError(
      'usage',
      'denied-unseen',
      '--denied has no meaning with --tracer ptrace',
      {
        remedy:
          'ptrace sees denied calls as calls and cannot tell them apart: leave out --denied, or use --tracer ebpf.',
      },
    );
  }

  // Before an hour of recording, not after it.
  await checkDestination(options.output);
  const ending = new AbortController();
  let forward: ((signal: NodeJS.Signals) => void) | null = null;
  let interrupts = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    interrupts += 1;
    // The recording ends when the command does; a second signal ends it at once.
    if (forward !== null && interrupts === 1) {
      if (!terminalSentToo(signal)) forward(signal);
      return;
    }
    ending.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);

  const live = new LiveLine(process.stderr);
  const say = (text: string): void => {
    live.clear();
    process.stderr.write(`sysieve: ${text}\n`);
  };
  let timer: NodeJS.Timeout | undefined;
  const hooks = {
    signal: ending.signal,
    onReady: (what: string): void => {
      say(`recording ${printable(what)}`);
      if (options.duration !== undefined) {
        timer = setTimeout(() => ending.abort(), options.duration);
      }
    },
    onProgress: (progress: Progress): void => live.update(progress),
    onNote: (note: string): void => say(printable(note)),
  };
  let recorded: Recorded;
  try {
    const { tracer, programs } = options;
    const denied = options.denied === true;
    const how = { tracer, denied, programs };
    if (options.pid !== undefined) recorded = await recordPid(options.pid, how, hooks);
    else if (options.container !== undefined) {
      recorded = await recordContainer(
        options.container,
        { ...how, engine: options.engine },
        hooks,
      );
    } else if (options.cgroup !== undefined) {
      recorded = await recordCgroup(options.cgroup, { ...how, execRule: options.boundary }, hooks);
    } else {
      const onStarted = (kill: (signal: NodeJS.Signals) => void): void => {
        forward = kill;
      };
      recorded = await recordCommand(command, { ...how, onStarted }, hooks);
    }
  } finally {
    clearTimeout(timer);
    live.clear();
  }
  const { run, exit } = recorded;
  await write(options.output, run);
  for (const line of summary(run)) say(line);
  if (options.output !== '-') say(`written to ${printable(options.output)}`);
  if (options.json === true) {
    const { calls, completeness, id } = run;
    const distinct = calls.length;
    const total = calls.reduce((sum, call) => sum + call.count, 0);
    process.stdout.write(
      `${JSON.stringify({ version: 1, recording: options.output, run: id, durationMs: run.durationMs, calls: total, distinct, completeness })}\n`,
    );
  }
  if (exit !== null) process.exitCode = shellStatus(exit);
}

/** A recording may have taken hours: where it cannot be written any more, it is kept elsewhere. */
async function write(path: string, run: Run): Promise<void> {
  const text = serializeRecording({ version: 1, runs: [run] });
  try {
    await writeFileAtomic(path, text);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || path === '-') throw thrown;
    const rescue = join(tmpdir(), `sysieve-recording-${run.id}.json`);
    const kept = await writeFileAtomic(rescue, text).then(
      () => true,
      () => false,
    );
    throw new SysieveError(thrown.kind, thrown.code, thrown.message, {
      cause: thrown.reason ?? thrown.code,
      remedy: kept
        ? `The recording was kept as ${rescue}.`
        : `The recording is lost: ${rescue} could not be written either.`,
    });
  }
}

function summary(run: Run): string[] {
  const total = run.calls.reduce((sum, call) => sum + call.count, 0);
  const denied = run.calls.reduce((sum, call) => sum + call.denied.count, 0);
  const { completeness } = run;
  const lines = [
    `${total} calls, ${run.calls.length} distinct, ${run.executables.length} executable(s)` +
      (denied > 0 ? `, ${denied} denied` : ''),
  ];
  if (completeness.complete) lines.push('complete: a start was seen and nothing was lost');
  else lines.push(`NOT complete: ${missing(run).join('; ')}`);
  const restart = restartOnly(run);
  if (restart !== null) lines.push(`note: ${restart}`);
  return lines;
}
