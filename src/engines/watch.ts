/** Follows one container over its restarts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SysieveError } from '../errors';
import { describe, engineAt } from './find';
import type { ContainerEvent, ContainerInfo, Engine, Inspected, MadeContainer } from './types';

/** Bounds how late a change is noticed where the engine's events are off or its stream broke. */
const POLL_MS = 1_000;

/** How many times in a row an engine that answers must fail the question to count as lost. */
const REFUSALS = 3;

type Watched = Pick<ContainerInfo, 'id' | 'attempt' | 'running' | 'startedAt'> & {
  /** Whether all is known of its start. */
  settled: boolean;
};

class Alarm {
  private pending = false;
  private release: (() => void) | null = null;

  ring = (): void => {
    this.pending = true;
    this.release?.();
  };

  /** Until rung since the last wait, or `ms`, or the signal. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.pending) {
      const rung = new AbortController();
      this.release = () => rung.abort();
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, rung.signal]) }).catch(
        () => {},
      );
      this.release = null;
    }
    this.pending = false;
  }
}

async function keepStreaming(engine: Engine, ref: string, alarm: Alarm, signal: AbortSignal) {
  while (!signal.aborted) {
    // A stream that fails only costs promptness: the poll finds what it would have told.
    await engine.events(ref, alarm.ring, signal).catch(() => {});
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

function watched(seen: Inspected, before: Watched): Watched {
  const { id, running, startedAt } = seen;
  const settled = startedAt !== null || seen.unstarted !== true;
  return { id, running, startedAt, attempt: seen.attempt ?? before.attempt, settled };
}

/** null: it is the same one as before. */
function madeAnew(before: Watched, now: Inspected): MadeContainer | null {
  if (now.id === before.id || now.id === '') return null;
  const { id, cgroupNames = [], cgroupPath = null, unstarted = false, attempt = 0 } = now;
  const unseen = before.attempt === null ? 0 : Math.max(0, attempt - before.attempt - 1);
  return { id, cgroupNames, cgroupPath, unstarted, unseen, startUntold: !before.settled };
}

/** What lies between two answers of the engine, even if it restarted unseen in between. */
function changes(before: Watched, now: Watched): ('started' | 'died')[] {
  const restarted = now.startedAt !== null && now.startedAt !== before.startedAt;
  const events: ('started' | 'died')[] = [];
  if (before.running && (restarted || !now.running)) events.push('died');
  if (restarted) events.push('started');
  if (restarted && !now.running) events.push('died');
  return events;
}

/**
 * Tells what happens to the container from `info` on, until it is removed (after that event) or the
 * signal aborts. The state is always the engine's own answer; its event stream only says when to
 * ask. Throws only for defects: an engine that stops answering is an event.
 */
export async function watchContainer(
  info: ContainerInfo,
  onEvent: (event: ContainerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const alarm = new Alarm();
  let engine: Engine | null = null;
  let streaming: Promise<void> = Promise.resolve();
  let before: Watched = { ...info, settled: !info.unstarted || info.id === '' };
  let lost = false;
  let refused = 0;
  try {
    while (!until.aborted) {
      try {
        if (engine === null) {
          engine = await engineAt(info.endpoint, info.engine);
          streaming = keepStreaming(engine, info.ref, alarm, until);
        }
        const now = await engine.inspect(info.ref);
        if (lost) onEvent({ type: 'engine-back' });
        lost = false;
        refused = 0;
        if (now === null) {
          if (before.running) onEvent({ type: 'died' });
          onEvent({ type: 'removed' });
          return;
        }
        const made = madeAnew(before, now);
        if (made !== null) {
          // Without delay: what is told here is traced before it executes anything.
          onEvent({ type: 'made', container: made });
          if (before.running) onEvent({ type: 'died' });
          const settled = now.startedAt === null && now.unstarted !== true;
          before = { ...watched(now, before), running: false, startedAt: null, settled };
        }
        const happened = changes(before, watched(now, before));
        const container = happened.includes('started') ? await describe(engine, now) : null;
        // null: it ended while being looked at; what the engine says next decides.
        if (container !== null || !happened.includes('started')) {
          for (const type of happened) {
            if (type === 'died') onEvent({ type });
            else if (container !== null) onEvent({ type, container });
          }
          before = watched(now, before);
        }
      } catch (error) {
        if (!(error instanceof SysieveError)) throw error;
        if (until.aborted) return;
        // An engine fails a question about a container that it is just removing; that passes.
        const unheard = error.code === 'engine-unreachable' || ++refused >= REFUSALS;
        if (unheard && !lost) {
          onEvent({ type: 'engine-lost', cause: error.reason ?? error.message });
          lost = true;
        }
      }
      await alarm.wait(POLL_MS, until);
    }
  } finally {
    ended.abort();
    await streaming;
  }
}
