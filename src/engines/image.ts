/** What an image brings along, to tell what a container has beyond it. */
import * as z from 'zod';
import { SysieveError } from '../errors';
import { Api } from './api';
import { API, runPodman } from './podman';
import { connect, identify, unexpectedAnswer } from './socket';
import type { Endpoint } from './types';

export interface ImageSettings {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** NAME=VALUE */
  readonly env: readonly string[];
  readonly user: string;
  readonly workdir: string;
  /** "80/tcp" */
  readonly exposed: readonly string[];
  /** As an image has it: CMD, CMD-SHELL or NONE first. Empty: there is none. */
  readonly healthcheck: readonly string[];
}

const Texts = z.array(z.string()).nullish();
const Healthcheck = z.object({ Test: Texts }).nullish();

const Shape = z.object({
  Config: z
    .object({
      Entrypoint: Texts,
      Cmd: Texts,
      Env: Texts,
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Healthcheck,
    })
    .nullish(),
  /** Podman's own place for it. */
  Healthcheck,
});

function notFound(image: string, cause: string): SysieveError {
  return new SysieveError('input', 'image-not-found', `the engine has no image "${image}"`, {
    cause,
    remedy: 'Pull or build it: what a container has of its own shows only beside its image.',
  });
}

async function inspected(endpoint: Endpoint, image: string): Promise<unknown> {
  if (endpoint.kind === 'cli') {
    const args = ['image', 'inspect', '--format', 'json', '--', image];
    const { code, stdout, stderr } = await runPodman(endpoint.path, args);
    if (code !== 0) throw notFound(image, stderr.trim());
    const [first] = z.array(z.unknown()).parse(JSON.parse(stdout));
    return first;
  }
  const engine = await identify(endpoint.path);
  const name = encodeURIComponent(image);
  const path = engine === 'podman' ? `${API}/images/${name}/json` : `/images/${name}/json`;
  const { status, data, said } = await new Api(engine, endpoint.path, connect(endpoint.path)).ask({
    method: 'GET',
    path,
  });
  if (status !== 200) throw notFound(image, said);
  return data;
}

export async function imageSettings(endpoint: Endpoint, image: string): Promise<ImageSettings> {
  const parsed = Shape.safeParse(await inspected(endpoint, image));
  if (!parsed.success) {
    const engine = endpoint.kind === 'cli' ? 'podman' : 'docker';
    throw unexpectedAnswer(engine, endpoint.path, parsed.error);
  }
  const { Config, Healthcheck: own } = parsed.data;
  return {
    entrypoint: Config?.Entrypoint ?? [],
    command: Config?.Cmd ?? [],
    env: Config?.Env ?? [],
    user: Config?.User ?? '',
    workdir: Config?.WorkingDir ?? '',
    exposed: Object.keys(Config?.ExposedPorts ?? {}),
    healthcheck: Config?.Healthcheck?.Test ?? own?.Test ?? [],
  };
}
