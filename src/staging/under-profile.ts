/** Runs for real under a profile, every call that its filter denies recorded. */
import { randomBytes } from 'node:crypto';
import type { ExitStatus } from '../capture/launch';
import { type RecordHooks, recordCommand, recordContainer } from '../capture/record';
import type { EngineChoice } from '../engines';
import {
  type ContainerControl,
  type ContainerSpec,
  findContainer,
  watchContainer,
} from '../engines';
import { SysieveError } from '../errors';
import { ACTIONS, compile, evaluate, nativeArchitecture, nativeNumber } from '../libseccomp';
import { type Profile, serializeProfile } from '../profile';
import type { Run } from '../recording';
import { deadlineOf, driveOnce } from './drive';
import { removeLeftovers } from './leftovers';
import { ownSession, SESSION_LABEL } from './session';
import type { NamedApp } from './types';

const EBPF = { tracer: 'ebpf', denied: true, programs: 'auto' } as const;
const STOP_MS = 10_000;

export interface UnderHooks {
  /** Ends the run. */
  signal: AbortSignal;
  /** May hold untrusted names. */
  onNote(text: string): void;
  /** A signal for the command instead of the recording. */
  onStarted?(kill: (signal: NodeJS.Signals) => void): void;
  /** Once calls are counted. */
  onReady?(): void;
}

export interface Under {
  run: Run;
  /** How what was run ended, in words. */
  ended: string;
}

function recordHooks(hooks: UnderHooks, signal: AbortSignal, onReady = () => {}): RecordHooks {
  return {
    signal,
    onReady: () => {
      hooks.onReady?.();
      onReady();
    },
    onProgress: () => {},
    onNote: hooks.onNote,
  };
}

function refuseUnusable(profile: Profile): void {
  // Without a listener the kernel would answer ENOSYS: not what the profile says.
  if (profile.syscalls.some((rule) => rule.action === 'SCMP_ACT_NOTIFY')) {
    throw new SysieveError('input', 'profile-needs-listener', 'the profile uses SCMP_ACT_NOTIFY', {
      remedy: 'Give those calls another action: verify has no listener to ask.',
    });
  }
  if (profile.defaultAction === 'SCMP_ACT_LOG' || profile.defaultAction === 'SCMP_ACT_ALLOW') {
    throw new SysieveError(
      'input',
      'profile-denies-nothing',
      `the profile's default is ${profile.defaultAction}: a call it does not name is not denied`,
      { remedy: 'Verify it with the default that it will be enforced with, e.g. SCMP_ACT_ERRNO.' },
    );
  }
}

function exitText({ code, signal }: ExitStatus): string {
  return signal === null ? `exited with ${code ?? 'no status'}` : `was ended by ${signal}`;
}

/** A command of this machine, as a container's entrypoint would meet the profile under runc. */
export async function commandUnder(
  command: readonly string[],
  profile: Profile,
  quiet: boolean,
  hooks: UnderHooks,
): Promise<Under> {
  refuseUnusable(profile);
  const { program, flags } = compile(profile);
  const answer = evaluate(program, {
    arch: nativeArchitecture().audit,
    nr: nativeNumber('execve'),
  });
  if (!answer.readsArguments && answer.action !== ACTIONS.SCMP_ACT_ALLOW) {
    throw new SysieveError('input', 'profile-without-launcher', 'the profile denies execve', {
      cause: "sysieve's launcher makes that call to start the command, as every runtime does",
      remedy: "Permit it: a profile made with 'sysieve minimise --runtime sysieve,runc,crun' does.",
    });
  }
  const { run, exit } = await recordCommand(
    command,
    {
      ...EBPF,
      launch: { filter: program, filterFlags: flags, piped: quiet },
      onLaunched: ({ output }) => {
        // What a command prints is no data of ours.
        for (const stream of output) stream.pipe(process.stderr, { end: false });
      },
      ...(hooks.onStarted === undefined ? {} : { onStarted: hooks.onStarted }),
    },
    recordHooks(hooks, hooks.signal),
  );
  if (exit === null) return { run, ended: 'the command still runs' };
  return { run, ended: `the command ${exitText(exit)}` };
}

/** The same settings under the profile, with a name and a label of its own. */
function underProfile(spec: ContainerSpec, profile: Profile): ContainerSpec {
  return {
    ...spec,
    name: `${spec.name}-${randomBytes(4).toString('hex')}`,
    labels: { ...spec.labels, [SESSION_LABEL]: ownSession() },
    seccomp: { kind: 'profile', text: serializeProfile(profile) },
  };
}

/** A container of its own, from its first instruction to its end; removed whatever happens. */
export async function imageUnder(
  control: ContainerControl,
  spec: ContainerSpec,
  profile: Profile,
  hooks: UnderHooks,
): Promise<Under> {
  refuseUnusable(profile);
  await removeLeftovers(control, spec.image, {
    signal: hooks.signal,
    onStage: () => undefined,
    onNote: (_, text) => hooks.onNote(text),
  });
  const id = await control.create(underProfile(spec, profile));
  try {
    return await followed(control, id, hooks);
  } finally {
    await control.remove(id);
  }
}

async function followed(control: ContainerControl, id: string, hooks: UnderHooks): Promise<Under> {
  const over = new AbortController();
  let ended = 'the container was stopped';
  let unstarted: unknown = null;
  let driving: Promise<void> = Promise.resolve();
  const drive = async () => {
    try {
      await control.start(id);
    } catch (error) {
      // A profile that denies what the runtime needs shows in what was recorded.
      unstarted = error;
      over.abort();
      return;
    }
    try {
      ended = `the container exited with ${await control.wait(id, hooks.signal)}`;
    } catch (error) {
      if (!hooks.signal.aborted) throw error;
      await control.stop(id, { signal: null, timeoutMs: STOP_MS });
    } finally {
      over.abort();
    }
  };
  const { kind, path } = control.endpoint;
  const recording = recordContainer(
    id,
    { ...EBPF, engine: control.engine, socket: kind === 'socket' ? path : undefined },
    recordHooks({ ...hooks, onNote: () => {} }, over.signal, () => {
      driving = drive();
      driving.catch(() => undefined);
    }),
  );
  const { run } = await recording;
  await driving;
  if (unstarted === null) return { run, ended };
  const denied = run.calls.some((call) => call.denied.count > 0);
  if (!denied || !(unstarted instanceof SysieveError)) throw unstarted;
  return { run, ended: `the container did not start: ${unstarted.reason ?? unstarted.message}` };
}

function endedTooSoon(): SysieveError {
  return new SysieveError('incomplete', 'filter-unchecked', 'the container ended too soon', {
    cause: 'its filter could not be held against the profile while it ran',
    remedy: 'Use --image for what ends at once: sysieve then installs the profile itself.',
  });
}

/**
 * A container that runs, or is started meanwhile, until it ends. `check` holds its installed filter
 * against the profile, and throws where it is another; it is called while the container runs.
 */
export async function containerUnder(
  name: string,
  engine: EngineChoice,
  profile: Profile,
  check: (id: string) => Promise<void>,
  hooks: UnderHooks,
): Promise<Under> {
  refuseUnusable(profile);
  const found = await findContainer(name, { engine });
  const over = new AbortController();
  let ended = found.running ? 'the container still runs' : 'the container was not started';
  let checked: Promise<void> | null = found.running ? check(found.id) : null;
  await checked;
  const watching = watchContainer(
    found,
    (event) => {
      if (event.type === 'started') ended = 'the container still runs';
      if (event.type === 'started' && checked === null) {
        checked = check(found.id);
        checked.catch(() => over.abort());
      }
      if (event.type !== 'died' && event.type !== 'removed') return;
      ended = event.type === 'died' ? 'the container ended' : 'the container was removed';
      over.abort();
    },
    AbortSignal.any([hooks.signal, over.signal]),
  );
  try {
    const { run } = await recordContainer(
      found.id,
      { ...EBPF, engine: found.engine },
      recordHooks(hooks, AbortSignal.any([hooks.signal, over.signal])),
    );
    if (checked === null && run.calls.length > 0) throw endedTooSoon();
    await checked?.catch((error: unknown) => {
      const gone =
        error instanceof SysieveError &&
        ['container-not-running', 'container-not-found', 'process-not-found'].includes(error.code);
      throw gone ? endedTooSoon() : error;
    });
    return { run, ended };
  } finally {
    over.abort();
    await watching;
  }
}

/** An app of the configuration: made ready, exercised and stopped once. Throws where it fails undenied. */
export async function appUnder(app: NamedApp, profile: Profile, hooks: UnderHooks): Promise<Under> {
  refuseUnusable(profile);
  const label = 'under the profile';
  const { run, failure } = await driveOnce(app, {
    label,
    under: { kind: 'profile', profile },
    quietMs: 0,
    deadline: deadlineOf(app),
    hooks: {
      signal: hooks.signal,
      onStage: (name, stage) => hooks.onNote(`${name} ${stage}`),
      onNote: (name, text) => hooks.onNote(`${name}: ${text}`),
    },
  });
  if (failure === null) return { run, ended: `${app.name} did its workload and was stopped` };
  const denied = run.calls.some((call) => call.denied.count > 0);
  if (!denied || !(failure.thrown instanceof SysieveError)) throw failure.thrown;
  return { run, ended: failure.thrown.message };
}

/** What a run must be for "nothing was denied" to mean something. */
export function refuseBlindRun({ run, ended }: Under): void {
  const { completeness: c } = run;
  if (c.deniedSinceMs === null) {
    throw new SysieveError('system', 'denied-unwatched', 'denied calls were not watched', {
      remedy:
        "Use the eBPF tracer, which alone can tell them; 'sysieve doctor' says what it needs.",
    });
  }
  if (run.calls.length === 0) {
    throw new SysieveError('incomplete', 'nothing-ran', 'nothing ran under the profile', {
      cause: `${ended}, and no call of it was seen`,
      remedy: 'Start what is to be verified, or give it more time.',
    });
  }
  const lost = c.callsLost + c.tasksLost + c.namespacesOverLimit + c.cgroupsOverLimit;
  const denied = run.calls.some((call) => call.denied.count > 0);
  if (lost > 0 && !denied) {
    throw new SysieveError('incomplete', 'calls-lost', 'calls were lost, maybe denied ones', {
      cause: `${c.callsLost} calls, ${c.tasksLost} tasks, ${c.namespacesOverLimit + c.cgroupsOverLimit} namespaces and cgroups over the limit`,
      remedy: 'Verify a smaller part of the application at a time.',
    });
  }
}
