import { type Command, InvalidArgumentError, Option } from 'commander';
import { recordAuto } from '../capture/auto';
import type { TracerName } from '../capture/binding-types';
import {
  type Recorded,
  type RecordHooks,
  recordCgroup,
  recordCommand,
  recordContainer,
  recordPid,
} from '../capture/record';
import type { EngineChoice } from '../engines';
import { SysieveError } from '../errors';
import { notifyAll, traceAll } from '../libseccomp';
import { parseDuration, recordWith } from './recorded';

interface Options {
  pid?: number;
  cgroup?: string;
  container?: string;
  pod?: string;
  stateDir?: string;
  engine: EngineChoice;
  output: string;
  duration?: number;
  untilStable?: number;
  min?: number;
  withoutStart?: true;
  denied?: true;
  boundary: 'namespace' | 'filter';
  json?: true;
  tracer: TracerName | 'auto';
  programs: 'auto' | 'typed' | 'raw';
  entryOnly?: true;
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('a process id is expected');
  return Number(text);
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
        .choices(['auto', 'docker', 'podman', 'cri', 'oci', 'runc', 'crun'])
        .default('auto'),
    )
    .option('--pod <ns/name[/container]>', 'a container of a Kubernetes pod on this node, by CRI')
    .option('--state-dir <dir>', 'with --engine runc or crun: the root directory they were given')
    .option('-o, --output <file>', 'where the recording is written; - is stdout', 'recording.json')
    .option('--duration <time>', 'end after this time, e.g. 90s, 10m, 2h', parseDuration)
    .option(
      '--until-stable <time>',
      'end when nothing new (no call, no arguments) was seen for so long, once a start was seen',
      parseDuration,
    )
    .option('--min <time>', 'with --until-stable: but not before this time', parseDuration)
    .option('--without-start', 'with --until-stable: of a target that runs, wait for no start')
    .option('--denied', 'watch denied calls even where no filter is known (a second tax per call)')
    .addOption(
      new Option('--boundary <how>', 'with --cgroup: which execve starts the application')
        .choices(['namespace', 'filter'])
        .default('namespace'),
    )
    .addOption(
      new Option('--tracer <name>', 'how calls are seen; auto: the first of them that works here')
        .choices(['auto', 'ebpf', 'ptrace', 'notify'])
        .default('auto'),
    )
    .addOption(
      // For tests, and to find out where a kernel's two kinds of tracepoint differ.
      new Option('--programs <kind>').choices(['auto', 'typed', 'raw']).default('auto').hideHelp(),
    )
    .option('--entry-only', 'with --tracer ptrace: one stop a call, not two; see below')
    .option('--json', 'print a summary as JSON on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sysieve record -o ls.json -- ls -l /\n' +
        '  sysieve record --container web -o web.json --duration 10m\n' +
        '  sysieve record --pod default/web-0/nginx -o web.json\n' +
        '  sysieve record --pid 4711 -o app.json\n' +
        '\nTracers:\n' +
        '  ebpf    counts in the kernel; needs root. Sees which calls were denied.\n' +
        '  ptrace  needs no more than the same user. Every call of the target costs it some 30 µs, no\n' +
        '          setuid program gains rights under it, denied calls look like failed ones, and what\n' +
        '          enters a container or starts there later is not seen. With --entry-only a command\n' +
        '          has a filter that stops it once a call, at half the cost: it is killed when its\n' +
        '          recording ends, and when sysieve does.\n' +
        '  notify  for commands, needs no privilege. Its filter stays with the command: without\n' +
        '          sysieve, every call of it answers ENOSYS. Calls that a filter of its own denies\n' +
        '          are not seen.\n',
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
    options.pod !== undefined ? '--pod' : null,
  ].filter((target) => target !== null);
  if (chosen.length !== 1) {
    const given =
      chosen.length === 0 ? 'no target given' : `${chosen.join(' and ')} exclude each other`;
    throw new SysieveError('usage', 'target-unclear', given, {
      remedy: 'Give one of --pid, --container, --pod, --cgroup, or -- COMMAND.',
    });
  }
  if ((options.tracer === 'ptrace' || options.tracer === 'notify') && options.denied === true) {
    const message = `--denied has no meaning with --tracer ${options.tracer}`;
    throw new SysieveError('usage', 'denied-unseen', message, {
      remedy: 'It cannot tell denied calls from others: leave out --denied, or use --tracer ebpf.',
    });
  }
  if (options.untilStable !== undefined && options.pid !== undefined && !options.withoutStart) {
    throw new SysieveError('usage', 'start-unseen', '--until-stable waits for a start', {
      remedy: 'A process that runs shows none: add --without-start, and record a start apart.',
    });
  }
  const { tracer, programs } = options;
  const denied = options.denied === true;
  const entryOnly = options.entryOnly === true;
  if (entryOnly && (tracer !== 'ptrace' || command.length === 0)) {
    throw new SysieveError(
      'usage',
      'entry-only-unfit',
      '--entry-only is for commands under ptrace',
      {
        remedy: 'Give --tracer ptrace and put the command last, or leave --entry-only out.',
      },
    );
  }
  if (tracer === 'notify' && command.length === 0) refuseAttaching();
  checkPlace(options);
  const advice = entryOnly ? ['the command is killed when its recording or sysieve ends'] : [];
  const body: Parameters<typeof recordWith>[1] = (hooks, onStarted) => {
    const recordBy = (chosen: TracerName, hooks: RecordHooks): Promise<Recorded> => {
      const how = { tracer: chosen, denied, programs };
      if (options.pid !== undefined) return recordPid(options.pid, how, hooks);
      if (options.pod !== undefined) {
        return recordContainer(options.pod, { ...how, engine: 'cri' }, hooks);
      }
      if (options.container !== undefined) {
        const { engine, stateDir } = options;
        return recordContainer(options.container, { ...how, engine, stateDir }, hooks);
      }
      if (options.cgroup !== undefined) {
        return recordCgroup(options.cgroup, { ...how, execRule: options.boundary }, hooks);
      }
      const filter =
        chosen === 'notify' ? { program: notifyAll(), flags: 0, partial: false } : undefined;
      const more = { ...(filter && { filter }), ...(entryOnly && { stops: traceAll() }) };
      return recordCommand(command, { ...how, ...more, onStarted }, hooks);
    };
    if (tracer !== 'auto') return recordBy(tracer, hooks);
    const ebpfOnly = denied || programs !== 'auto';
    return recordAuto({ command: command.length > 0, ebpfOnly }, hooks, recordBy);
  };
  await recordWith(options, body, advice);
}

/** Options that say where a container is, and contradict the rest. */
function checkPlace({ pod, container, engine, stateDir }: Options): void {
  if (pod !== undefined && !/^[^/]+\/[^/]+(\/[^/]+)?$/.test(pod)) {
    throw new SysieveError('usage', 'pod-unclear', `--pod "${pod}" names no pod`, {
      remedy: 'Give NAMESPACE/POD or NAMESPACE/POD/CONTAINER, as kubectl get pods -A lists them.',
    });
  }
  if (pod !== undefined && engine !== 'auto' && engine !== 'cri') {
    throw new SysieveError('usage', 'pod-engine', `${engine} has no pods of Kubernetes`, {
      remedy: 'Leave --engine out: --pod is looked up by the CRI.',
    });
  }
  if (stateDir === undefined) return;
  if (container === undefined || !['oci', 'runc', 'crun'].includes(engine)) {
    throw new SysieveError('usage', 'state-dir-unfit', '--state-dir is of runc and crun', {
      remedy: 'Give --container ID and --engine runc or --engine crun with it.',
    });
  }
}

/** A filter can be given to what one starts, to nothing that runs. */
function refuseAttaching(): never {
  throw new SysieveError(
    'usage',
    'tracer-cannot-attach',
    'the notify tracer records commands only',
    {
      remedy: "Put the command last (-- COMMAND); for a container see 'sysieve agent --help'.",
    },
  );
}
