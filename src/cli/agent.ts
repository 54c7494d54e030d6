/** sysieve agent: complain mode for containers. */
import { statSync } from 'node:fs';
import { machine } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { runAgent } from '../capture/agent';
import { SysieveError } from '../errors';
import { readTextFile, sourceName } from '../io';
import { notifyingProfile, type Profile, parseProfile, serializeProfile } from '../profile';
import type { Run } from '../recording';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { abisOfMachine, archOf } from '../tables';
import { emit } from './output';
import { writeRun } from './recorded';
import { summary } from './summary';
import { printable } from './terminal';

interface Options {
  socket: string;
  output?: string;
  printProfile?: true;
  profile?: string;
  runtime: 'any' | 'runc' | 'crun';
}

/** What crun makes to hand a listener over, beside the calls of any start: it awaits a helper. */
const CRUN_HANDOVER = ['kill', 'munmap', 'wait4'];

export function register(program: Command): void {
  program
    .command('agent')
    .summary('record what containers do outside a profile, and let it through')
    .description(
      'Listens on a unix socket for the seccomp listeners of containers, which runc and crun send there\n' +
        'when the profile has it as listenerPath, and writes one recording for each container process.\n' +
        '--print-profile makes such a profile: what FILE does not permit is asked about, by name. Not\n' +
        "asked about: 'write' and what runc and crun call in a start, some of it before they hand the\n" +
        'listener over, which are let through, and numbers without a name, which answer ENOSYS.\n' +
        'While no agent listens no such container starts; when the agent ends, calls outside the profile\n' +
        'answer ENOSYS in those that run.',
    )
    .requiredOption('--socket <path>', 'the unix socket, made by the agent for its user alone')
    .option('-o, --output <directory>', 'where the recordings are written, one file each')
    .option('--print-profile', 'print a profile for containers of this agent, and end')
    .option('--profile <file>', 'with --print-profile: what is permitted without being asked about')
    .addOption(
      new Option('--runtime <name>', 'with --print-profile: for containers of this runtime only')
        .choices(['any', 'runc', 'crun'])
        .default('any'),
    )
    .action(async (options: Options) => {
      if (options.printProfile === true) await printProfile(options);
      else await agent(options);
    });
}

async function printProfile({ socket, profile: file, output, runtime }: Options): Promise<void> {
  if (output !== undefined) {
    throw new SysieveError('usage', 'options-exclude', '--print-profile records nothing', {
      remedy: 'Leave -o out, or --print-profile.',
    });
  }
  const profile =
    file === undefined ? null : parseProfile(await readTextFile(file), sourceName(file));
  const native = (abisOfMachine(machine()) ?? []).map(archOf) as Profile['architectures'];
  const unasked = await callsOfStart(runtime);
  await emit(serializeProfile(notifyingProfile(profile, resolve(socket), native, unasked)));
}

/**
 * The runtime's init may be under its filter long before the listener reaches anybody, and would wait
 * for ever for an answer to any of these (measured: runc 1.1.5, in futex; crun 1.8.1).
 */
async function callsOfStart(runtime: Options['runtime']): Promise<string[]> {
  const chosen = (await loadBaselines(BASELINES_DIRECTORY, true)).filter(
    (baseline) => runtime === 'any' || baseline.runtime === runtime,
  );
  const names = chosen.flatMap(({ conditions }) =>
    conditions.flatMap(({ calls }) => calls.map(({ name }) => name)),
  );
  return [...new Set([...names, ...(runtime === 'runc' ? [] : CRUN_HANDOVER)])];
}

async function agent({ socket, output, profile }: Options): Promise<void> {
  if (profile !== undefined) {
    throw new SysieveError('usage', 'options-exclude', 'the profile is given to the containers', {
      remedy: 'Make one with --print-profile, and give it to the engine.',
    });
  }
  if (output === undefined) {
    throw new SysieveError('usage', 'output-missing', 'the agent needs a place for recordings', {
      remedy: 'Give a directory with -o.',
    });
  }
  requireDirectory(output);
  refuseSharedDirectory(socket);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => ending.abort());
  }
  const say = (text: string): void => {
    process.stderr.write(`sysieve: ${printable(text)}\n`);
  };
  await runAgent(socket, {
    signal: ending.signal,
    onReady() {
      say(`listening on ${socket}`);
      say('should sysieve end before a container, its calls outside the profile answer ENOSYS');
    },
    onNote: say,
    async onRun(run) {
      const path = join(output, fileName(run));
      await writeRun(path, run);
      say(`container ${run.target.id}: ${summary(run).join('; ')}`);
      say(`written to ${path}`);
    },
  });
}

/** The container's id is the runtime's word, a file name is not. */
function fileName(run: Run): string {
  const id = (run.target.id ?? '').replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
  return `${id}-${run.id.slice(0, 8)}.json`;
}

function requireDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new SysieveError('usage', 'directory-missing', `no such directory: ${printable(path)}`, {
    remedy: 'Make it first: recordings are written there, one file each.',
  });
}

/** Whoever may put another socket in this one's place is sent the listeners of containers. */
function refuseSharedDirectory(socket: string): void {
  const directory = dirname(resolve(socket));
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status === undefined) return; // the bind tells
  const STICKY = 0o1000;
  if ((status.mode & 0o022) === 0 || (status.mode & STICKY) !== 0) return;
  throw new SysieveError('input', 'socket-exposed', `others may write to ${printable(directory)}`, {
    remedy: 'Put the socket into a directory that only its owner may write to, such as /run.',
  });
}
