/** The Docker-compatible API over a unix socket: connection, errors, event stream. */
import type Docker from 'dockerode';
import * as z from 'zod';
import { SysieveError } from '../errors';
import type { EngineName } from './types';

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

export function connect(socketPath: string): Docker {
  // Loaded where an engine is asked: it takes longer than all the rest of a start.
  const Client = require('dockerode') as typeof Docker;
  return new Client({ socketPath });
}

export function unreachable(engine: string, where: string, error: unknown): SysieveError {
  const code = (error as NodeJS.ErrnoException).code;
  const remedies: Record<string, string> = {
    ENOENT: 'start the engine, or name its socket in DOCKER_HOST or CONTAINER_HOST',
    EACCES: 'run sysieve as root, or as a member of the group that owns the socket',
    ECONNREFUSED: 'start the engine: the socket exists but nothing listens on it',
  };
  const timedOut = /abort|timeout/i.test(`${(error as Error).name} ${code}`);
  return new SysieveError('system', 'engine-unreachable', `cannot ask ${engine} at ${where}`, {
    cause: timedOut
      ? `no answer within ${ANSWER_MS / 1000} s`
      : error instanceof Error
        ? error.message
        : String(error),
    remedy: remedies[code ?? ''] ?? `check that the engine answers: ${engine} ps`,
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
      remedy: 'report the engine and its version to sysieve',
    },
  );
}

export function ambiguousPrefix(engine: string, name: string): SysieveError {
  return new SysieveError(
    'input',
    'container-ambiguous',
    `more than one container of ${engine} has an id that starts with ${name}`,
    { remedy: 'give more digits of the id, or the name' },
  );
}

/** Docker answers 500 and Podman 404 for a prefix of several ids, so the words have to tell. */
const AMBIGUOUS = /multiple ids found|more than one result/i;

/** A GET whose 404 is null; everything else that fails is a SysieveError with its cause. */
export async function get(
  docker: Docker,
  engine: EngineName,
  socketPath: string,
  path: string,
  subject: string,
): Promise<unknown> {
  try {
    return await new Promise((resolve, reject) => {
      docker.modem.dial(
        {
          path,
          method: 'GET',
          abortSignal: AbortSignal.timeout(ANSWER_MS),
          statusCodes: { 200: true, 404: 'not found', 500: 'server error' },
        },
        (error: unknown, data: unknown) => (error ? reject(error) : resolve(data)),
      );
    });
  } catch (error) {
    if (!isApiError(error)) throw unreachable(engine, socketPath, error);
    const message = z.object({ message: z.string() }).safeParse(error.json);
    const said = message.success ? message.data.message : error.message;
    if (AMBIGUOUS.test(said)) throw ambiguousPrefix(engine, subject);
    if (error.statusCode === 404) return null;
    throw new SysieveError('system', 'engine-failed', `${engine} at ${socketPath} refused`, {
      cause: `HTTP ${error.statusCode}: ${said.trim()}`,
      remedy: `check that the engine is well: ${engine} inspect ${subject}`,
    });
  }
}

const Version = z.object({
  Version: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string().optional() })).nullish(),
});

export interface EngineVersion {
  engine: EngineName;
  version: string;
  /** Lower-case component name → version. */
  components: Map<string, string>;
}

/** Which engine listens there: Podman also answers on /var/run/docker.sock where it stands in. */
export async function identify(docker: Docker, socketPath: string): Promise<EngineVersion> {
  const answer = Version.safeParse(await get(docker, 'docker', socketPath, '/version', 'version'));
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
  docker: Docker,
  id: string,
  wake: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await docker.getEvents({
    filters: { type: ['container'], container: [id] },
    abortSignal: signal,
  });
  // Something may have happened before the stream stood.
  wake();
  for await (const _ of stream) wake();
}
