/** When an application is ready for its workload. */
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULTS, milliseconds, type Ready } from '../config';
import { SysieveError } from '../errors';
import { runHere } from './host';
import type { Subject } from './subject';
import type { NamedApp } from './types';

const BETWEEN_MS = 100;
/** Of one attempt. */
const ATTEMPT_MS = 5_000;
/** An engine's proxy takes connections before the application does, and drops them at once. */
const STAYS_MS = 100;

/** null: ready; else why not yet. */
type Attempt = (signal: AbortSignal) => Promise<string | null>;

/** The address of a readiness port: a number is this host's. */
export function tcpAddress(tcp: number | string): { host: string; port: number } {
  if (typeof tcp === 'number') return { host: '127.0.0.1', port: tcp };
  const at = tcp.lastIndexOf(':');
  return { host: tcp.slice(0, at), port: Number(tcp.slice(at + 1)) };
}

/** Takes a connection and keeps it for a moment, or answers on it. */
function tcpAttempt(address: { host: string; port: number }): Attempt {
  return (signal) =>
    new Promise((resolve) => {
      const socket = connect({ ...address, signal });
      let timer: NodeJS.Timeout | undefined;
      const done = (answer: string | null): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      socket.once('connect', () => {
        timer = setTimeout(() => done(null), STAYS_MS);
      });
      socket.once('data', () => done(null));
      socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      socket.once('close', () => done('the connection was closed at once'));
    });
}

function httpAttempt(url: string, status: number | undefined): Attempt {
  // A certificate is the application's own affair: this asks whether it answers.
  const options = { rejectUnauthorized: false, headers: { connection: 'close' } };
  return (signal) =>
    new Promise((resolve) => {
      const get = url.startsWith('https:') ? httpsGet : httpGet;
      const request = get(url, { ...options, signal }, (response) => {
        response.resume();
        const got = response.statusCode ?? 0;
        const fits = status === undefined ? got >= 200 && got < 400 : got === status;
        resolve(fits ? null : `status ${got}`);
      });
      request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
}

function commandAttempt(
  { command, in: where }: Extract<Ready, { command: unknown }>,
  { directory }: NamedApp,
  subject: Subject,
): Attempt {
  return async (signal) => {
    const { status } =
      where === 'container'
        ? await subject.exec(command, { env: {}, signal })
        : await runHere(command, { cwd: directory, env: subject.env, signal });
    return status === 0 ? null : `status ${status}`;
  };
}

function aLine(text: string, subject: Subject, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let end = (): void => undefined;
    const stop = (): void => {
      end();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
    end = subject.output.onLine((line) => {
      if (line.includes(text)) setImmediate(stop);
    });
  });
}

async function repeated(attempt: Attempt, signal: AbortSignal): Promise<string> {
  let why = 'it was not asked yet';
  while (!signal.aborted) {
    const one = AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]);
    const answer = await attempt(one);
    if (answer === null) return '';
    if (!signal.aborted) why = answer;
    await sleep(BETWEEN_MS, undefined, { signal }).catch(() => undefined);
  }
  return why;
}

/** What is waited for, in words. */
export function readyText(ready: Ready): string {
  if ('tcp' in ready) {
    const { host, port } = tcpAddress(ready.tcp);
    return `a connection to ${host}:${port}`;
  }
  if ('http' in ready) return `an answer from ${ready.http}`;
  if ('log' in ready) return `a line of output with ${JSON.stringify(ready.log)}`;
  return `${ready.command.join(' ')} to succeed`;
}

/** Resolves when the application is ready; a SysieveError when that takes too long. */
export async function untilReady(
  ready: Ready,
  app: NamedApp,
  subject: Subject,
  signal: AbortSignal,
): Promise<void> {
  const limit = milliseconds(ready.timeout ?? DEFAULTS.readyTimeout);
  const late = AbortSignal.timeout(limit);
  const either = AbortSignal.any([signal, late]);
  let why = '';
  if ('log' in ready) {
    await aLine(ready.log, subject, either);
    if (late.aborted) why = 'no such line came';
  } else {
    const attempt =
      'tcp' in ready
        ? tcpAttempt(tcpAddress(ready.tcp))
        : 'http' in ready
          ? httpAttempt(ready.http, ready.status)
          : commandAttempt(ready, app, subject);
    why = await repeated(attempt, either);
  }
  signal.throwIfAborted();
  if (why === '') return;
  throw new SysieveError(
    'check',
    'app-not-ready',
    `${app.name}: not ready within ${limit / 1000} s: waited for ${readyText(ready)}`,
    {
      cause: `${why}; ${subject.output}`,
      remedy:
        'Check ready of the app in sysieve.config.json, and give it more time with ready.timeout.',
    },
  );
}
