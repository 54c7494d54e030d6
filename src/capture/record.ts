/** Records one target of each kind into a run. Decides when a recording ends, not how it is shown. */

import {
  type ContainerEvent,
  type ContainerInfo,
  type FindOptions,
  findContainer,
  lookAgain,
  runtimeVersionOf,
  watchContainer,
} from '../engines';
import { SysieveError } from '../errors';
import { type Completeness, MAX_TEXT, type Run } from '../recording/schema';
import type { NativePrograms, SessionOptions, TracerName } from './binding-types';
import {
  Capture,
  type CaptureContext,
  type CaptureTarget,
  type Progress,
  packageVersion,
} from './capture';
import { Follower } from './follow';
import { LOOK_AGAIN } from './host';
import {
  type ExitStatus,
  type Launched,
  type LaunchOptions,
  refusal,
  startStopped,
} from './launch';
import { withListenerSocket } from './listener';
import { processState } from './processes';

/** At a container that stops and starts all the time. */
const ATTEMPTS = 5;

export interface RecordHooks {
  /** Ends the recording normally. */
  signal: AbortSignal;
  /** Called once the tracer counts; `what` names the target, untrusted text included. */
  onReady(what: string): void;
  /** The same moment, for who sets phase marks or looks in between. */
  onArmed?(capture: Capture): void;
  onProgress(progress: Progress): void;
  /** Things worth a line: a restart, descendants that live on. Untrusted text included. */
  onNote(note: string): void;
}

export interface RecordOptions {
  tracer: TracerName;
  /** Watch denied calls from the start, also where no filter is known. */
  denied: boolean;
  programs: SessionOptions['programs'];
  /** The same programs, being loaded already. */
  prepared?: NativePrograms | undefined;
}

export interface Recorded {
  run: Run;
  /** How the command ended, where sysieve started it. */
  exit: ExitStatus | null;
}

/** Calls `body` with a Capture that is gone when it throws. */
async function withCapture<T>(
  target: CaptureTarget,
  body: (capture: Capture) => Promise<T>,
): Promise<T> {
  const capture = new Capture(target);
  try {
    return await body(capture);
  } catch (error) {
    capture.abandon();
    throw error;
  }
}

export function armed(options: RecordOptions, filtered = false) {
  const { tracer, programs, prepared } = options;
  return { tracer, denied: options.denied || filtered, programs, prepared };
}

/** Nothing tells a ptracer of tasks that come from outside: with the last one its recording ends. */
function endsWithTasks(options: RecordOptions): (progress: Progress) => boolean {
  return (progress) => options.tracer === 'ptrace' && progress.live === 0;
}

export function late(capture: Capture, targetAgeMs: number | null): Completeness['attachedLate'] {
  return capture.tasksFound > 0 ? { targetAgeMs } : null;
}

/** A command may be megabytes long; its name in a recording is not. */
function commandName(command: readonly string[]): string {
  const whole = command.join(' ');
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT - 1)}…` : whole;
}

/** What answers ENOSYS without a listener: a filter cannot be taken off again. */
export function notified({ partial }: NotifyingFilter): string {
  return partial ? 'every call outside the profile' : 'every system call of it';
}

/** A filter whose notifications the notify tracer sees. */
export interface NotifyingFilter {
  program: Buffer;
  flags: number;
  /** It lets calls run that are not notified. */
  partial: boolean;
}

export interface CommandOptions extends RecordOptions {
  /** With the notify tracer, and with no other. */
  filter?: NotifyingFilter;
  /** With the ptrace tracer: traceAll(). The command cannot live without the tracer then. */
  stops?: Buffer;
  onStarted?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** How it is started; a filter that denies with neither of those two. */
  launch?: Omit<LaunchOptions, 'listenerSocket'>;
  /** Before its first instruction. */
  onLaunched?: (launched: Launched) => void;
}

/** Runs `command` from its first instruction until it and all its descendants have ended. */
export async function recordCommand(
  command: readonly string[],
  options: CommandOptions,
  hooks: RecordHooks,
): Promise<Recorded> {
  const { filter, stops } = options;
  if (stops !== undefined) {
    const launched = await startStopped(command, { ...options.launch, filter: stops });
    return recordStopped(command, options, hooks, launched, { entryOnly: true });
  }
  if (filter === undefined)
    return recordStopped(command, options, hooks, await startStopped(command, options.launch));
  return withListenerSocket(async ({ ours, theirs }) => {
    const launched = await startStopped(command, {
      ...options.launch,
      filter: filter.program,
      filterFlags: filter.flags,
      listenerSocket: theirs.fd,
    });
    // Open in the launcher alone now, so that its end shows.
    theirs.close();
    const target = { channel: ours.fd, partial: filter.partial };
    return recordStopped(command, options, hooks, launched, target);
  });
}

/** What becomes of a command when its recording ends before it. */
function left({ filter, stops }: CommandOptions): string {
  if (stops !== undefined) return 'the command was killed with the end of its recording';
  if (filter === undefined) return 'the command lives on, no longer recorded';
  return `the command lives on, no longer recorded; from now on ${notified(filter)} answers ENOSYS`;
}

async function recordStopped(
  command: readonly string[],
  options: CommandOptions,
  hooks: RecordHooks,
  launched: Launched,
  target: Partial<SessionOptions> = {},
): Promise<Recorded> {
  try {
    return await withCapture(
      { execRule: 'any', ...armed(options), setupPids: [launched.pid], ...target },
      async (capture) => {
        options.onStarted?.((signal) => launched.kill(signal));
        hooks.onArmed?.(capture);
        options.onLaunched?.(launched);
        hooks.onReady(commandName(command));
        launched.go();
        let exit: ExitStatus | null = null;
        let told = false;
        void launched.exited.then((status) => {
          exit = status;
        });
        await capture.watch(
          (progress) => {
            if (exit === null) return false;
            if (progress.live > 0 && !told) {
              told = true;
              hooks.onNote(
                options.filter === undefined
                  ? `the command has ended; recording its ${progress.live} descendant task(s) that live on`
                  : 'the command has ended; recording its descendants that live on',
              );
            }
            return progress.live === 0;
          },
          hooks.signal,
          hooks.onProgress,
        );
        if (exit === null) {
          launched.leave();
          hooks.onNote(left(options));
        }
        const failure = launched.failure();
        if (failure !== null) throw refusal(command[0] ?? '', failure);
        const run = capture.finish({
          attachedLate: null,
          runtime: { name: 'sysieve', version: packageVersion() },
          target: {
            kind: 'command',
            engine: null,
            name: commandName(command),
            id: null,
            image: null,
          },
        });
        return { run, exit };
      },
    );
  } catch (error) {
    await launched.abort();
    throw error;
  }
}

/** Records a running process, its threads and descendants, until the last of them ends. */
export async function recordPid(
  pid: number,
  options: RecordOptions,
  hooks: RecordHooks,
): Promise<Recorded> {
  const state = processState(pid);
  if (state === null) {
    throw new SysieveError('input', 'process-not-found', `there is no process ${pid}`, {
      remedy: LOOK_AGAIN,
    });
  }
  return withCapture(
    { execRule: 'any', ...armed(options, state.filtered), pids: [pid] },
    async (capture) => {
      // Ids are reused: the process armed must be the one that was looked up.
      if (processState(pid)?.startTicks !== state.startTicks || capture.tasksFound === 0) {
        throw new SysieveError(
          'input',
          'process-ended',
          `process ${pid} ended before it was traced`,
          { remedy: LOOK_AGAIN },
        );
      }
      hooks.onArmed?.(capture);
      hooks.onReady(`process ${pid}`);
      await capture.watch((progress) => progress.live === 0, hooks.signal, hooks.onProgress);
      const run = capture.finish({
        attachedLate: late(capture, state.ageMs),
        runtime: null,
        target: { kind: 'pid', engine: null, name: null, id: String(pid), image: null },
      });
      return { run, exit: null };
    },
  );
}

/** Records every task of a cgroup and those below it, whoever joins, until the signal. */
export async function recordCgroup(
  path: string,
  options: RecordOptions & { execRule: 'namespace' | 'filter' },
  hooks: RecordHooks,
): Promise<Recorded> {
  return withCapture(
    { execRule: options.execRule, ...armed(options), cgroups: [path] },
    async (capture) => {
      if (options.tracer === 'ptrace' && capture.tasksFound === 0) {
        throw new SysieveError('input', 'cgroup-empty', `no task runs in the cgroup ${path}`, {
          remedy: 'Start it first, or use --tracer ebpf: ptrace does not see what joins later.',
        });
      }
      hooks.onArmed?.(capture);
      hooks.onReady(`cgroup ${path}`);
      await capture.watch(endsWithTasks(options), hooks.signal, hooks.onProgress);
      const run = capture.finish({
        attachedLate: late(capture, null),
        runtime: null,
        target: { kind: 'cgroup', engine: null, name: path, id: null, image: null },
      });
      return { run, exit: null };
    },
  );
}

function containerTarget(info: ContainerInfo, options: RecordOptions): CaptureTarget {
  return {
    execRule: info.seccomp === 'filter' ? 'filter' : 'namespace',
    ...armed(options, info.seccomp === 'filter'),
    cgroups: info.cgroups.map((cgroup) => cgroup.path),
    // A plain OCI container never starts twice, and its name may be another cgroup's too.
    cgroupNames: info.endpoint.kind === 'state' ? [] : info.cgroupNames,
    foundUnstarted: info.unstarted,
    watchUnfollowed: info.engine === 'cri',
    // ptrace looks for tasks in cgroups; without one, they are its init's descendants.
    pids: options.tracer === 'ptrace' && info.withoutCgroup && info.pid !== null ? [info.pid] : [],
    mountNamespaces: info.mountNamespace === null ? [] : [info.mountNamespace],
    pidNamespaces: info.pidNamespace === null ? [] : [info.pidNamespace],
  };
}

/** Its start would show in no way: its namespaces are made with it. */
function withoutCgroup({ engine, name }: ContainerInfo): SysieveError {
  return new SysieveError(
    'system',
    'container-without-cgroup',
    `the start of ${name} cannot be seen: ${engine} runs it without a cgroup`,
    {
      cause: 'it was asked to, or it is rootless on a host with cgroup v1, where users have none',
      remedy:
        'Start it first and record it then, boot with systemd.unified_cgroup_hierarchy=1, or record it as root.',
    },
  );
}

/** Arms on the container as it is now; one that stopped or started meanwhile is looked at again. */
export async function armContainer(
  name: string,
  options: RecordOptions & FindOptions,
): Promise<{ info: ContainerInfo; capture: Capture }> {
  for (let attempt = 1; ; attempt++) {
    const info = await findContainer(name, { ...options, versionLater: true });
    if (options.tracer === 'ptrace' && !info.running) {
      throw new SysieveError('input', 'container-not-running', 'the container is not running', {
        remedy: 'Start it first, or use --tracer ebpf: ptrace does not see a container start.',
      });
    }
    if (options.tracer === 'ebpf' && info.withoutCgroup && !info.running && info.pid === null) {
      throw withoutCgroup(info);
    }
    try {
      const capture = new Capture(containerTarget(info, options));
      if (attempt === ATTEMPTS || !(await startedUnseen(info, capture))) {
        return { info, capture };
      }
      capture.abandon();
    } catch (error) {
      const gone = error instanceof SysieveError && error.code === 'cgroup-not-found';
      if (!gone || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A start between the look at the container and the arming leaves the tracer on one that is past. */
async function startedUnseen(info: ContainerInfo, capture: Capture): Promise<boolean> {
  // Removed, or the engine is gone: the watch finds out.
  const now = await lookAgain(info).catch(() => null);
  if (now === null) return false;
  if (now.startedAt === info.startedAt && now.pid === info.pid) return false;
  const { starts, live } = capture.poll();
  return starts === 0 && (capture.tasksFound > 0 || live === 0);
}

/** runc and crun start a container once; another of the same id is another container. */
function endsForGood({ endpoint }: ContainerInfo, event: ContainerEvent): boolean {
  return endpoint.kind === 'state' && event.type === 'died';
}

/** What a run says of the container; to be asked for as the tracer is armed. */
export async function containerContext(
  info: ContainerInfo,
  capture: Capture,
): Promise<CaptureContext> {
  const age = info.startedAt === null ? null : Date.now() - Date.parse(info.startedAt);
  const attachedLate = late(capture, age === null || Number.isNaN(age) ? null : Math.max(0, age));
  const version = (await runtimeVersionOf(info)) ?? 'unknown';
  return {
    attachedLate: info.unstarted ? null : attachedLate,
    runtime: info.runtime === null ? null : { name: info.runtime.name, version },
    target: {
      kind: info.engine === 'cri' ? 'pod' : 'container',
      engine: info.engine,
      name: info.name,
      id: info.id === '' ? null : info.id,
      image: info.image === '' ? null : info.image,
    },
  };
}

/**
 * Records a container over its restarts, until the signal or until it is removed. A stopped one is
 * waited for, and then seen from its first instruction.
 */
export async function recordContainer(
  name: string,
  options: RecordOptions & FindOptions,
  hooks: RecordHooks,
): Promise<Recorded> {
  const { info, capture } = await armContainer(name, options);
  // Docker and Podman start it again in a cgroup of the same name, where it has one.
  const changes = info.engine === 'cri' || info.withoutCgroup;
  const follower = changes && options.tracer === 'ebpf' ? new Follower(capture) : null;
  const removed = new AbortController();
  const end = AbortSignal.any([hooks.signal, removed.signal]);
  try {
    const context = containerContext(info, capture);
    hooks.onArmed?.(capture);
    hooks.onReady(`${info.engine} container ${info.name}`);
    if (!info.running) hooks.onNote('the container is not running: waiting for its start');
    // The runtime may have begun to set it up before the tracer was armed.
    if (info.unstarted) follower?.follow(info);
    let failure: unknown = null;
    const watching = watchContainer(
      info,
      (event) => {
        try {
          const note = follower?.on(event) ?? null;
          if (note !== null) hooks.onNote(note);
        } catch (error) {
          failure ??= error;
          removed.abort();
        }
        if (event.type === 'started') hooks.onNote('the container was started');
        else if (event.type === 'died') {
          hooks.onNote('the container stopped');
          if (endsForGood(info, event)) removed.abort();
        } else if (event.type === 'removed') removed.abort();
        else if (event.type === 'engine-lost') {
          hooks.onNote(`${info.engine} does not answer (${event.cause}); recording goes on`);
        }
      },
      end,
    ).finally(() => removed.abort());
    await capture.watch(endsWithTasks(options), end, hooks.onProgress);
    if (options.tracer === 'ptrace' && !end.aborted) {
      hooks.onNote('the container stopped; ptrace does not see it start again');
    }
    if (failure !== null) throw failure;
    const now = follower === null ? null : await lookAgain(info).catch(() => null);
    const blindSpots = follower?.blindSpots(capture.poll().starts, now) ?? [];
    // Asked for since the beginning, the engine may be gone by now.
    const run = capture.finish({ ...(await context), blindSpots });
    removed.abort();
    await watching;
    return { run, exit: null };
  } catch (error) {
    capture.abandon();
    throw error;
  } finally {
    removed.abort();
  }
}
