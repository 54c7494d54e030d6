/** Calls of the CRI's RuntimeService over a unix socket. */
import type { Client, ServiceError } from '@grpc/grpc-js';
import * as z from 'zod';
import { SysieveError } from '../../errors';
import { unexpectedAnswer } from '../socket';
import { MESSAGES, type Messages, messageTypes } from './messages';

/** A runtime that accepts but never answers must not hang a recording. */
const ANSWER_MS = 10_000;
/** As kubelet allows: a node's whole list in one answer. */
const ANSWER_BYTES = 16 << 20;

/** Status codes of gRPC that mean something here. */
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;

export interface CriClient {
  readonly path: string;
  /** The answer as plain data, int64 as strings, checked; null: there is no such thing. */
  ask<T>(method: string, request: object, answer: z.ZodType<T>, ms?: number): Promise<T | null>;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number';
}

const REMEDIES: Record<string, string> = {
  ENOENT: 'Start containerd or CRI-O, or name its socket in CONTAINER_RUNTIME_ENDPOINT.',
  EACCES: 'Run sysieve as root.',
  ECONNREFUSED: 'Start the runtime: the socket exists but nothing listens on it.',
};

function failure(error: ServiceError, method: string, path: string, ms: number): SysieveError {
  const unreachable = (cause: string, remedy: string) =>
    new SysieveError('system', 'engine-unreachable', `cannot ask the CRI runtime at ${path}`, {
      cause,
      remedy,
    });
  if (error.code === UNIMPLEMENTED) {
    return unreachable(
      `it does not serve runtime.v1 (${error.details})`,
      'Enable containerd\'s CRI plugin: take "cri" out of disabled_plugins in its config.toml.',
    );
  }
  if (error.code === DEADLINE_EXCEEDED) {
    return unreachable(
      `no answer within ${ms / 1000} s`,
      "Check that the runtime answers: 'crictl ps'.",
    );
  }
  if (error.code === UNAVAILABLE) {
    const code = /\b(ENOENT|EACCES|ECONNREFUSED)\b/.exec(error.details)?.[1] ?? '';
    return unreachable(
      error.details,
      REMEDIES[code] ?? "Check that the runtime answers: 'crictl ps'.",
    );
  }
  return new SysieveError('system', 'engine-failed', `the CRI runtime at ${path} refused`, {
    cause: `${method}: ${error.details}`,
    remedy: "Check that the runtime is well: 'crictl ps -a'.",
  });
}

/** `more`: messages beside those that sysieve itself uses. */
export function criClient(path: string, more: Messages = {}): CriClient {
  // Loaded where a runtime is asked: they take longer than all the rest of a start.
  const grpc = require('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
  const type = messageTypes({ ...MESSAGES, ...more });
  const client: Client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': ANSWER_BYTES,
    'grpc.enable_retries': 0,
    // A private channel: the next client of the same socket may come after its restart.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  });
  return {
    path,
    async ask(method, request, answer, ms = ANSWER_MS) {
      const asked = type(`${method}Request`);
      const answered = type(`${method}Response`);
      let raw: unknown;
      try {
        raw = await new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            `/runtime.v1.RuntimeService/${method}`,
            (value: object) => Buffer.from(asked.encode(asked.fromObject(value)).finish()),
            (bytes: Buffer) =>
              answered.toObject(answered.decode(bytes), {
                longs: String,
                defaults: true,
                arrays: true,
                objects: true,
              }),
            request,
            { deadline: Date.now() + ms },
            (error, value) => (error ? reject(error) : resolve(value)),
          );
        });
      } catch (error) {
        if (!isServiceError(error)) throw error;
        if (error.code === NOT_FOUND) return null;
        throw failure(error, method, path, ms);
      }
      const parsed = answer.safeParse(raw);
      if (!parsed.success) throw unexpectedAnswer('the CRI runtime', path, parsed.error);
      return parsed.data;
    },
  };
}

const Version = z.object({ runtimeName: z.string().max(256), runtimeVersion: z.string().max(256) });

/** "containerd" or "cri-o", and its version. */
export async function criVersion(client: CriClient): Promise<{ name: string; version: string }> {
  const answer = await client.ask('Version', { version: 'v1' }, Version);
  return { name: answer?.runtimeName ?? '', version: answer?.runtimeVersion ?? '' };
}
