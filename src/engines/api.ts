/** What is asked of an engine beyond reading: requests, streams of output, errors in its words. */
import { StringDecoder } from 'node:string_decoder';
import type Docker from 'dockerode';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { isApiError, unreachable } from './socket';
import type { ApiEngineName } from './types';

/** Making, starting and removing copy layers and set up namespaces; a loaded machine takes long. */
export const WORK_MS = 60_000;

export interface Question {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: object;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/** Any HTTP status is an answer; `said` is the engine's message of a refusal. */
export interface Answer {
  status: number;
  data: unknown;
  said: string;
}

const ACCEPTED = { 200: true, 201: true, 204: true, 304: true } as const;

/** One connection to an engine, which throws what the engine cannot be asked. */
export class Api {
  constructor(
    readonly engine: ApiEngineName,
    readonly socketPath: string,
    private readonly docker: Docker,
  ) {}

  ask(question: Question): Promise<Answer> {
    const limit = AbortSignal.timeout(question.timeoutMs ?? WORK_MS);
    return this.dial(question, limit, false).then((data) => data as Answer);
  }

  /** The body as it comes; the answer's head must come in time, its end may not. */
  async stream(question: Question): Promise<Answer & { data: NodeJS.ReadableStream }> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), question.timeoutMs ?? WORK_MS);
    try {
      return (await this.dial(question, late.signal, true)) as Answer & {
        data: NodeJS.ReadableStream;
      };
    } finally {
      clearTimeout(timer);
    }
  }

  private async dial(question: Question, limit: AbortSignal, isStream: boolean): Promise<Answer> {
    const { method, path, query = {}, body = {}, signal } = question;
    signal?.throwIfAborted();
    try {
      const data = await new Promise<unknown>((resolve, reject) => {
        this.docker.modem.dial(
          {
            // The client takes its query from `options` where the path ends so.
            path: Object.keys(query).length === 0 ? path : `${path}?`,
            method,
            options: { _query: query, _body: body },
            abortSignal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
            statusCodes: ACCEPTED,
            isStream,
          },
          (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer)),
        );
      });
      return { status: 200, data, said: '' };
    } catch (error) {
      signal?.throwIfAborted();
      if (!isApiError(error)) throw unreachable(this.engine, this.socketPath, error);
      return { status: error.statusCode, data: error.json, said: messageOf(error) };
    }
  }
}

function messageOf(error: Error & { json?: unknown }): string {
  const parsed = z.object({ message: z.string() }).safeParse(error.json);
  return (parsed.success ? parsed.data.message : error.message).trim();
}

const FRAME_HEADER = 8;
/** A frame that says it is longer is no frame of an engine. */
const FRAME_MAX = 16 << 20;

const STDERR = 2;

interface Frame {
  from: 'stdout' | 'stderr';
  payload: Buffer;
}

/** What both streams held, in the order it came, out of the engines' framing. */
export async function* unframed(stream: NodeJS.ReadableStream): AsyncGenerator<Frame> {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= FRAME_HEADER) {
      const length = rest.readUInt32BE(4);
      if (length > FRAME_MAX) throw new Error(`a frame of ${length} bytes`);
      if (rest.length < FRAME_HEADER + length) break;
      yield {
        from: rest[0] === STDERR ? 'stderr' : 'stdout',
        payload: rest.subarray(FRAME_HEADER, FRAME_HEADER + length),
      };
      rest = rest.subarray(FRAME_HEADER + length);
    }
  }
}

const OUTPUT_BYTES = 64 << 10;

/** The end of an output of any length. */
export class Tail {
  private bytes = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]).subarray(-OUTPUT_BYTES);
  }

  text(): string {
    return this.bytes.toString('utf8');
  }
}

/** Longer lines are told in pieces: a container may print forever without a newline. */
const LINE_MAX = 64 << 10;

/** Whole lines out of chunks that end anywhere. */
export class Lines {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  add(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line.replace(/\r$/, ''));
    if (this.rest.length < LINE_MAX) return;
    this.onLine(this.rest);
    this.rest = '';
  }

  end(): void {
    this.rest += this.decoder.end();
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}

/** Failures in one voice, whichever way the engine was asked. */
export function refused(
  engine: ApiEngineName,
  what: 'created' | 'started' | 'stopped' | 'removed' | 'entered' | 'read',
  name: string,
  said: string,
): SysieveError {
  return new SysieveError('system', `container-not-${what}`, `${engine}: ${name} was not ${what}`, {
    cause: said.trim().split('\n').at(-1) ?? '',
    remedy: `Look at what '${engine} logs ${name}' and '${engine} inspect ${name}' tell: the cause is in the engine's own words.`,
  });
}

export function imageMissing(engine: string, image: string): SysieveError {
  const one = engine.split(' ')[0] ?? engine;
  return new SysieveError('input', 'image-not-found', `${engine} has no image "${image}"`, {
    cause: 'sysieve pulls nothing',
    remedy: `Pull or build it first: '${one} pull ${image}'.`,
  });
}

export function nameTaken(engine: ApiEngineName, name: string): SysieveError {
  return new SysieveError('input', 'container-name-taken', `${engine} has a container "${name}"`, {
    remedy: `Remove it with '${engine} rm ${name}', or choose another name.`,
  });
}

export function noContainer(engine: ApiEngineName, id: string): SysieveError {
  return new SysieveError('input', 'container-not-found', `${engine} has no container "${id}"`, {
    remedy: `List what there is with '${engine} ps -a'.`,
  });
}
