/** What --all asks of Podman where no service listens: the podman command, one process a question. */
import { spawn } from 'node:child_process';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { ContainerId } from './docker';
import { failed, parseJson, podmanCommandEngine, runPodman } from './podman';
import { unexpectedAnswer } from './socket';
import {
  actionOf,
  type ContainerSource,
  type EventListener,
  isImageReference,
  knownToKernel,
  lines,
  parsed,
} from './source';

const Labels = z.record(z.string(), z.string()).nullish();

const Listed = z
  .array(
    z.object({ Id: ContainerId, Names: z.array(z.string()).nullish(), Image: z.string(), Labels }),
  )
  .nullable();

const Found = z.tuple([
  z.object({
    Id: ContainerId,
    Name: z.string(),
    ImageName: z.string(),
    Config: z.object({ Labels }),
  }),
]);

const Images = z.tuple([z.object({ Id: z.string() })]);

const Told = z.object({
  Type: z.literal('container'),
  Status: z.string(),
  ID: ContainerId,
  Time: z.union([z.string(), z.number()]).nullish(),
  Name: z.string().nullish(),
  Image: z.string().nullish(),
  Attributes: z.record(z.string(), z.string()).nullish(),
});

/** RFC 3339 or Unix seconds, as its versions print it. */
function timeOf(time: string | number | null | undefined): number {
  const ms = typeof time === 'number' ? time * 1000 : Date.parse(time ?? '');
  return Number.isNaN(ms) ? Date.now() : ms;
}

function hear(line: string, listener: EventListener): void {
  const told = Told.safeParse(parsed(line));
  if (!told.success) {
    listener.onUnread();
    return;
  }
  const type = actionOf(told.data.Status);
  if (type === null) return;
  const { ID: id, Name: name, Image: image, Attributes: labels } = told.data;
  const container = { id, name: name ?? '', image: image ?? '', labels: labels ?? {} };
  listener.onEvent({ type, atMs: timeOf(told.data.Time), container });
}

export function podmanCommandSource(command: string): ContainerSource {
  /** null: podman says there is none. */
  const ask = async <T>(schema: z.ZodType<T>, args: string[], none: RegExp) => {
    const { code, stdout, stderr } = await runPodman(command, args);
    if (code !== 0) {
      if (none.test(stderr)) return null;
      throw failed(command, stderr);
    }
    const answer = schema.safeParse(parseJson(command, stdout));
    if (!answer.success) throw unexpectedAnswer('podman', command, answer.error);
    return answer.data;
  };
  return {
    engine: 'podman',
    ...knownToKernel(podmanCommandEngine(command)),
    // Two processes for each container, which may not live that long.
    runtime: async () => null,
    async running() {
      const args = ['ps', '--no-trunc', '--format', 'json'];
      const listed = await ask(Listed, args, /^$/);
      return (listed ?? []).map(({ Id, Names, Image, Labels: labels }) => ({
        id: Id,
        name: Names?.[0] ?? '',
        image: Image,
        labels: labels ?? {},
      }));
    },
    async find(id) {
      const args = ['inspect', '--type', 'container', '--format', 'json', '--', id];
      const found = await ask(Found, args, /no such container/i);
      if (found === null) return null;
      const [{ Id, Name, ImageName, Config }] = found;
      return { id: Id, name: Name, image: ImageName, labels: Config.Labels ?? {} };
    },
    async imageId(reference) {
      if (!isImageReference(reference)) return null;
      const args = ['image', 'inspect', '--format', 'json', '--', reference];
      const found = await ask(Images, args, /no such image|image not known/i);
      return found === null ? null : found[0].Id.replace(/^sha256:/, '');
    },
    async events(sinceMs, listener, signal) {
      const since = new Date(sinceMs).toISOString();
      const args = ['events', '--format', 'json', '--filter', 'type=container', '--since', since];
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-4096);
      });
      const ended = new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      // Handled below; a stream that is read to its end may not have been by the time it fails.
      ended.catch(() => undefined);
      // What happens before it reads is told by `since`.
      listener.onOpen();
      try {
        for await (const line of lines(child.stdout)) hear(line, listener);
        if ((await ended) === 0) return;
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (signal.aborted) return;
      throw new SysieveError('system', 'engine-events-unavailable', 'podman tells of no events', {
        cause: stderr.trim().split('\n').at(-1) ?? '',
        remedy: "Check that 'podman events' works: events_logger must not be none.",
      });
    },
  };
}
