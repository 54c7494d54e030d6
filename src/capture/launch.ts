/**
 * Starts a command stopped before its first instruction, through the native launcher
 * (native/launch), optionally under a seccomp filter. Between startStopped() and go() the caller
 * can attach a tracer to the pid.
 *
 * Two things differ from a start by a shell, both of Node's making: the soft limit of open files is
 * raised to the hard one, and a death by a real-time signal looks like exit code 0.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants as os } from 'node:os';
import type { Readable } from 'node:stream';
import { SysieveError } from '../errors/index';
import { escapeUnsafe } from '../errors/text';
import { nativeFile, nativeRemedy } from '../install';

export interface LaunchOptions {
  /** sock_filter instructions, 8 bytes each, in host byte order. None: no filter, no no_new_privs. */
  filter?: Buffer;
  /** Flags of seccomp(SECCOMP_SET_MODE_FILTER). */
  filterFlags?: number;
  /**
   * Install the filter with a listener, and send that over this seqpacket socket (its own
   * descriptor number here), once, before the command's first instruction.
   */
  listenerSocket?: number;
  /** The command's environment, its PATH also the one searched. Default: this process's own. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Its standard input is empty, and its output comes through `output`. */
  piped?: boolean;
}

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Why the command never started although go() was called. */
export interface LaunchFailure {
  operation: LaunchOperation;
  /** The errno's name, e.g. EACCES. */
  errno: string;
}

export interface Launched {
  pid: number;
  /** Its standard output and error where they are piped; else none. */
  output: readonly Readable[];
  /** Lets the command start. Once. */
  go(): void;
  /** Never rejects. */
  exited: Promise<ExitStatus>;
  /** Null as long as the launcher or the command runs, and when the command did start. */
  failure(): LaunchFailure | null;
  /** Ends the launcher before go(); resolves when it is gone. After go() it does nothing. */
  abort(): Promise<void>;
  /** Sends a signal to the command; false when it has ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Lets this process end although the command runs on. */
  leave(): void;
}

/** In the order of native/launch/protocol.h. */
const OPERATIONS = [
  'none',
  'protocol',
  'resolve',
  'shared memory',
  'no_new_privs',
  'seccomp',
  'execve',
  'listener',
] as const;
export type LaunchOperation = Exclude<(typeof OPERATIONS)[number], 'none'>;

const MAGIC = 0x53564c43;
const VERSION = 2;
const HAS_FILTER = 1;
const HAS_LISTENER = 2;
const HEADER_BYTES = 20;
const READY_BYTES = 16;
const FAILURE_BYTES = 8;
const GO = Buffer.from('G');

export async function startStopped(
  command: readonly string[],
  options: LaunchOptions = {},
): Promise<Launched> {
  const program = command[0];
  if (program === undefined)
    throw new SysieveError('usage', 'command-missing', 'no command to start');
  const launcher = launcherPath();
  const env = options.env ?? process.env;
  if (options.cwd !== undefined) checkDirectory(options.cwd);

  const child = spawn(launcher, [...command], {
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: [
      ...(options.piped === true
        ? (['ignore', 'pipe', 'pipe', 'pipe'] as const)
        : (['inherit', 'inherit', 'inherit', 'pipe'] as const)),
      ...(options.listenerSocket === undefined ? [] : [options.listenerSocket]),
    ],
  });
  // Listeners before the first await: a launcher that ends at once must not be missed.
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  // Without descriptors for the pipe there is no stdio at all, whatever its type says.
  const stdio = child.stdio as ChildProcess['stdio'] | undefined;
  const control = stdio?.[3] as Socket | undefined;
  if (child.pid === undefined || control === undefined) throw await spawnError(child);
  // A launcher that died shows in its exit status; the broken socket adds nothing to that.
  control.on('error', () => undefined);
  control.write(header(options));

  const ready = await readReady(control, exited);
  if (ready.operation !== 'none') {
    control.destroy();
    await exited;
    throw refusal(program, { operation: ready.operation, errno: ready.errno }, env);
  }
  return launched(child, child.pid, control, exited, openFailure(child, ready.failureFd));
}

/** The error for a command that could not be started, before or after go(). */
export function refusal(
  program: string,
  failure: LaunchFailure,
  env: NodeJS.ProcessEnv = process.env,
): SysieveError {
  const { operation, errno } = failure;
  const name = quoted(program);
  const cause = `${operation}: ${errno}`;
  if ((operation === 'resolve' || operation === 'execve') && errno === 'ENOENT') {
    const remedy =
      operation === 'execve'
        ? "The file exists but not its interpreter: look at its first line or, of a binary, at 'readelf -l'."
        : program.includes('/')
          ? 'Check the path; it is relative to the working directory.'
          : `Give its path, or add its directory to PATH (${quoted(env.PATH ?? '')}).`;
    return new SysieveError('usage', 'command-not-found', `command not found: ${name}`, {
      cause,
      remedy,
    });
  }
  if (operation === 'resolve' || operation === 'execve') {
    const remedy =
      errno === 'ENOEXEC'
        ? 'A script needs an interpreter line (#!…); a binary must be built for this machine.'
        : 'Check that it is a regular file with execute permission.';
    return new SysieveError('usage', 'command-not-executable', `cannot execute ${name}`, {
      cause,
      remedy,
    });
  }
  if (operation === 'seccomp' || operation === 'no_new_privs') {
    return new SysieveError('system', 'filter-refused', 'the kernel refused the seccomp filter', {
      cause,
      remedy:
        'Use a kernel with CONFIG_SECCOMP_FILTER that knows the actions and flags of the filter.',
    });
  }
  return new SysieveError('system', 'launcher-failed', 'the launcher could not prepare the start', {
    cause,
    remedy: operation === 'protocol' ? rebuild() : TRY,
  });
}

const rebuild = (): string => nativeRemedy("Run 'npm run build' in sysieve's directory.");
const TRY = "Run 'sysieve doctor': it starts a command in the same way.";

function quoted(text: string): string {
  return escapeUnsafe(JSON.stringify(text));
}

function launcherPath(): string {
  const path = nativeFile('sysieve-launch');
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw new SysieveError('system', 'launcher-missing', 'the native launcher is not there', {
      cause: `${path}: ${(error as NodeJS.ErrnoException).code}`,
      remedy: rebuild(),
    });
  }
  return path;
}

/** spawn() reports a missing working directory as if the program were missing. */
function checkDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new SysieveError('usage', 'cwd-missing', `no such directory: ${quoted(path)}`);
}

function spawnError(child: ChildProcess): Promise<SysieveError> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'E2BIG'
          ? new SysieveError(
              'usage',
              'command-too-long',
              'the command or its environment is too long',
            )
          : new SysieveError('system', 'launcher-failed', 'the launcher could not be started', {
              cause: `spawn: ${error.code ?? error.message}`,
              remedy:
                'Raise what the cause names: processes (ulimit -u), open files (ulimit -n) or memory.',
            }),
      ),
    );
  });
}

function header(options: LaunchOptions): Buffer {
  const { filter } = options;
  const bytes = Buffer.alloc(HEADER_BYTES);
  const fields = [
    MAGIC,
    VERSION,
    (filter === undefined ? 0 : HAS_FILTER) |
      (options.listenerSocket === undefined ? 0 : HAS_LISTENER),
    options.filterFlags ?? 0,
    (filter?.length ?? 0) / 8,
  ];
  // Supported hosts (x86_64, aarch64) are little-endian, and so is what the launcher reads.
  fields.forEach((value, index) => {
    bytes.writeUInt32LE(value, index * 4);
  });
  return filter === undefined ? bytes : Buffer.concat([bytes, filter]);
}

type Ready =
  | { operation: LaunchOperation; errno: string }
  | { operation: 'none'; failureFd: number };

/** A launcher that ends without an answer was killed from outside, or is not ours. */
function readReady(control: Socket, exited: Promise<ExitStatus>): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < READY_BYTES) return;
      control.off('data', onData);
      // Keeps reading so that the end of the stream is noticed and the socket closed.
      control.resume();
      const operation = operationOf(bytes.readUInt32LE(4));
      if (bytes.readUInt32LE(0) !== MAGIC) resolve({ operation: 'protocol', errno: 'EPROTO' });
      else if (operation === 'none') resolve({ operation, failureFd: bytes.readUInt32LE(12) });
      else resolve({ operation, errno: errnoName(bytes.readUInt32LE(8)) });
    };
    control.on('data', onData);
    const ended = async (): Promise<void> => {
      const { code, signal } = await exited;
      reject(
        new SysieveError('system', 'launcher-failed', 'the launcher ended before it was ready', {
          cause: signal === null ? `exit status ${code}` : signal,
          remedy: TRY,
        }),
      );
    };
    control.once('close', () => void ended());
  });
}

function operationOf(number: number): (typeof OPERATIONS)[number] {
  return OPERATIONS[number] ?? 'protocol';
}

/** Opened while the launcher still waits: the memory outlives it through this descriptor. */
function openFailure(child: ChildProcess, fd: number): number {
  try {
    return openSync(`/proc/${child.pid}/fd/${fd}`, 'r');
  } catch (error) {
    child.kill('SIGKILL');
    throw new SysieveError('system', 'launcher-failed', "cannot read the launcher's memory", {
      cause: `open: ${(error as NodeJS.ErrnoException).code}`,
      remedy: 'Mount /proc: the launcher is read there.',
    });
  }
}

function launched(
  child: ChildProcess,
  pid: number,
  control: Socket,
  exited: Promise<ExitStatus>,
  failureFd: number,
): Launched {
  let state: 'stopped' | 'started' | 'aborted' = 'stopped';
  let failure: LaunchFailure | null = null;
  const settled = exited.then((status) => {
    failure = readFailure(failureFd);
    control.destroy();
    return status;
  });
  return {
    pid,
    output: [child.stdout, child.stderr].filter((stream) => stream !== null),
    go() {
      if (state !== 'stopped') throw new Error(`go() on a launch that is ${state}`);
      state = 'started';
      control.end(GO);
    },
    exited: settled,
    failure: () => failure,
    async abort() {
      if (state === 'started') return;
      state = 'aborted';
      child.kill('SIGKILL');
      await settled;
    },
    kill: (signal) => child.kill(signal),
    leave() {
      child.unref();
      control.unref();
    },
  };
}

function readFailure(fd: number): LaunchFailure | null {
  const bytes = Buffer.alloc(FAILURE_BYTES);
  try {
    readSync(fd, bytes, 0, FAILURE_BYTES, 0);
  } finally {
    closeSync(fd);
  }
  const operation = operationOf(bytes.readUInt32LE(0));
  return operation === 'none' ? null : { operation, errno: errnoName(bytes.readUInt32LE(4)) };
}

function errnoName(number: number): string {
  const known = Object.entries(os.errno).find(([, value]) => value === number);
  return known?.[0] ?? `errno ${number}`;
}

/** The status a shell would report: the command's own, or 128 + the signal's number. */
export function shellStatus(status: ExitStatus): number {
  if (status.signal === null) return status.code ?? 1;
  return 128 + os.signals[status.signal];
}
