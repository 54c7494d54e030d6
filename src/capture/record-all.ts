/**
 * Records every container of one image or label, those that run and those that start meanwhile, each
 * as a run of its own. The kernel catches them all as they are made; the engine's events tell whose
 * they were, also when they are long gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRuntime, ContainerSource, ListedContainer, SourceEvent } from '../engines';
import { SysieveError } from '../errors';
import { MAX_RUNS, type Run } from '../recording/schema';
import type { NativeGroup, Observation, SessionOptions } from './binding-types';
import { GroupCapture } from './groups';
import { ImageFilter, type Wanted } from './wanted';

const POLL_MS = 100;
/** An event may come a moment after what it tells of. */
const EVENT_MS = 2_000;
/** How long the engine is asked about a container after the end that it has not told of. */
const SETTLE_MS = 5_000;
const RETRY_MS = 1_000;
/** Of refused containers; the kernel has room for twice as many. */
const MAX_REFUSED = 4_096;
/** Leaves room for those that run as it is reached. */
const MAX_CONTAINERS = MAX_RUNS - 1_000;

export interface AllHooks {
  /** Ends the recording normally. */
  signal: AbortSignal;
  onReady(what: string): void;
  onProgress(progress: AllProgress): void;
  /** Untrusted text included. */
  onNote(note: string): void;
}

export interface AllProgress {
  elapsedMs: number;
  /** Containers that are over. */
  ended: number;
  running: number;
}

export interface AllOptions {
  wanted: Wanted;
  programs: SessionOptions['programs'];
}

interface Known {
  container: ListedContainer;
  /** null: not decided yet. */
  wanted: boolean | null;
  /** The engine told of a start while calls were counted. */
  started: boolean;
  /** Times of starts that no group was found for yet (Unix ms). */
  unmatched: number[];
  /** When it had groups: from birth until it was taken (Unix ms). */
  covered: { from: number; until: number }[];
  runtime: ContainerRuntime | null;
}

/** Records until the signal; the runs by the order in which they ended. */
export async function recordAll(
  source: ContainerSource,
  options: AllOptions,
  hooks: AllHooks,
): Promise<Run[]> {
  const images = new ImageFilter(source, options.wanted);
  await images.check();
  const fleet = new Fleet(source, images, new GroupCapture(options.programs), hooks);
  try {
    return await fleet.record();
  } finally {
    fleet.stop();
  }
}

class Fleet {
  private readonly known = new Map<string, Known>();
  /** Ids in the kernel's list of those without a group, oldest first. */
  private readonly refused = new Set<string>();
  /** Groups of containers that ran before, with their age then. */
  private readonly late = new Map<number, { targetAgeMs: number | null }>();
  private readonly runs: Run[] = [];
  private readonly asked = new Set<string>();
  private readonly pending = new Set<Promise<void>>();
  private readonly streams = new AbortController();
  private streaming: Promise<void> = Promise.resolve();
  private failure: unknown = null;
  /** Containers of other engines. */
  private readonly foreign = new Set<string>();
  /** No event since the start was missed. */
  private reliable = true;
  private counting = true;
  private notStarted = 0;

  constructor(
    private readonly source: ContainerSource,
    private readonly images: ImageFilter,
    private readonly capture: GroupCapture,
    private readonly hooks: AllHooks,
  ) {}

  async record(): Promise<Run[]> {
    await this.follow();
    // The kernel catches what starts from now on; what is listed and has no group ran before.
    for (const container of await this.source.running()) {
      this.learn(container).unmatched.push(Date.now());
    }
    await this.settle(EVENT_MS);
    this.poll();
    await this.settle(EVENT_MS);
    this.hooks.onReady(`every ${this.source.engine} container of ${this.images.words}`);
    while (!this.hooks.signal.aborted) {
      if (this.runs.length >= MAX_CONTAINERS) {
        this.hooks.onNote(`the recording ends: it is full with ${this.runs.length} containers`);
        break;
      }
      await sleep(POLL_MS, undefined, { signal: this.hooks.signal }).catch(() => undefined);
      if (this.failure !== null) throw this.failure;
      this.poll();
    }
    return this.finish();
  }

  stop(): void {
    this.streams.abort();
    this.capture.stop();
  }

  /** Resolves once events are told, and goes on with them beside what follows. */
  private follow(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.streaming = this.stream(resolve).catch((error: unknown) => {
        this.failure ??= error;
        reject(error);
      });
    });
  }

  private async stream(opened: () => void): Promise<void> {
    const { signal } = this.streams;
    let since = this.capture.startedAt.getTime() - RETRY_MS;
    let open = false;
    while (!signal.aborted) {
      const before = Date.now();
      let cause = 'its stream of events ended';
      try {
        const onOpen = (): void => {
          if (open) this.hooks.onNote(`${this.source.engine} tells of events again`);
          open = true;
          opened();
        };
        const onUnread = (): void => {
          if (this.reliable) this.hooks.onNote(`${this.source.engine} told what cannot be read`);
          this.reliable = false;
        };
        const onEvent = (event: SourceEvent): void => this.hear(event);
        await this.source.events(since, { onEvent, onOpen, onUnread }, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!open || !isOutage(error)) throw error;
        cause = error instanceof SysieveError ? (error.reason ?? error.message) : error.message;
      }
      if (signal.aborted) return;
      // Engines keep some hundred events for those who come back.
      this.reliable = false;
      this.hooks.onNote(`${this.source.engine} tells of no events (${cause}); recording goes on`);
      since = before - RETRY_MS;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private hear({ type, atMs, container }: SourceEvent): void {
    const known = this.learn(container);
    // What started before is listed, as long as it runs.
    const before = atMs < this.capture.startedAt.getTime();
    if (type === 'started' && this.counting && !before) {
      known.started = true;
      known.unmatched.push(atMs);
    }
    if (type === 'removed') {
      if (this.refused.delete(container.id)) this.capture.forget(container.id);
      if (known.wanted === false) this.known.delete(container.id);
    }
  }

  private learn(container: ListedContainer): Known {
    const old = this.known.get(container.id);
    if (old !== undefined) return old;
    const known: Known = {
      container,
      wanted: null,
      started: false,
      unmatched: [],
      covered: [],
      runtime: null,
    };
    this.known.set(container.id, known);
    this.later(this.decide(known));
    return known;
  }

  private async decide(known: Known): Promise<void> {
    const { container } = known;
    known.wanted = await this.images.wants(container);
    if (known.wanted) {
      // Gone by now, or the engine is: then the run does not say.
      known.runtime = await this.source.runtime(container.id).catch(() => null);
    } else if (this.counting && this.capture.refuse(container.id)) {
      this.refused.add(container.id);
      const [oldest] = this.refused;
      if (this.refused.size > MAX_REFUSED && oldest !== undefined) {
        this.refused.delete(oldest);
        this.capture.forget(oldest);
      }
    }
  }

  private later(work: Promise<void>): void {
    const kept = work
      .catch((error: unknown) => {
        // An engine that does not answer is asked again; until then the container is undecided.
        if (!(error instanceof SysieveError)) this.failure ??= error;
      })
      .finally(() => this.pending.delete(kept));
    this.pending.add(kept);
  }

  /** Until every question to the engine is answered. */
  private async settle(ms: number): Promise<void> {
    const end = Date.now() + ms;
    while (this.pending.size > 0 && Date.now() < end) {
      await Promise.race([Promise.all(this.pending), sleep(POLL_MS)]);
    }
  }

  private poll(): void {
    const { groups } = this.capture.list();
    const now = Date.now();
    for (const { group, id } of groups) {
      if (this.known.get(id)?.wanted === false) this.capture.ignore(group);
    }
    const wanted = groups.filter(({ id }) => this.known.get(id)?.wanted === true);
    for (const group of wanted) this.cover(group, now);
    this.take(wanted.filter(({ ended }) => ended));
    for (const { group, id, bornMs } of groups) {
      const age = now - (this.capture.startedAt.getTime() + bornMs);
      if (this.known.get(id)?.wanted !== undefined) this.ask(id, null);
      else if (age > EVENT_MS) this.ask(id, group);
    }
    for (const known of this.known.values()) if (known.wanted === true) this.match(known);
    const running = wanted.filter(({ live }) => live > 0).length;
    const elapsedMs = now - this.capture.startedAt.getTime();
    this.hooks.onProgress({ elapsedMs, ended: this.runs.length, running });
  }

  private cover({ id, bornMs }: NativeGroup, now: number): void {
    const known = this.known.get(id);
    const from = this.capture.startedAt.getTime() + bornMs;
    const times = known?.covered.find((time) => Math.abs(time.from - from) < 1);
    if (times === undefined) known?.covered.push({ from, until: now });
    else times.until = now;
  }

  /** A container that no event told of, or whose image could not be asked for. */
  private ask(id: string, unknown: number | null): void {
    const known = this.known.get(id);
    if (this.asked.has(id) || (known !== undefined && known.wanted !== null)) return;
    if (known !== undefined && this.pending.size > 0) return;
    this.asked.add(id);
    const question = known === undefined ? this.identify(id, unknown) : this.decide(known);
    this.later(question.finally(() => this.asked.delete(id)));
  }

  private async identify(id: string, group: number | null): Promise<void> {
    const found = await this.source.find(id);
    if (found !== null) this.learn(found);
    // Of another engine: this one would have told of it. Where it could not, the end decides.
    else if (this.reliable && !this.known.has(id)) {
      this.foreign.add(id);
      if (group !== null && this.counting) this.capture.ignore(group);
    }
  }

  /** A start that the kernel caught has a group that was there by then; any other ran before. */
  private match(known: Known): void {
    const open = takeUncovered(known);
    if (open.length === 0) return;
    const adopting = this.adopt(known).catch((error: unknown) => {
      // Asked for again, and told of at the end where it never could be.
      known.unmatched.push(...open);
      throw error;
    });
    this.later(adopting);
  }

  private async adopt(known: Known): Promise<void> {
    const info = await this.source.describe(known.container.id);
    const tasks = info === null || !this.counting ? null : this.capture.adopt(info);
    if (tasks === 'known') return;
    if (info === null || tasks === null) return this.miss(known.container, known.runtime);
    known.started = true;
    known.runtime ??= info.runtime;
    const ageMs = Date.now() - Date.parse(info.startedAt ?? '');
    const targetAgeMs = Number.isNaN(ageMs) ? null : Math.max(0, ageMs);
    const adopted = this.capture.list().groups.findLast(({ id }) => id === info.id);
    if (adopted === undefined) return this.miss(known.container, known.runtime);
    this.cover(adopted, Date.now());
    if (tasks > 0) this.late.set(adopted.group, { targetAgeMs });
  }

  /** It ran, and its calls are in no run: it has one that says so. */
  private miss(container: ListedContainer, runtime: ContainerRuntime | null): void {
    this.runs.push(this.capture.unseen(this.target(container), namedRuntime(runtime)));
  }

  private target({ id, name, image }: ListedContainer): Run['target'] {
    return { kind: 'container', engine: this.source.engine, name, id, image };
  }

  private take(groups: readonly NativeGroup[]): void {
    const observations = this.capture.take(groups.map(({ group }) => group));
    for (const [at, { group, id, bornMs }] of groups.entries()) {
      const seen = observations[at];
      const known = this.known.get(id);
      if (seen === undefined || known === undefined) continue;
      const attachedLate = this.late.get(group) ?? null;
      this.late.delete(group);
      if (attachedLate === null && !known.started && hasNoApplication(seen)) {
        this.notStarted += 1;
        continue;
      }
      const { runtime } = known;
      const context = {
        target: this.target(known.container),
        runtime: namedRuntime(runtime),
        attachedLate,
      };
      this.runs.push(this.capture.run(seen, bornMs, context));
    }
  }

  private async finish(): Promise<Run[]> {
    this.counting = false;
    this.capture.detach();
    const end = Date.now() + SETTLE_MS;
    const undecided = (): NativeGroup[] =>
      this.capture
        .list()
        .groups.filter(
          ({ id }) => (this.known.get(id)?.wanted ?? null) === null && !this.foreign.has(id),
        );
    while (undecided().length > 0 && Date.now() < end) {
      for (const { id } of undecided()) this.ask(id, null);
      await sleep(POLL_MS);
    }
    await this.settle(Math.max(POLL_MS, end - Date.now()));
    const { groups, lost } = this.capture.list();
    const wanted = groups.filter(({ id }) => this.known.get(id)?.wanted === true);
    for (const group of wanted) this.cover(group, Date.now());
    for (const known of this.known.values()) {
      if (known.wanted !== true || takeUncovered(known).length === 0) continue;
      this.miss(known.container, known.runtime);
    }
    this.take(wanted);
    for (const { id } of undecided()) {
      this.miss(this.known.get(id)?.container ?? { id, name: '', image: '', labels: {} }, null);
    }
    if (lost > 0) this.hooks.onNote(`${lost} cgroups of containers found no free group`);
    if (this.notStarted > 0) {
      this.hooks.onNote(`left out: ${this.notStarted} container(s) that had not started`);
    }
    this.streams.abort();
    await this.streaming.catch(() => undefined);
    return this.runs;
  }
}

/** Starts during which it had no group. */
function takeUncovered(known: Known): number[] {
  const open = known.unmatched.filter(
    (at) => !known.covered.some(({ from, until }) => from - EVENT_MS < at && at < until + EVENT_MS),
  );
  known.unmatched = [];
  return open;
}

function namedRuntime(runtime: ContainerRuntime | null): Run['host']['runtime'] {
  return runtime && { name: runtime.name, version: runtime.version ?? 'unknown' };
}

function hasNoApplication(seen: Observation): boolean {
  const application = new Set(
    seen.executables.filter(({ phase }) => phase === 'app').map(({ slot }) => slot),
  );
  const calls = [...seen.calls, ...seen.denied].some(({ slot }) => application.has(slot));
  return seen.starts === 0 && !calls;
}

/** An engine that went away or refused, and no defect of ours. */
function isOutage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error instanceof SysieveError || 'code' in error || 'statusCode' in error;
}
