/** `sysieve hook`: called by a container runtime, as a container is made and when it has stopped. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SysieveError } from '../errors';
import { evidencePath, readTextFile } from '../io';
import { mergeRecordings, parseRecording, type Run, serializeRecording } from '../recording';
import { checkPlace, readPlace, removePlace, writePlace } from '../staging/hook/place';
import {
  PROFILE_ANNOTATION,
  parseState,
  RECORD_ANNOTATION,
  type Request,
  requestOf,
  type State,
  wantsFailClosed,
} from '../staging/hook/request';
import { endSession, startSession } from '../staging/hook/session';
import { emitJson } from './output';
import { summary } from './summary';
import { printable } from './terminal';

interface Options {
  outputDir?: string[];
  log?: string;
  failClosed?: true;
  always?: true;
  printConfig?: true;
  when: 'annotation' | 'always';
}

const USUAL_LOG = '/var/log/sysieve-hook.log';
/** A runtime waits for its hooks; one that hangs would hang the container. */
const START_MS = 10_000;

function parseDirectory(text: string, before: string[] = []): string[] {
  if (!text.startsWith('/') || text.split('/').includes('..')) {
    throw new InvalidArgumentError('an absolute path is expected');
  }
  return [...before, resolve(text)];
}

export function register(program: Command): void {
  program
    .command('hook')
    .summary('record containers from their first instruction, called as an OCI hook')
    .description(
      'Called by a container runtime with the state of the container on standard input: as it is made,\n' +
        'a recording without a process begins on it; when it has stopped, that is written. Annotations\n' +
        `of the container say where: ${PROFILE_ANNOTATION}="of:PROFILE;if:PROFILE"\n` +
        `(the profile to make, and one to extend) and ${RECORD_ANNOTATION}="of:RECORDING;fail:closed".\n` +
        'Paths are absolute and below --output-dir. What goes wrong is told in the log and in\n' +
        'FILE.failed.txt beside the output; it keeps no container from starting unless asked to.',
    )
    .option('--output-dir <directory>', 'where files may be read and written', parseDirectory)
    .option('--log <file>', 'lines about what happened are appended to it, beside stderr')
    .option('--fail-closed', 'a container that was to be recorded and cannot be does not start')
    .option('--always', 'record containers without annotations too: OUTPUT-DIR/ID.recording.json')
    .option('--print-config', 'print the file for hooks.d (podman --hooks-dir, CRI-O), and end')
    .addOption(
      new Option('--when <what>', 'with --print-config: for containers with annotations, or all')
        .choices(['annotation', 'always'])
        .default('annotation'),
    )
    .action(async (options: Options) => {
      const { outputDir } = options;
      if (outputDir === undefined) {
        throw new SysieveError('usage', 'output-dir-missing', 'the hook needs --output-dir', {
          remedy: 'Name the directory below which containers may have their files written.',
        });
      }
      if (options.printConfig === true) await printConfig(options, outputDir);
      else await hook(options, outputDir);
    });
}

async function printConfig(options: Options, directories: readonly string[]): Promise<void> {
  const { when, failClosed, log = USUAL_LOG } = options;
  const args = [
    ...['node', resolve(process.argv[1] ?? ''), 'hook', '--log', log],
    ...directories.flatMap((directory) => ['--output-dir', directory]),
    ...(failClosed === true ? ['--fail-closed'] : []),
    ...(when === 'always' ? ['--always'] : []),
  ];
  const own = ['SYSIEVE_BPFFS', 'SYSIEVE_RUNTIME_DIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  // Without any, a hook has the environment of whoever calls the engine, NODE_OPTIONS included.
  const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...own];
  const either = [PROFILE_ANNOTATION, RECORD_ANNOTATION].map((name) => name.replaceAll('.', '\\.'));
  await emitJson({
    version: '1.0.0',
    hook: { path: process.execPath, args, env },
    when:
      when === 'always' ? { always: true } : { annotations: { [`^(${either.join('|')})$`]: '.*' } },
    stages: ['createRuntime', 'poststop'],
  });
}

/** To stderr, which a runtime may show or drop, and to the log. */
function tell({ log }: Options, text: string): void {
  const line = `sysieve hook: ${printable(text)}\n`;
  process.stderr.write(line);
  if (log === undefined) return;
  const flags =
    constants.O_WRONLY |
    constants.O_APPEND |
    constants.O_CREAT |
    constants.O_NOFOLLOW |
    constants.O_NONBLOCK;
  try {
    const file = openSync(log, flags, 0o600);
    writeSync(file, `${new Date().toISOString()} ${line}`);
    closeSync(file);
  } catch (error) {
    process.stderr.write(`sysieve hook: ${printable(`cannot write ${log}: ${error}`)}\n`);
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof SysieveError)) return String(thrown);
  const { message, reason, remedy } = thrown;
  return [message, reason, remedy].filter((text) => text !== undefined).join('; ');
}

/** Beside each output; where none may be there, under the container's id. */
function notePaths(request: Request | null): string[] {
  const outputs = [request?.profile?.output, request?.recording?.output];
  return outputs.flatMap((path) => (path === undefined ? [] : [`${path}.failed.txt`]));
}

function plain(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 128);
}

/** Tells how many could be written: the log has it in any case. */
async function note(paths: readonly string[], directories: readonly string[], text: string) {
  const line = `${new Date().toISOString()} ${printable(text)}\n`;
  let written = 0;
  for (const path of paths) {
    await writePlace(path, directories, line).then(
      () => {
        written += 1;
      },
      () => undefined,
    );
  }
  return written;
}

/** Where a start failed the reason is there already; that no session was found is none. */
async function noteFailure(
  state: State,
  request: Request | null,
  directories: readonly string[],
  thrown: unknown,
  text: string,
): Promise<void> {
  const elsewhere = `${directories[0]}/${plain(state.id)}.failed.txt`;
  const paths = notePaths(request);
  if (thrown instanceof SysieveError && thrown.code === 'session-not-found') {
    for (const path of [...paths, elsewhere]) {
      if ((await readPlace(path, directories).catch(() => null)) !== null) return;
    }
  }
  if ((await note(paths, directories, text)) === 0) await note([elsewhere], directories, text);
}

async function hook(options: Options, directories: readonly string[]): Promise<void> {
  let state: State | null = null;
  let request: Request | null = null;
  let stopping = false;
  try {
    state = parseState(await readTextFile('-', 1 << 20));
    stopping = state.status === 'stopped';
    request = requestOf(state);
    if (request.profile === null && request.recording === null) {
      if (options.always !== true) return;
      request.recording = { output: `${directories[0]}/${plain(state.id)}.recording.json` };
    }
    if (stopping) await stop(options, state, request, directories);
    else await start(options, state, request, directories);
  } catch (thrown) {
    const what = stopping ? 'nothing was written' : 'it is not recorded';
    const text = `container ${state?.id ?? '?'}: ${what}: ${reasonOf(thrown)}`;
    tell(options, text);
    if (state !== null) await noteFailure(state, request, directories, thrown, text);
    const closed = options.failClosed === true || (state !== null && wantsFailClosed(state));
    if (closed && !stopping) throw thrown;
  }
}

async function start(
  options: Options,
  state: State,
  { profile, recording }: Request,
  directories: readonly string[],
): Promise<void> {
  const late = setTimeout(() => {
    tell(options, `container ${state.id}: given up after ${START_MS / 1000} s`);
    process.exit(options.failClosed === true || wantsFailClosed(state) ? 4 : 0);
  }, START_MS);
  try {
    const paths = [profile?.output, profile?.input, recording?.output];
    for (const path of paths) if (typeof path === 'string') await checkPlace(path, directories);
    const session = await startSession(state);
    tell(options, `container ${state.id}: recording as session ${session}`);
  } finally {
    clearTimeout(late);
  }
}

async function stop(
  options: Options,
  state: State,
  { profile, recording }: Request,
  directories: readonly string[],
): Promise<void> {
  await endSession(state, async (run) => {
    tell(options, `container ${state.id}: ${summary(run).join('; ')}`);
    if (recording !== null) {
      await attempt(recording.output, () => writeRecording(recording.output, directories, run));
    }
    if (profile === null) return;
    const made = await attempt(profile.output, () =>
      writeProfile(profile, directories, run, (text) =>
        tell(options, `container ${state.id}: ${text}`),
      ),
    );
    if (made || recording !== null) return;
    // What makes no profile was recorded all the same.
    const beside = `${profile.output}.recording.json`;
    await attempt(beside, () => writeRecording(beside, directories, run));
  });

  /** One output's failure is not the other's. */
  async function attempt(output: string, write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      await removePlace(`${output}.failed.txt`, directories);
      tell(options, `container ${state.id}: written to ${output}`);
      return true;
    } catch (thrown) {
      const text = `container ${state.id}: not written to ${output}: ${reasonOf(thrown)}`;
      tell(options, text);
      await note([`${output}.failed.txt`], directories, text);
      return false;
    }
  }
}

/** Beside the runs that are there: a container may start more than once. */
async function writeRecording(path: string, directories: readonly string[], run: Run) {
  const before = await readPlace(path, directories);
  const one = { version: 1 as const, runs: [run] };
  const all = before === null ? one : mergeRecordings([parseRecording(before, path), one]);
  await writePlace(path, directories, serializeRecording(all));
}

async function writeProfile(
  { output, input }: { output: string; input: string | null },
  directories: readonly string[],
  run: Run,
  onWarning: (text: string) => void,
): Promise<void> {
  let extended: { text: string; source: string } | null = null;
  if (input !== null) {
    const text = await readPlace(input, directories);
    if (text === null) {
      throw new SysieveError('input', 'hook-input', `${input}: there is no such profile`, {
        remedy: 'Name one that is there in if: of the annotation, or leave if: out.',
      });
    }
    extended = { text, source: input };
  }
  const { profileOf } = await import('../staging/hook/profile.js');
  const { profile, evidence } = await profileOf(run, extended, onWarning);
  const beside = evidencePath(output);
  // What an earlier one says of an earlier profile would be taken for this one's.
  if (evidence === null) await removePlace(beside, directories);
  else await writePlace(beside, directories, evidence);
  await writePlace(output, directories, profile);
}
