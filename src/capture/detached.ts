/** Recordings without a process: armed and pinned by one, read and ended by others. */
import { statSync } from 'node:fs';
import { type FindOptions, findContainer } from '../engines';
import { SysieveError } from '../errors';
import type { Run } from '../recording/schema';
import type { KernelMemory, NativePrograms } from './binding-types';
import { Capture, type CaptureContext, packageVersion } from './capture';
import { LOOK_AGAIN } from './host';
import { openPinned, type PinnedCapture } from './pinned';
import { prepare } from './prepare';
import { processState } from './processes';
import { armContainer, containerContext, late } from './record';
import {
  allStored,
  bootId,
  commit,
  isArming,
  newId,
  pinsOf,
  type RecordingSession,
  remove,
  reserve,
  type Stored,
  stored,
  trackedDigest,
} from './session-store';

/** Of one user. What each costs every call of the machine, and the memory, adds up. */
export const MAX_SESSIONS = 16;
export const MAX_MEMORY = 256 * 1024 * 1024;

export type DetachedTarget =
  | { kind: 'container'; name: string; engine: FindOptions['engine'] }
  | { kind: 'pid'; pid: number }
  | { kind: 'cgroup'; path: string; execRule: 'namespace' | 'filter' }
  /** `pid` is about to execute the entrypoint of what `context` describes, in these cgroups. */
  | {
      kind: 'start';
      pid: number;
      cgroups: string[];
      execRule: 'namespace' | 'filter';
      context: CaptureContext;
    };

export interface DetachOptions {
  /** Unique among the user's sessions; null: eight hex digits. */
  name: string | null;
  programs: 'auto' | 'typed' | 'raw';
  /** The same, being loaded already. */
  prepared?: NativePrograms | undefined;
  /** Bytes that all sessions of the user may take with every map full. */
  maxMemory: number;
}

export interface Detached {
  session: RecordingSession;
  memory: KernelMemory;
}

interface Armed {
  capture: Capture;
  context: () => Promise<CaptureContext> | CaptureContext;
}

async function arm(
  target: DetachedTarget,
  { programs, prepared = prepare(programs) }: DetachOptions,
): Promise<Armed> {
  // No process is there later to find out that a task runs under a filter.
  const how = { tracer: 'ebpf' as const, denied: true, programs };
  if (target.kind === 'container') {
    const options = { ...how, prepared, engine: target.engine };
    const { info, capture } = await armContainer(target.name, options);
    return { capture, context: () => containerContext(info, capture) };
  }
  if (target.kind === 'pid') return armPid(target.pid, { ...how, prepared });
  if (target.kind === 'cgroup') {
    const { path, execRule } = target;
    const capture = new Capture({ ...how, prepared, execRule, cgroups: [path] });
    const context: CaptureContext = {
      attachedLate: late(capture, null),
      runtime: null,
      target: { kind: 'cgroup', engine: null, name: path, id: null, image: null },
    };
    return { capture, context: () => context };
  }
  const { pid, execRule, cgroups, context } = target;
  const capture = new Capture({ ...how, prepared, execRule, cgroups, setupPids: [pid] });
  return { capture, context: () => context };
}

function armPid(
  pid: number,
  how: Omit<ConstructorParameters<typeof Capture>[0], 'execRule'>,
): Armed {
  const state = processState(pid);
  const gone = (message: string): SysieveError =>
    new SysieveError('input', 'process-not-found', message, {
      remedy: LOOK_AGAIN,
    });
  if (state === null) throw gone(`there is no process ${pid}`);
  const capture = new Capture({ ...how, execRule: 'any', pids: [pid] });
  if (processState(pid)?.startTicks !== state.startTicks || capture.tasksFound === 0) {
    capture.abandon();
    throw gone(`process ${pid} ended before it was traced`);
  }
  const context: CaptureContext = {
    attachedLate: late(capture, state.ageMs),
    runtime: null,
    target: { kind: 'pid', engine: null, name: null, id: String(pid), image: null },
  };
  return { capture, context: () => context };
}

function refuseTooMany(): void {
  const sessions = allStored();
  if (sessions.length <= MAX_SESSIONS) return;
  throw new SysieveError('system', 'sessions-limit', `there are ${MAX_SESSIONS} sessions already`, {
    remedy: "End some with 'sysieve stop ID', or remove leftovers with 'sysieve sessions --prune'.",
  });
}

/** An arming one is not known yet: as large as this one. */
function refuseTooLarge(id: string, most: number, limit: number): void {
  const others = allStored()
    .filter((other) => other.id !== id)
    .map(({ session }) => (session?.state === 'recording' ? session.mostBytes : most));
  const total = others.reduce((sum, bytes) => sum + bytes, most);
  if (total <= limit) return;
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  throw new SysieveError(
    'system',
    'sessions-memory',
    `${others.length + 1} sessions may take ${mebibytes(total)} of kernel memory, more than the ${mebibytes(limit)} allowed`,
    { remedy: "End some with 'sysieve stop ID', or allow more with --max-memory." },
  );
}

/** Arms a session that goes on when this process ends. Nothing of it is left where it throws. */
export async function detach(target: DetachedTarget, options: DetachOptions): Promise<Detached> {
  const id = options.name ?? newId();
  const reserved = reserve(id, packageVersion(), new Date());
  try {
    refuseTooMany();
    const { capture, context } = await arm(target, options);
    try {
      const memory = capture.memory();
      refuseTooLarge(id, memory.most, options.maxMemory);
      capture.pin(pinsOf(id));
      const { runtime, attachedLate, target: what, blindSpots } = await context();
      const session: RecordingSession = {
        ...{ version: 1, id, tool: reserved.tool, owner: reserved.owner, boot: reserved.boot },
        ...{ start: capture.startedAt.toISOString(), state: 'recording' },
        ...{
          tracked: trackedDigest(),
          mostBytes: memory.most,
          target: what,
          runtime,
          attachedLate,
        },
        blindSpots: [...(blindSpots ?? [])],
      };
      commit(session);
      return { session, memory };
    } finally {
      // Its descriptors; what is pinned stays attached.
      capture.abandon();
    }
  } catch (error) {
    remove(id);
    throw error;
  }
}

/**
 * `idle`: no task of a container or cgroup lives that may start again. `half-made`: who armed it was
 * killed. `stale`: its pins are gone. `foreign`: of a sysieve that writes what this one cannot read.
 */
export type SessionState =
  | 'arming'
  | 'running'
  | 'idle'
  | 'target-gone'
  | 'half-made'
  | 'stale'
  | 'foreign';

export interface SessionInfo {
  id: string;
  state: SessionState;
  /** null: not known. */
  target: Run['target'] | null;
  ageMs: number | null;
  calls: bigint | null;
  distinct: number | null;
  live: number | null;
  memory: KernelMemory | null;
}

async function stateOfIdle({ target }: RecordingSession): Promise<SessionState> {
  if (target.kind === 'pid') return 'target-gone';
  if (target.kind === 'cgroup') {
    const there = statSync(target.name ?? '', { throwIfNoEntry: false }) !== undefined;
    return there ? 'idle' : 'target-gone';
  }
  if (target.engine !== 'docker' && target.engine !== 'podman') return 'idle';
  try {
    await findContainer(target.id ?? '', { engine: target.engine, versionLater: true });
    return 'idle';
  } catch (error) {
    const gone = error instanceof SysieveError && error.code === 'container-not-found';
    return gone ? 'target-gone' : 'idle';
  }
}

/** No pins, no reading: what its description alone tells. */
function stateUnread({ session, unreadable, pinned }: Stored): SessionState | null {
  if (unreadable !== null) return 'foreign';
  if (session === null) return 'half-made';
  if (session.boot !== bootId()) return 'stale';
  if (session.state === 'arming') return isArming(session) ? 'arming' : 'half-made';
  return pinned ? null : 'stale';
}

async function describe(entry: Stored): Promise<SessionInfo> {
  const { id, session } = entry;
  const info: SessionInfo = {
    ...{ id, calls: null, distinct: null, live: null, memory: null },
    target: session?.state === 'recording' ? session.target : null,
    ageMs: session === null ? null : Math.max(0, Date.now() - Date.parse(session.start)),
    state: stateUnread(entry) ?? 'running',
  };
  if (session?.state !== 'recording' || info.state !== 'running') return info;
  let capture: PinnedCapture;
  try {
    capture = openPinned(pinsOf(id), false);
  } catch (error) {
    if (!(error instanceof SysieveError)) throw error;
    if (error.code === 'session-version') return { ...info, state: 'foreign' };
    if (error.code === 'session-gone') return { ...info, state: 'stale' };
    throw error;
  }
  try {
    const { calls, distinct, live } = capture.progress();
    const memory = capture.memory();
    const state = live > 0 ? 'running' : await stateOfIdle(session);
    return { ...info, state, calls, distinct, live, memory };
  } finally {
    capture.close();
  }
}

/** All sessions of this user, by id. */
export async function listSessions(): Promise<SessionInfo[]> {
  return Promise.all(allStored().map(describe));
}

/** Removes what is left of sessions that nobody can read any more; their ids. */
export async function pruneSessions(): Promise<string[]> {
  const pruned: string[] = [];
  for (const entry of allStored()) {
    const { state } = await describe(entry);
    if (state !== 'half-made' && state !== 'stale') continue;
    remove(entry.id);
    pruned.push(entry.id);
  }
  return pruned;
}

function readable(id: string): RecordingSession {
  const entry = stored(id);
  const state = entry === null ? null : stateUnread(entry);
  const session = entry?.session;
  if (state === null && session?.state === 'recording') {
    if (session.tracked !== trackedDigest()) throw foreign(id, session.tool);
    return session;
  }
  if (state === 'foreign') throw foreign(id, null, entry?.unreadable ?? undefined);
  if (state === 'arming') {
    throw new SysieveError('input', 'session-arming', `session ${id} is just being started`, {
      remedy: 'Ask again in a moment.',
    });
  }
  if (state === null) {
    throw new SysieveError('input', 'session-not-found', `there is no session ${id}`, {
      remedy: "List them with 'sysieve sessions': each user sees his own.",
    });
  }
  throw new SysieveError('input', 'session-stale', `nothing can be read of session ${id}`, {
    cause: state === 'stale' ? 'what it had pinned is gone' : 'it was killed while it was started',
    remedy: "Remove what is left with 'sysieve sessions --prune'.",
  });
}

function foreign(id: string, tool: string | null, cause?: string): SysieveError {
  const by = tool === null ? 'another sysieve' : `sysieve ${tool}`;
  return new SysieveError(
    'input',
    'session-version',
    `session ${id} was started by ${by}, whose maps mean something else`,
    { ...(cause !== undefined && { cause }), remedy: 'Stop it with the sysieve that started it.' },
  );
}

function runOf(session: RecordingSession, capture: PinnedCapture): Run {
  const { target, runtime, attachedLate, blindSpots, tool } = session;
  return capture.run({
    ...{ target, runtime, attachedLate, blindSpots, version: tool },
    ...{ tracer: 'ebpf', start: new Date(session.start) },
  });
}

/** What was seen so far; the session goes on. */
export function snapshot(id: string): Run {
  const session = readable(id);
  const capture = openPinned(pinsOf(id), false);
  try {
    return runOf(session, capture);
  } finally {
    capture.close();
  }
}

/** Detaches, hands the run to `keep`, and only when that is done removes the session. */
export async function stopSession(id: string, keep: (run: Run) => Promise<void>): Promise<void> {
  const session = readable(id);
  const capture = openPinned(pinsOf(id), true);
  try {
    capture.detach();
    await keep(runOf(session, capture));
    remove(id);
  } finally {
    capture.close();
  }
}
