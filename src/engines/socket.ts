/** The Docker-compatible API over a unix socket: connection, errors, event stream. */
import { type IncomingHttpHeaders, request } from 'node:http';
import type Docker from 'dockerode';
import * as z from 'zod';
import { SysieveError } from '../errors';
import type { ApiEngineName } from './types';

/** An engine that accepts but never answers must not hang a recording. */
const ANSWER_MS = 10_000;

/** The engine said no: an HTTP status and its message. */
interface ApiError extends Error {
  statusCode: number;
  json?: unknown;
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && typeof (error as Partial<ApiError>).statusCode === 'number';
}
/** Far above what any container's description takes. */
const ANSWER_BYTES = 16 << 20;

export function connect(socketPath: string): Docker {
  // Loaded for what takes more than a question (see ask): it takes longer than all the rest of a start.
  const Client = require('dockerode') as typeof Docker;
  return new Client({ socketPath });
}

export function unreachable(engine: string, where: string, error: unknown): SysieveError {
  const code = (error as NodeJS.ErrnoException).code;
  const remedies: Record<string, string> = {
    ENOENT: 'Start the engine, or name its socket in DOCKER_HOST or CONTAINER_HOST.',
    EACCES: 'Run sysieve as root, or as a member of the group that owns the socket.',
    ECONNREFUSED: 'Start the engine: the socket exists but nothing listens on it.',
  };
  const timedOut = /abort|timeout/i.test(`${(error as Error).name} ${code}`);
  return new SysieveError('system', 'engine-unreachable', `cannot ask ${engine} at ${where}`, {
    cause: timedOut
      ? `no answer within ${ANSWER_MS / 1000} s`
      : error instanceof Error
        ? error.message
        : String(error),
    remedy: remedies[code ?? ''] ?? `Check that the engine answers: '${engine} ps'.`,
  });
}

export function unexpectedAnswer(engine: string, where: string, error: z.ZodError): SysieveError {
  const issue = error.issues[0];
  return new SysieveError(
    'system',
    'engine-answer-unexpected',
    `${engine} at ${where} answered in a shape sysieve does not know`,
    {
      cause: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
      remedy: 'Report the engine and its version to sysieve.',
    },
  );
}

export function ambiguousPrefix(engine: string, name: string): SysieveError {
  return new SysieveError(
    'input',
    'container-ambiguous',
    `more than one container of ${engine} has an id that starts with ${name}`,
    { remedy: 'Give more digits of the id, or the name.' },
  );
}

/** Docker answers 500 and Podman 404 for a prefix of several ids, so the words have to tell. */
const AMBIGUOUS = /multiple ids found|more than one result/i;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One GET over the socket. By node alone: a recording's target waits for the answer. */
function ask(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const asked = request(
      { socketPath, path, headers: { host: 'localhost' }, signal },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > ANSWER_BYTES)
            asked.destroy(new Error(`an answer of more than ${ANSWER_BYTES} bytes`));
          chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

function parsed(engine: string, where: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new SysieveError(
      'system',
      'engine-answer-unexpected',
      `${engine} at ${where} sent no JSON`,
      {
        cause: (error as Error).message,
        remedy: 'Check what listens on that socket.',
      },
    );
  }
}

/** What an engine says of a refusal: `message` of its JSON, or all of it. */
function messageOf(body: string): string {
  try {
    const said = z.object({ message: z.string() }).safeParse(JSON.parse(body));
    if (said.success) return said.data.message.trim();
  } catch {
    // Not JSON: the text itself.
  }
  return body.trim().slice(0, 1000);
}

/** A GET whose 404 is null; everything else that fails is a SysieveError with its cause. */
export async function get(
  engine: ApiEngineName,
  socketPath: string,
  path: string,
  subject: string,
): Promise<unknown> {
  const { status, body } = await ask(socketPath, path).catch((error: unknown) => {
    throw unreachable(engine, socketPath, error);
  });
  if (status === 200) return parsed(engine, socketPath, body);
  const said = messageOf(body);
  if (AMBIGUOUS.test(said)) throw ambiguousPrefix(engine, subject);
  if (status === 404) return null;
  throw new SysieveError('system', 'engine-failed', `${engine} at ${socketPath} refused`, {
    cause: `HTTP ${status}: ${said}`,
    remedy: `Check that the engine is well: '${engine} ps -a'.`,
  });
}

const Version = z.object({
  Version: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string().optional() })).nullish(),
});

export interface EngineVersion {
  engine: ApiEngineName;
  version: string;
  /** Lower-case component name → version. */
  components: Map<string, string>;
}

/** Which engine listens there: Podman also answers on /var/run/docker.sock where it stands in. */
export async function identify(socketPath: string): Promise<ApiEngineName> {
  const { status, headers } = await ask(socketPath, '/_ping').catch((error: unknown) => {
    throw unreachable('docker', socketPath, error);
  });
  if (status === 200 && headers['libpod-api-version'] !== undefined) return 'podman';
  if (status === 200 && String(headers.server).startsWith('Docker/')) return 'docker';
  // What neither header is of says it there, which takes Podman as long as all it has installed.
  return (await versionAt(socketPath)).engine;
}

export async function versionAt(socketPath: string): Promise<EngineVersion> {
  const answer = Version.safeParse(await get('docker', socketPath, '/version', 'version'));
  if (!answer.success) throw unexpectedAnswer('the engine', socketPath, answer.error);
  const components = new Map(
    (answer.data.Components ?? []).map((c) => [c.Name.toLowerCase(), c.Version ?? '']),
  );
  return {
    engine: components.has('podman engine') ? 'podman' : 'docker',
    version: answer.data.Version,
    components,
  };
}

/** Wakes for every event of the container until the stream ends. What happened, inspect tells. */
export async function streamEvents(
  socketPath: string,
  id: string,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await connect(socketPath).getEvents({
    filters: { type: ['container'], container: [id] },
    abortSignal: signal,
  });
  // Something may have happened before the stream stood.
  wake();
  for await (const _ of stream) wake();
}
