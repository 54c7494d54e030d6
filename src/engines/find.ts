/** Which engine has the container. */
import { existsSync } from 'node:fs';
import { SysieveError } from '../errors';
import { cgroupNamesOf } from './cgroups';
import { criClient, criVersion } from './cri/client';
import { criEngine } from './cri/engine';
import { parsePodRef } from './cri/pods';
import { dockerEngine } from './docker';
import { ociEngine } from './oci-state';
import { CRI_VARIABLE, criPlaces, lookedFor, statePlaces } from './places';
import {
  findPodman,
  podmanCommandEngine,
  podmanCommandVersion,
  podmanSocketEngine,
  usualPodmanSocket,
} from './podman';
import { readProcess } from './process';
import { runtimeVersion } from './runtime-version';
import { identify, versionAt } from './socket';
import type {
  ApiEngineName,
  ContainerInfo,
  Endpoint,
  Engine,
  EngineChoice,
  EngineName,
  Inspected,
} from './types';

export interface FindOptions {
  engine: EngineChoice;
  /** A unix socket to ask instead of the usual ones. */
  socket?: string | undefined;
  /** Of runc or crun: the directory that they were given as their root. */
  stateDir?: string | undefined;
  /** The runtime's version is asked for later, by runtimeVersionOf: it takes Podman a second or two. */
  versionLater?: boolean | undefined;
}

const DOCKER_SOCKET = '/var/run/docker.sock';
const PODMAN_SOCKET = usualPodmanSocket();

/** The grammar of both engines for names; ids and their prefixes are within it. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;

/** Where an engine may be; `named` by the user or the environment, so its absence is an error. */
export interface Candidate {
  engine: EngineName;
  endpoint: Endpoint;
  named: boolean;
}

function unixPath(engine: EngineName, variable: string, value: string): string {
  const match = /^unix:\/\/(\/.*)$/.exec(value) ?? /^(\/.*)$/.exec(value);
  if (match?.[1] !== undefined) return match[1];
  throw new SysieveError('system', 'engine-remote', `${engine} at ${value} is not a local socket`, {
    cause: `${variable}: the processes of a remote engine are not on this machine`,
    remedy: `Run sysieve where ${engine} runs, or name its local socket as unix://PATH.`,
  });
}

function socketCandidate(
  engine: EngineName,
  variable: string,
  usual: string,
  socket: string | undefined,
): Candidate | null {
  const value = process.env[variable];
  if (socket !== undefined) {
    const path = unixPath(engine, 'the socket asked for', socket);
    return { engine, endpoint: { kind: 'socket', path }, named: true };
  }
  if (value !== undefined && value !== '') {
    const path = unixPath(engine, variable, value);
    return { engine, endpoint: { kind: 'socket', path }, named: true };
  }
  if (!existsSync(usual)) return null;
  return { engine, endpoint: { kind: 'socket', path: usual }, named: false };
}

function runtimeCandidates(options: FindOptions): Candidate[] | null {
  const runtimes = { oci: ['runc', 'crun'], runc: ['runc'], crun: ['crun'] } as const;
  const { engine } = options;
  if (engine !== 'oci' && engine !== 'runc' && engine !== 'crun') return null;
  return runtimes[engine].flatMap((runtime) =>
    statePlaces(runtime, options.stateDir).map((place) => ({ engine: runtime, ...place })),
  );
}

export function candidates(options: FindOptions): Candidate[] {
  const state = runtimeCandidates(options);
  if (state !== null) return state;
  const cri = () =>
    criPlaces(options.socket).map((place): Candidate => ({ engine: 'cri', ...place }));
  if (options.engine === 'cri') return cri();
  const docker = () => socketCandidate('docker', 'DOCKER_HOST', DOCKER_SOCKET, options.socket);
  const podman = (): Candidate | null => {
    const socket = socketCandidate('podman', 'CONTAINER_HOST', PODMAN_SOCKET, options.socket);
    if (socket !== null) return socket;
    const command = findPodman(process.env.PATH ?? '');
    if (command === null) return null;
    return { engine: 'podman', endpoint: { kind: 'cli', path: command }, named: false };
  };
  // One socket is one engine; which, it says itself.
  if (options.engine === 'docker' || (options.engine === 'auto' && options.socket !== undefined)) {
    return [docker()].filter((c) => c !== null);
  }
  if (options.engine === 'podman') return [podman()].filter((c) => c !== null);
  return [docker(), podman(), ...cri()].filter((c) => c !== null);
}

/** `known`: asked before, it said which it is. */
export async function engineAt(endpoint: Endpoint, known?: EngineName): Promise<Engine> {
  if (endpoint.kind === 'cli') return podmanCommandEngine(endpoint.path);
  if (endpoint.kind === 'cri') return criEngine(endpoint.path);
  if (endpoint.kind === 'state') return ociEngine(endpoint.runtime, endpoint.path);
  const name = known ?? (await identify(endpoint.path));
  return name === 'podman' ? podmanSocketEngine(endpoint.path) : dockerEngine(endpoint.path);
}

function place(endpoint: Endpoint): string {
  return endpoint.kind === 'cli' ? `the command ${endpoint.path}` : endpoint.path;
}

/** Adds what /proc knows; null: the process ended in between, so the engine must be asked again. */
export async function describe(
  engine: Engine,
  seen: Inspected,
  versionLater = false,
): Promise<ContainerInfo | null> {
  const facts = readProcess(engine.name, seen);
  if (seen.pid !== null && facts === null) return null;
  const runtime = seen.runtimeName;
  return {
    engine: engine.name,
    endpoint: engine.endpoint,
    id: seen.id,
    ref: seen.ref ?? seen.id,
    attempt: seen.attempt ?? null,
    name: seen.name,
    image: seen.image,
    running: seen.pid !== null && seen.unstarted !== true,
    pid: seen.pid,
    unstarted: seen.unstarted === true,
    startedAt: seen.startedAt,
    runtime:
      runtime === null
        ? null
        : { name: runtime, version: versionLater ? null : await engine.runtimeVersion(runtime) },
    // An engine-wide setting shows only in the process; the container's own setting also outranks
    // a filter that the application put on itself. A runtime's own process is not under it yet.
    seccomp:
      seen.unconfined || (facts?.filtered === false && seen.unstarted !== true)
        ? 'unconfined'
        : 'filter',
    cgroups: facts?.cgroups ?? [],
    cgroupNames: seen.cgroupNames ?? cgroupNamesOf(engine.name, seen.id),
    withoutCgroup: seen.withoutCgroup,
    cgroupPath: seen.cgroupPath ?? null,
    mountNamespace: facts?.mountNamespace ?? null,
    pidNamespace: facts?.pidNamespace ?? null,
  };
}

/** The container as its engine has it now, its runtime's version apart; null: it is no more. */
export function lookAgain({ endpoint, engine, ref }: ContainerInfo): Promise<ContainerInfo | null> {
  return ask(endpoint, ref, { versionLater: true, known: engine });
}

async function ask(
  endpoint: Endpoint,
  name: string,
  { versionLater, known }: { versionLater?: boolean | undefined; known?: EngineName },
): Promise<ContainerInfo | null> {
  const engine = await engineAt(endpoint, known);
  // A container may end or restart between the engine's answer and /proc.
  for (let attempt = 0; attempt < 5; attempt++) {
    const seen = await engine.inspect(name);
    if (seen === null) return null;
    const info = await describe(engine, seen, versionLater);
    if (info !== null) return info;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new SysieveError(
    'system',
    'container-process-not-here',
    `${engine.name} says the container runs, but its process is not in this pid namespace`,
    {
      remedy:
        'Run sysieve on the host of the engine, in its pid namespace; with CAP_SYS_PTRACE where /proc is mounted with hidepid.',
    },
  );
}

export function noEngine(options: FindOptions): SysieveError {
  const looked: Record<EngineName, string> = {
    cri: lookedFor('cri'),
    runc: lookedFor('runc'),
    crun: lookedFor('crun'),
    docker: `no socket at ${DOCKER_SOCKET}, DOCKER_HOST is not set`,
    podman: `no socket at ${PODMAN_SOCKET}, CONTAINER_HOST is not set, no podman on PATH`,
  };
  const { engine } = options;
  const several = { auto: ['docker', 'podman', 'cri'], oci: ['runc', 'crun'] } as const;
  const which = engine === 'auto' || engine === 'oci' ? several[engine] : [engine];
  const remedies: Partial<Record<EngineChoice, string>> = {
    cri: `Start containerd or CRI-O, or name its socket in ${CRI_VARIABLE}.`,
    oci: 'Name the state directory: --state-dir DIR.',
    runc: 'Name the state directory: --state-dir DIR.',
    crun: 'Name the state directory: --state-dir DIR.',
  };
  return new SysieveError('system', 'engine-unreachable', 'found no container engine to ask', {
    cause: which.map((e) => `${e}: ${looked[e]}`).join('; '),
    remedy:
      remedies[engine] ?? 'Start the engine, or name its socket in DOCKER_HOST or CONTAINER_HOST.',
  });
}

const API_LISTS =
  "List what there is with 'docker ps -a' or 'podman ps -a'; DOCKER_HOST and CONTAINER_HOST name other sockets";
const LISTS: Record<EngineName, string> = {
  docker: `${API_LISTS}.`,
  podman: `${API_LISTS} (of a user: unix:///run/user/UID/podman/podman.sock).`,
  cri: `List what there is with 'crictl ps -a'; ${CRI_VARIABLE} names another socket.`,
  runc: "List what there is with 'runc list'; --state-dir names another directory.",
  crun: "List what there is with 'crun list'; --state-dir names another directory.",
};

/** One container by name, id or id prefix. Never a guess: two engines with the name is an error. */
export async function findContainer(name: string, options: FindOptions): Promise<ContainerInfo> {
  const pod = options.engine === 'cri' && parsePodRef(name) !== null;
  const plus = runtimeCandidates(options) !== null && NAME.test(name.replaceAll('+', '-'));
  if (!NAME.test(name) && !pod && !plus) {
    throw new SysieveError(
      'input',
      'container-name-invalid',
      `no container can be named "${name}"`,
      {
        remedy: 'Give a name or id: a letter or digit, then letters, digits, "_", "." or "-".',
      },
    );
  }
  const asked = candidates(options);
  if (asked.length === 0) throw noEngine(options);
  const found: ContainerInfo[] = [];
  const without: string[] = [];
  const failures: SysieveError[] = [];
  for (const candidate of asked) {
    try {
      const info = await ask(candidate.endpoint, name, { versionLater: options.versionLater });
      if (info === null) without.push(`${candidate.engine} at ${place(candidate.endpoint)}`);
      // Where Podman stands in on Docker's socket, both candidates are the same engine.
      else if (!found.some((f) => f.id === info.id)) found.push(info);
    } catch (error) {
      const unanswered = error instanceof SysieveError && error.code === 'engine-unreachable';
      // An engine the user named must answer; one that merely lies around must not be in the way.
      if (!unanswered || candidate.named || asked.length === 1) throw error;
      failures.push(error);
    }
  }
  if (found.length > 1) {
    throw new SysieveError(
      'input',
      'container-ambiguous',
      `a container "${name}" exists in ${found.map((f) => f.engine).join(' and in ')}`,
      { remedy: `Say which: ${found.map((f) => `--engine ${f.engine}`).join(' or ')}.` },
    );
  }
  const [only] = found;
  if (only !== undefined) return only;
  const notAsked = failures.map((f) => `${f.message}: ${f.reason}`).join('; ');
  if (without.length === 0) {
    throw new SysieveError('system', 'engine-unreachable', 'no container engine answered', {
      cause: notAsked,
      remedy: failures[0]?.remedy ?? 'Start the engine.',
    });
  }
  throw new SysieveError('input', 'container-not-found', `no container "${name}"`, {
    cause: `asked ${without.join(' and ')}${notAsked === '' ? '' : `; ${notAsked}`}`,
    remedy: LISTS[asked[0]?.engine ?? 'docker'],
  });
}

/** The version of the engine there, as it says itself: Docker's or Podman's. */
export async function engineVersion(endpoint: Endpoint): Promise<string> {
  if (endpoint.kind === 'cli') return podmanCommandVersion(endpoint.path);
  if (endpoint.kind === 'cri') return (await criVersion(criClient(endpoint.path))).version;
  if (endpoint.kind === 'state') return (await runtimeVersion(endpoint.runtime)) ?? 'unknown';
  return (await versionAt(endpoint.path)).version;
}

/** The same of the engine that would be asked for containers. */
export async function localEngineVersion(engine: ApiEngineName): Promise<string> {
  const [candidate] = candidates({ engine });
  if (candidate === undefined) throw noEngine({ engine });
  const { name } = await engineAt(candidate.endpoint);
  if (name !== engine) {
    throw new SysieveError('system', 'engine-other', `${place(candidate.endpoint)} is ${name}`, {
      cause: `its version says nothing about ${engine}`,
      remedy: `Name the version, or the socket of ${engine} in DOCKER_HOST or CONTAINER_HOST.`,
    });
  }
  return engineVersion(candidate.endpoint);
}

/** The version of the container's runtime; null: the engine does not answer, or does not tell. */
export async function runtimeVersionOf(info: ContainerInfo): Promise<string | null> {
  if (info.runtime === null) return null;
  if (info.runtime.version !== null) return info.runtime.version;
  try {
    return await (await engineAt(info.endpoint, info.engine)).runtimeVersion(info.runtime.name);
  } catch (error) {
    if (error instanceof SysieveError) return null;
    throw error;
  }
}

export interface EngineProbe {
  engine: EngineName;
  ok: boolean;
  detail: string;
}

/** Every engine on this machine and whether it answers, for a report. */
export async function probeEngines(): Promise<EngineProbe[]> {
  const probes: EngineProbe[] = [];
  for (const name of ['docker', 'podman', 'cri'] as const) {
    try {
      const [candidate] = candidates({ engine: name });
      if (candidate === undefined) throw noEngine({ engine: name });
      if (candidate.endpoint.kind === 'cri') {
        const runtime = await criVersion(criClient(candidate.endpoint.path));
        const detail = `${place(candidate.endpoint)}: ${runtime.name} ${runtime.version}`;
        probes.push({ engine: name, ok: true, detail });
        continue;
      }
      // No container has this id; that the engine can say so is the answer wanted.
      await (await engineAt(candidate.endpoint)).inspect('0'.repeat(64));
      probes.push({ engine: name, ok: true, detail: place(candidate.endpoint) });
    } catch (error) {
      if (!(error instanceof SysieveError)) throw error;
      probes.push({ engine: name, ok: false, detail: `${error.message}: ${error.reason}` });
    }
  }
  return probes;
}

function isApiEngine(name: EngineName): name is ApiEngineName {
  return name === 'docker' || name === 'podman';
}

function hasApi(engine: Engine): engine is Engine & { name: ApiEngineName } {
  return isApiEngine(engine.name);
}

/**
 * The one engine that --all follows. Where the choice is auto, several that answer are an error: one
 * of them alone would leave out containers without a word.
 */
export async function theEngine(options: FindOptions): Promise<Engine & { name: ApiEngineName }> {
  if (!['auto', 'docker', 'podman'].includes(options.engine)) {
    throw new SysieveError('usage', 'all-engine', `--all does not follow ${options.engine}`, {
      remedy: 'Give --engine docker or --engine podman; record pods one by one, with --pod.',
    });
  }
  const asked = candidates(options).filter(({ engine }) => isApiEngine(engine));
  if (asked.length === 0) throw noEngine(options);
  const engines: (Engine & { name: ApiEngineName })[] = [];
  const failures: SysieveError[] = [];
  for (const candidate of asked) {
    try {
      const engine = await engineAt(candidate.endpoint);
      // No container has this id; that the engine can say so shows that it answers.
      await engine.inspect('0'.repeat(64));
      const same = engines.some(({ name }) => name === engine.name);
      const chosen = [engine.name, 'auto'].includes(options.engine);
      if (!same && chosen && hasApi(engine)) engines.push(engine);
    } catch (error) {
      const unanswered = error instanceof SysieveError && error.code === 'engine-unreachable';
      if (!unanswered || candidate.named || asked.length === 1) throw error;
      failures.push(error);
    }
  }
  const [only, ...more] = engines;
  if (only === undefined) throw failures[0] ?? noEngine(options);
  if (more.length > 0) {
    const names = engines.map(({ name }) => name);
    throw new SysieveError('usage', 'engine-unclear', `${names.join(' and ')} both answer`, {
      remedy: `Say which one to follow: ${names.map((name) => `--engine ${name}`).join(' or ')}.`,
    });
  }
  return only;
}
