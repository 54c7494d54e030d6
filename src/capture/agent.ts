/**
 * Takes the listeners of containers' filters from their runtimes, which connect to a unix socket named
 * in the profile (OCI `listenerPath`), and records each container process as complain mode does.
 */
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { SysieveError } from '../errors';
import type { Run } from '../recording/schema';
import { addon } from './binding';
import type { NativeDelivery, NativeInbox } from './binding-types';
import { Capture } from './capture';
import { isNativeError } from './host';

/** A runtime waits in its start for the first answers: the agent should be soon. */
const POLL_MS = 10;
/** How often it is looked whether containers have ended. */
const ENDED_MS = 100;

/** Of containers at one time: each has a thread. */
const MOST = 256;

export interface AgentHooks {
  /** Ends the agent: what it records is handed over then. */
  signal: AbortSignal;
  onReady(): void;
  /** Untrusted text included. */
  onNote(note: string): void;
  onRun(run: Run): Promise<void>;
}

/** What the agent's profile keeps from it, beside what that permits. */
const UNNAMED = 'calls-without-a-name';

/** Container process state, of the OCI runtime specification; what else is in it is not read. */
const StateSchema = z.object({
  fds: z.array(z.string().max(256)).max(64),
  pid: z.number().int().positive().max(0x7fffffff),
  state: z.object({ id: z.string().min(1).max(256) }),
});

/** The name that the specification gives to the descriptor of the listener. */
const LISTENER = 'seccompFd';

interface Container {
  id: string;
  capture: Capture;
}

/** Until the signal. Throws a SysieveError when the socket cannot be made. */
export async function runAgent(path: string, hooks: AgentHooks): Promise<void> {
  const inbox = openInbox(path);
  const recording = new Set<Container>();
  try {
    hooks.onReady();
    for (let looked = 0; !hooks.signal.aborted; ) {
      for (const delivery of inbox.poll()) accept(delivery, recording, hooks);
      await sleep(POLL_MS, undefined, { signal: hooks.signal }).catch(() => undefined);
      if (Date.now() - looked < ENDED_MS) continue;
      looked = Date.now();
      for (const container of recording) {
        if (container.capture.poll().live > 0) continue;
        recording.delete(container);
        await finish(container, hooks);
      }
    }
  } finally {
    // First, so that a container that starts now fails to instead of waiting for nobody.
    inbox.close();
    for (const container of recording) await finish(container, hooks);
  }
}

function openInbox(path: string): NativeInbox {
  try {
    return new (addon().Inbox)(path);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw new SysieveError('input', 'socket-unusable', `cannot listen on ${path}`, {
      cause: `${error.operation}: ${error.code}`,
      remedy:
        error.code === 'EADDRINUSE'
          ? 'Another agent listens there, or one was killed: remove the file in that case.'
          : 'Give a path in a directory that exists and is yours to write, of at most 107 bytes.',
    });
  }
}

/** Every descriptor that came along is closed here; the tracer has a copy of the one it needs. */
function accept(delivery: NativeDelivery, recording: Set<Container>, hooks: AgentHooks): void {
  try {
    const { id, pid, listener } = read(delivery);
    if (recording.size >= MOST) throw new Refused(`${MOST} containers are being recorded already`);
    const capture = new Capture({
      tracer: 'notify',
      execRule: 'any',
      listener,
      partial: true,
      setupPids: [pid],
    });
    recording.add({ id, capture });
    hooks.onNote(`recording container ${id}`);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof SysieveError)) throw error;
    const cause = error instanceof SysieveError ? (error.reason ?? error.message) : error.message;
    hooks.onNote(
      `refused what process ${delivery.pid} sent: ${cause}; were it a container's listener, its calls outside the profile answer ENOSYS`,
    );
  } finally {
    for (const fd of delivery.descriptors) closeSync(fd);
  }
}

class Refused extends Error {}

function read(delivery: NativeDelivery): { id: string; pid: number; listener: number } {
  if (delivery.problem !== null) throw new Refused(delivery.problem);
  let parsed: unknown;
  try {
    parsed = JSON.parse(delivery.message.toString('utf8'));
  } catch {
    throw new Refused('it is no JSON');
  }
  const state = StateSchema.safeParse(parsed);
  if (!state.success) {
    const [issue] = state.error.issues;
    throw new Refused(
      `it is no container process state: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  const { fds, pid } = state.data;
  const listener = delivery.descriptors[fds.indexOf(LISTENER)];
  if (listener === undefined || fds.length !== delivery.descriptors.length) {
    throw new Refused(
      `${fds.length} descriptors are named, ${delivery.descriptors.length} came, and one has to be ${LISTENER}`,
    );
  }
  return { id: state.data.state.id, pid, listener };
}

async function finish({ id, capture }: Container, hooks: AgentHooks): Promise<void> {
  const living = hooks.signal.aborted && capture.poll().live > 0;
  const run = capture.finish({
    attachedLate: null,
    runtime: null,
    target: { kind: 'container', engine: null, name: null, id, image: null },
    blindSpots: [UNNAMED],
  });
  if (living) hooks.onNote(`container ${id} lives on: its calls outside the profile answer ENOSYS`);
  await hooks.onRun(run);
}
