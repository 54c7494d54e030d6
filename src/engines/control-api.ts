/** Driving containers by the API that Docker has and Podman's service has too. */
import * as z from 'zod';
import { SysieveError } from '../errors';
import { type Answer, type Api, Lines, noContainer, refused, Tail, unframed } from './api';
import type { ContainerControl } from './control';
import { unexpectedAnswer, unreachable } from './socket';

/** How often an engine that owes an answer about an end is asked whether it still answers. */
const ALIVE_MS = 10_000;
const ANSWER_MS = 10_000;
/** After SIGKILL nothing but the kernel keeps a process. */
const KILLED_MS = 20_000;

type Driven = Pick<
  ContainerControl,
  'engine' | 'endpoint' | 'start' | 'wait' | 'stop' | 'exec' | 'logs' | 'files' | 'labelled'
>;

function answered<T>(api: Api, schema: z.ZodType<T>, answer: Answer): T {
  const parsed = schema.safeParse(answer.data);
  if (!parsed.success) throw unexpectedAnswer(api.engine, api.socketPath, parsed.error);
  return parsed.data;
}

/** The id in the answer to a `create`. */
export function createdId(api: Api, answer: Answer): string {
  return answered(api, z.object({ Id: z.string().regex(/^[0-9a-f]{64}$/) }), answer).Id;
}

const Exit = z.object({ StatusCode: z.number().int() });

async function wait(api: Api, id: string, signal: AbortSignal): Promise<number> {
  const end = new AbortController();
  const question = {
    method: 'POST',
    path: `/containers/${id}/wait`,
    timeoutMs: 2 ** 31 - 1,
  } as const;
  const ended = api.ask({ ...question, signal: AbortSignal.any([signal, end.signal]) });
  // An answer about an end has no time limit, so whether the engine lives is asked beside it.
  const lost = new Promise<never>((_, reject) => {
    const timer = setInterval(() => {
      const path = `/containers/${id}/json`;
      api.ask({ method: 'GET', path, timeoutMs: ANSWER_MS, signal: end.signal }).catch(reject);
    }, ALIVE_MS);
    end.signal.addEventListener('abort', () => clearInterval(timer));
  });
  lost.catch(() => undefined);
  try {
    const answer = await Promise.race([ended, lost]);
    if (answer.status === 404) throw noContainer(api.engine, id);
    if (answer.status !== 200) throw refused(api.engine, 'read', id, answer.said);
    return answered(api, Exit, answer).StatusCode;
  } finally {
    end.abort(new Error('no longer waited for'));
    ended.catch(() => undefined);
  }
}

async function kill(api: Api, id: string, signal: string): Promise<void> {
  const path = `/containers/${id}/kill`;
  const { status, said } = await api.ask({ method: 'POST', path, query: { signal } });
  // 404 and 409: it is gone, or has ended.
  if (status < 400 || status === 404 || status === 409) return;
  // Podman says so with 500.
  if (/not running|state improper|no such process/i.test(said)) return;
  throw refused(api.engine, 'stopped', id, said);
}

async function endedWithin(api: Api, id: string, ms: number): Promise<boolean> {
  const limit = AbortSignal.timeout(Math.max(ms, 1));
  try {
    await wait(api, id, limit);
    return true;
  } catch (error) {
    if (error instanceof SysieveError && error.code === 'container-not-found') return true;
    if (limit.aborted) return false;
    throw error;
  }
}

async function stop(
  api: Api,
  id: string,
  options: { signal: string | null; timeoutMs: number },
): Promise<void> {
  const { signal, timeoutMs } = options;
  if (signal === null) {
    const seconds = Math.ceil(timeoutMs / 1000);
    const { status, said } = await api.ask({
      method: 'POST',
      path: `/containers/${id}/stop`,
      query: { t: String(seconds) },
      timeoutMs: seconds * 1000 + KILLED_MS,
    });
    if (status >= 400 && status !== 404) throw refused(api.engine, 'stopped', id, said);
    return;
  }
  await kill(api, id, signal);
  if (await endedWithin(api, id, timeoutMs)) return;
  await kill(api, id, 'KILL');
  if (await endedWithin(api, id, KILLED_MS)) return;
  throw refused(api.engine, 'stopped', id, `it still runs ${KILLED_MS / 1000} s after SIGKILL`);
}

const Session = z.object({ Id: z.string().regex(/^[0-9a-f]{64}$/) });
const SessionState = z.object({ Running: z.boolean(), ExitCode: z.number().int().nullish() });

async function exec(
  api: Api,
  id: string,
  command: readonly string[],
  { env, signal }: Parameters<ContainerControl['exec']>[2],
) {
  const made = await api.ask({
    method: 'POST',
    path: `/containers/${id}/exec`,
    body: {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    },
    signal,
  });
  if (made.status === 404) throw noContainer(api.engine, id);
  if (made.status >= 400) throw refused(api.engine, 'entered', id, made.said);
  const session = answered(api, Session, made).Id;
  const output = new Tail();
  const run = await api.stream({
    method: 'POST',
    path: `/exec/${session}/start`,
    body: { Detach: false, Tty: false },
    signal,
  });
  // Newer engines refuse what cannot be executed, older ones say it in the output.
  if (run.status >= 400 && !/exec failed|executable file|permission denied/i.test(run.said)) {
    throw refused(api.engine, 'entered', id, run.said);
  }
  if (run.status >= 400) output.add(Buffer.from(run.said));
  else await drained(api, run.data, (chunk) => output.add(chunk), signal);
  const state = await api.ask({ method: 'GET', path: `/exec/${session}/json`, signal });
  if (state.status >= 400) throw refused(api.engine, 'read', id, state.said);
  const { ExitCode, Running } = answered(api, SessionState, state);
  if (Running || ExitCode === null || ExitCode === undefined) {
    throw refused(api.engine, 'read', id, 'the output ended, the command did not');
  }
  return { status: ExitCode, output: output.text() };
}

async function drained(
  api: Api,
  stream: NodeJS.ReadableStream,
  take: (chunk: Buffer, from: 'stdout' | 'stderr') => void,
  signal: AbortSignal,
): Promise<void> {
  const cut = () => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    for await (const { payload, from } of unframed(stream)) take(payload, from);
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(api.engine, api.socketPath, error);
  } finally {
    signal.removeEventListener('abort', cut);
  }
  signal.throwIfAborted();
}

async function logs(api: Api, id: string, onLine: (line: string) => void, signal: AbortSignal) {
  if (signal.aborted) return;
  // A line that one stream has not ended goes on behind what the other writes.
  const lines = { stdout: new Lines(onLine), stderr: new Lines(onLine) };
  try {
    const answer = await api.stream({
      method: 'GET',
      path: `/containers/${id}/logs`,
      query: { follow: 'true', stdout: 'true', stderr: 'true' },
      signal,
    });
    if (answer.status === 404) throw noContainer(api.engine, id);
    if (answer.status >= 400) throw refused(api.engine, 'read', id, answer.said);
    await drained(api, answer.data, (chunk, from) => lines[from].add(chunk), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  lines.stdout.end();
  lines.stderr.end();
}

const Listed = z.array(
  z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
);

export function drivenBy(api: Api): Driven {
  return {
    engine: api.engine,
    endpoint: { kind: 'socket', path: api.socketPath },
    async start(id) {
      const { status, said } = await api.ask({ method: 'POST', path: `/containers/${id}/start` });
      if (status === 404 && /no such container/i.test(said)) throw noContainer(api.engine, id);
      if (status >= 400) throw refused(api.engine, 'started', id, said);
    },
    wait: (id, signal) => wait(api, id, signal),
    stop: (id, options) => stop(api, id, options),
    exec: (id, command, options) => exec(api, id, command, options),
    logs: (id, onLine, signal) => logs(api, id, onLine, signal),
    async files(id, take) {
      const answer = await api.stream({ method: 'GET', path: `/containers/${id}/export` });
      if (answer.status === 404) throw noContainer(api.engine, id);
      if (answer.status >= 400) throw refused(api.engine, 'read', id, answer.said);
      await take(answer.data);
    },
    async labelled(label, value) {
      const wanted = value === null ? label : `${label}=${value}`;
      const query = { all: 'true', filters: JSON.stringify({ label: [wanted] }) };
      const answer = await api.ask({ method: 'GET', path: '/containers/json', query });
      if (answer.status >= 400) throw refused(api.engine, 'read', wanted, answer.said);
      return answered(api, Listed, answer).map(({ Id, Labels }) => ({
        id: Id,
        labels: Labels ?? {},
      }));
    },
  };
}
