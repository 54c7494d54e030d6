/** An app out of a container that is there: what it has beyond its image. */
import { relative } from 'node:path';
import { type App, looksSecret, type RunOptions } from '../config';
import {
  type ContainerInfo,
  type ContainerSpec,
  controlAt,
  type EngineChoice,
  findContainer,
  type ImageSettings,
  imageSettings,
  listeningPorts,
} from '../engines';

export interface InitOptions {
  readonly engine: EngineChoice;
  /** Of the config that is written. */
  readonly directory: string;
}

export interface InitApp {
  /** Of the container, as far as an app may have it. */
  readonly name: string;
  readonly app: App;
  /** What was guessed or left out. Untrusted names in it. */
  readonly notes: readonly string[];
}

type Tell = (says: string) => void;

/** What engines set themselves. */
const SHM_BYTES = 64 * 1024 * 1024;
const USUAL_RUNTIMES: readonly (string | null)[] = [null, 'runc', 'crun', 'oci'];
const PODMAN_ENV: readonly string[] = ['container', 'TERM', 'HOME'];

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}

/** What really runs, told as the image's entrypoint and what follows it where it begins so. */
function commandLine(spec: ContainerSpec, image: ImageSettings): Pick<App, 'command' | 'run'> {
  const argv = [...(spec.entrypoint ?? []), ...(spec.command ?? [])];
  const { entrypoint, command } = image;
  if (same(argv, [...entrypoint, ...command])) return {};
  if (same(argv.slice(0, entrypoint.length), entrypoint) && argv.length > entrypoint.length) {
    return { command: argv.slice(entrypoint.length) };
  }
  return { run: { entrypoint: argv } };
}

function environment(
  spec: ContainerSpec,
  image: ImageSettings,
  podman: boolean,
  tell: Tell,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(spec.env)) {
    if (image.env.includes(`${name}=${value}`)) continue;
    if (podman && PODMAN_ENV.includes(name)) continue;
    if (looksSecret(name, value)) {
      tell(
        `the value of ${name} looks like a secret and is left out: give one for staging in run.env`,
      );
    } else env[name] = value;
  }
  return env;
}

function healthcheck({ healthcheck: [kind, ...words] }: ImageSettings): string[] | null {
  if (kind === 'CMD' && words.length > 0) return words;
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', words.join(' ')];
  return null;
}

function readiness(
  spec: ContainerSpec,
  image: ImageSettings,
  info: ContainerInfo,
  tell: Tell,
): App['ready'] {
  const command = healthcheck(image);
  if (command !== null) {
    tell("guessed: it is ready when the image's health check passes");
    return { command, in: 'container' };
  }
  const listening = info.pid === null ? [] : listeningPorts(info.pid);
  const tcp = (port: number): App['ready'] => {
    tell(`guessed: it is ready when port ${port} takes connections`);
    return { tcp: port };
  };
  for (const text of spec.ports) {
    const match = /(?:^|:)(\d+):(\d+)(?:\/tcp)?$/.exec(text);
    if (match !== null && (info.pid === null || listening.includes(Number(match[2])))) {
      return tcp(Number(match[1]));
    }
  }
  if (spec.network === 'host') {
    // The host's own ports are among those that listen: only what the image names is the app's.
    const exposed = image.exposed.flatMap((port) => /^(\d+)(?:\/tcp)?$/.exec(port)?.[1] ?? []);
    const found = exposed.map(Number).find((port) => listening.includes(port));
    if (found !== undefined) return tcp(found);
  } else if (listening.length > 0) {
    tell(
      `it listens on port ${listening.join(', ')}, which is not published: publish it, or say in ` +
        'another way when it is ready',
    );
  }
  return undefined;
}

/** A directory of the repository by its place there. */
function sourceIn(directory: string, source: string): string {
  if (!source.startsWith('/')) return source;
  const path = relative(directory, source);
  return path.startsWith('..') || path === '' ? source : `./${path}`;
}

function runOptions(
  spec: ContainerSpec,
  image: ImageSettings,
  env: Record<string, string>,
  directory: string,
): RunOptions {
  const list = <T>(items: readonly T[]): T[] | undefined =>
    items.length === 0 ? undefined : [...items];
  const unless = (value: string | null, usual: string) =>
    value === null || value === usual ? undefined : value;
  const ulimits = Object.entries(spec.ulimits).map(([name, { soft, hard }]) => [
    name,
    `${soft}:${hard}`,
  ]);
  const made = {
    network: spec.network ?? undefined,
    ports: list(spec.ports),
    volumes: list(
      spec.volumes.map(({ source, target, readOnly }) => ({
        source: sourceIn(directory, source),
        target,
        ...(readOnly ? { readOnly } : {}),
      })),
    ),
    tmpfs: list(spec.tmpfs),
    env: Object.keys(env).length === 0 ? undefined : env,
    user: unless(spec.user, image.user),
    workdir: unless(spec.workdir, image.workdir === '' ? '/' : image.workdir),
    // With the host's network it is the host's.
    hostname: spec.network === 'host' ? undefined : (spec.hostname ?? undefined),
    capAdd: list(spec.capAdd),
    capDrop: list(spec.capDrop),
    readOnly: spec.readOnlyRoot || undefined,
    noNewPrivileges: spec.noNewPrivileges || undefined,
    shmSize: spec.shmSize === SHM_BYTES ? undefined : (spec.shmSize ?? undefined),
    ulimits: ulimits.length === 0 ? undefined : Object.fromEntries(ulimits),
    runtime: USUAL_RUNTIMES.includes(spec.runtime) ? undefined : spec.runtime,
    cgroupParent: spec.cgroupParent ?? undefined,
  };
  return defined(made) as RunOptions;
}

function defined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}

/** Nothing is started, entered or changed: the engine is asked, and /proc. */
export async function appOfContainer(container: string, options: InitOptions): Promise<InitApp> {
  const notes: string[] = [];
  const tell: Tell = (says) => notes.push(says);
  const info = await findContainer(container, { engine: options.engine });
  const spec = await (await controlAt(info.endpoint)).specOf(info.id);
  const image = await imageSettings(info.endpoint, spec.image);
  const env = environment(spec, image, info.engine === 'podman', tell);
  const line = commandLine(spec, image);
  const run = { ...line.run, ...runOptions(spec, image, env, options.directory) };
  if (spec.seccomp.kind !== 'engine-default') {
    tell("its seccomp setting is not taken over: it will be recorded under the engine's default");
  }
  if (!info.running) tell('it does not run: which ports it listens on is not known');
  const ready = readiness(spec, image, info, tell);
  const app = defined({
    engine: info.engine,
    image: spec.image,
    command: line.command,
    run: Object.keys(run).length === 0 ? undefined : run,
    ready,
  }) as App;
  const name = spec.name
    .toLowerCase()
    .replace(/[^a-z0-9_.-]/g, '-')
    .slice(0, 63);
  return { name, app, notes };
}
