/**
 * `sysieve record`: what it takes. What it does lies in files of its own, which are loaded while the
 * tracer's programs are.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { prepare } from '../capture/prepare';
import type { Options } from './record-options';
import { parseDuration, parseSize } from './units';

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('expected the id of a process');
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
    .option('--all', 'every container, also those that start later, of one of the next two')
    .option('--image <image>', 'with --all: of this image; --container: of the image of that one')
    .option('--label <key[=value]>', 'with --all: with this label')
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
    .option('--detach', 'go on without a process, until sysieve stop; see below')
    .option('--session-name <name>', 'with --detach: what sessions and stop call it')
    .option(
      '--max-memory <size>',
      'with --detach: of the kernel, that all sessions may take when full (default: 256M)',
      parseSize,
    )
    .option(
      '--reach',
      'also scan its executables and what they load, into NAME.reach.json; see sysieve reach',
    )
    .option('-q, --quiet', 'show nothing of its progress, neither live nor as lines in a log')
    .option('--json', 'print a summary as JSON on stdout')
    .addHelpText(
      'after',
      '\nTracers:\n' +
        '  ebpf    counts in the kernel; needs root. Sees which calls were denied.\n' +
        '  ptrace  needs no more than the same user. Every call of the target costs it some 30 µs, no\n' +
        '          setuid program gains rights under it, denied calls look like failed ones, and what\n' +
        '          enters a container or starts there later is not seen. With --entry-only a command\n' +
        '          has a filter that stops it once a call, at half the cost: it is killed when its\n' +
        '          recording ends, and when sysieve does.\n' +
        '  notify  for commands, needs no privilege. Its filter stays with the command: without\n' +
        '          sysieve, every call of it answers ENOSYS. Calls that a filter of its own denies\n' +
        '          are not seen.\n' +
        '\nDetached:\n' +
        '  What counts calls stays in the kernel, held by files below /sys/fs/bpf/sysieve, and needs no\n' +
        '  process: nothing that is killed ends it but the machine. With eBPF only, for what runs\n' +
        '  already or a container.\n',
    )
    .action(async (command: string[], options: Options, self: Command) => {
      const { tracer, programs, detach, pid, container, pod, cgroup } = options;
      if (options.all === true) {
        const { recordEvery } = await import('./record-all.js');
        return recordEvery(command, options);
      }
      // Whatever is wrong with that comes out where they are used.
      const target = command[0] ?? pid ?? container ?? pod ?? cgroup;
      const ebpf = target !== undefined && (tracer === 'auto' || tracer === 'ebpf');
      const prepared = ebpf ? prepare(programs) : undefined;
      const given = (name: string): boolean => self.getOptionValueSource(name) === 'cli';
      if (detach === true) {
        const { recordDetached } = await import('./record-detached.js');
        await recordDetached(command, options, given, prepared);
      } else {
        const { record } = await import('./record-attached.js');
        await record(command, options, prepared);
      }
    });
}
