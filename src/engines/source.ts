/**
 * What --all asks of an engine: which containers there are, of which image and with which labels,
 * also of those that live for milliseconds. Docker and Podman by their socket; the podman command is
 * in podman-source.ts.
 */
import type Docker from 'dockerode';
import * as z from 'zod';
import { ContainerId } from './docker';
import { describe } from './find';
import { get, unexpectedAnswer } from './socket';
import type { ApiEngineName, ContainerInfo, ContainerRuntime, Engine } from './types';

/** A container as its engine lists it or tells of it. Untrusted but for the shape of the id. */
export interface ListedContainer {
  /** 64 hex digits. */
  id: string;
  name: string;
  /** The reference it was made from. */
  image: string;
  labels: Readonly<Record<string, string>>;
}

export interface SourceEvent {
  type: 'created' | 'started' | 'ended' | 'removed';
  /** Unix time. */
  atMs: number;
  container: ListedContainer;
}

/** One engine's word on its containers. Failures are SysieveErrors. */
export interface ContainerSource {
  /** As `target.engine` of a run. */
  readonly engine: string;
  /** What runs now. */
  running(): Promise<ListedContainer[]>;
  /** null: there is no container of this id (any more). */
  find(id: string): Promise<ListedContainer | null>;
  /** One that runs, as the kernel has it; null: it has ended. */
  describe(id: string): Promise<ContainerInfo | null>;
  /** null: not told, or the container is gone. */
  runtime(id: string): Promise<ContainerRuntime | null>;
  /** The same for every name of an image; null: there is no such image. */
  imageId(reference: string): Promise<string | null>;
  /**
   * Every event from `sinceMs` (Unix time) on; some may come twice. Ends with the stream or the
   * signal; throws where the engine has no stream of events.
   */
  events(sinceMs: number, listener: EventListener, signal: AbortSignal): Promise<void>;
}

export interface EventListener {
  onEvent(event: SourceEvent): void;
  /** Nothing is missed from now on. */
  onOpen(): void;
  /** Something was told that could not be read: it may have been an event. */
  onUnread(): void;
}

/** In an event these stand beside the labels, and hide labels of the same name. */
export const HIDDEN_LABELS: readonly string[] = ['image', 'name', 'exitCode', 'signal'];

const Labels = z.record(z.string(), z.string()).nullish();

const Listed = z.array(
  z.object({ Id: ContainerId, Names: z.array(z.string()).nullish(), Image: z.string(), Labels }),
);

const Found = z.object({
  Id: ContainerId,
  Name: z.string(),
  Config: z.object({ Image: z.string(), Labels }),
});

const Image = z.object({ Id: z.string() });

const Told = z.object({
  Type: z.literal('container'),
  Action: z.string(),
  timeNano: z.number().nullish(),
  Actor: z.object({ ID: ContainerId, Attributes: z.record(z.string(), z.string()).nullish() }),
});

/** Docker's words and Podman's. */
const ACTIONS: Readonly<Record<string, SourceEvent['type']>> = {
  create: 'created',
  start: 'started',
  die: 'ended',
  died: 'ended',
  destroy: 'removed',
  remove: 'removed',
};

export const actionOf = (word: string): SourceEvent['type'] | null =>
  Object.hasOwn(ACTIONS, word) ? (ACTIONS[word] ?? null) : null;

const IMAGE = /^[a-zA-Z0-9][a-zA-Z0-9_.\-/:@]{0,511}$/;

export const isImageReference = (reference: string): boolean => IMAGE.test(reference);

export const withoutSlash = (name: string): string => name.replace(/^\//, '');

function hear(line: string, listener: EventListener): void {
  const told = Told.safeParse(parsed(line));
  if (!told.success) {
    listener.onUnread();
    return;
  }
  const type = actionOf(told.data.Action);
  if (type === null) return;
  const { image = '', name = '', ...rest } = told.data.Actor.Attributes ?? {};
  const { timeNano } = told.data;
  const atMs = typeof timeNano === 'number' ? timeNano / 1e6 : Date.now();
  listener.onEvent({
    type,
    atMs,
    container: { id: told.data.Actor.ID, name, image, labels: rest },
  });
}

/** null: no JSON, which is no event either. */
export function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** An engine that prints without end and no newline would fill the memory. */
const LINE = 1 << 20;

/** Without empty ones; of one that is too long the beginning. */
export async function* lines(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let rest = '';
  let tooLong = false;
  for await (const chunk of chunks) {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      if (part !== '' && !tooLong) yield part;
      tooLong = false;
    }
    if (rest.length <= LINE) continue;
    if (!tooLong) yield rest.slice(0, LINE);
    tooLong = true;
    rest = '';
  }
}

/** What every engine knows by the questions that a single container is asked about. */
export function knownToKernel(engine: Engine): Pick<ContainerSource, 'describe' | 'runtime'> {
  const versions = new Map<string, Promise<string | null>>();
  return {
    async describe(id) {
      const seen = await engine.inspect(id);
      return seen === null || seen.pid === null ? null : describe(engine, seen);
    },
    async runtime(id) {
      const name = (await engine.inspect(id))?.runtimeName ?? null;
      if (name === null) return null;
      const version = versions.get(name) ?? engine.runtimeVersion(name);
      versions.set(name, version);
      return { name, version: await version };
    },
  };
}

export function socketSource(
  engine: Engine & { name: ApiEngineName },
  client: Docker,
  socket: string,
): ContainerSource {
  const { name } = engine;
  const ask = async <T>(schema: z.ZodType<T>, path: string, subject: string) => {
    const raw = await get(name, socket, path, subject);
    if (raw === null) return null;
    const answer = schema.safeParse(raw);
    if (!answer.success) throw unexpectedAnswer(name, socket, answer.error);
    return answer.data;
  };
  return {
    engine: name,
    ...knownToKernel(engine),
    async running() {
      // Those that run, unless others are asked for.
      const listed = await ask(Listed, '/containers/json', 'containers');
      return (listed ?? []).map(({ Id, Names, Image: image, Labels: labels }) => ({
        id: Id,
        name: withoutSlash(Names?.[0] ?? ''),
        image,
        labels: labels ?? {},
      }));
    },
    async find(id) {
      const found = await ask(Found, `/containers/${id}/json`, id);
      if (found === null) return null;
      const { Image: image, Labels: labels } = found.Config;
      return { id: found.Id, name: withoutSlash(found.Name), image, labels: labels ?? {} };
    },
    async imageId(reference) {
      if (!isImageReference(reference)) return null;
      const image = await ask(Image, `/images/${reference}/json`, reference);
      return image === null ? null : image.Id.replace(/^sha256:/, '');
    },
    async events(sinceMs, listener, signal) {
      const options: Docker.GetEventsOptions = {
        filters: { type: ['container'] },
        // Also what happened while the connection was being made.
        since: Math.floor(sinceMs) / 1000,
        abortSignal: signal,
      };
      const stream = await client.getEvents(options);
      listener.onOpen();
      for await (const line of lines(stream)) hear(line, listener);
    },
  };
}
