/** A CRI runtime (containerd, CRI-O) as an engine: containers are those of pods, followed by name. */
import { existsSync, watch } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { cgroupDirectories } from '../cgroups';
import { runtimeVersion } from '../runtime-version';
import type { Engine, Inspected } from '../types';
import { type CriClient, criClient } from './client';
import { cgroupPath, type RuntimeInfo, runtimeInfo } from './info';
import { CONTAINER_CREATED, CONTAINER_RUNNING } from './messages';
import {
  containersIn,
  formatPodRef,
  onlyContainer,
  type PodContainer,
  type PodRef,
  parsePodRef,
  refOf,
  type Sandbox,
  Status,
  sandboxesOf,
} from './pods';

/** How late a new container is noticed where the making of its cgroup does not show. */
const POLL_MS = 100;
/** While it does not run: a new one is as good as made, and is started as soon as it is. */
const RESTART_POLL_MS = 20;
/** Of the pods themselves, which change far less often. */
const PODS_MS = 1_000;

const SandboxStatus = z.object({ info: z.record(z.string(), z.string()) });

const DEFAULT_RUNTIME = /^io\.containerd\.(runc)\.v\d+$/;

/** The runtime's binary; of containerd's shims for runc the one that they start by default. */
function runtimeName(info: RuntimeInfo | null): string | null {
  const named = info?.runtimeOptions?.binary_name;
  if (named) return named;
  const type = info?.runtimeType ?? null;
  return type === null ? null : (DEFAULT_RUNTIME.exec(type)?.[1] ?? type);
}

function startTime(nanoseconds: string): string | null {
  const ns = BigInt(nanoseconds);
  if (ns <= 0n) return null;
  const fraction = String(ns % 1_000_000_000n).padStart(9, '0');
  return new Date(Number(ns / 1_000_000n)).toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}

/** A pod in which the container has not been made yet. */
function awaited(ref: string): Inspected {
  return {
    id: '',
    ref,
    name: ref,
    image: '',
    running: false,
    pid: null,
    startedAt: null,
    runtimeName: null,
    unconfined: false,
    sharedPidNamespace: false,
    withoutCgroup: false,
    cgroupNames: [],
  };
}

async function inspectOne(client: CriClient, one: PodContainer, ref: string) {
  const request = { containerId: one.id, verbose: true };
  const seen = await client.ask('ContainerStatus', request, Status);
  if (seen === null) return null;
  const info = runtimeInfo(seen.info, client.path);
  const running = seen.status.state === CONTAINER_RUNNING;
  const linux = info?.runtimeSpec?.linux;
  const pidNamespace = linux?.namespaces?.find((ns) => ns.type === 'pid');
  const cgroup = cgroupPath(linux?.cgroupsPath);
  const image = seen.status.image;
  const inspected: Inspected = {
    id: one.id,
    ref,
    attempt: one.metadata.attempt,
    name: ref,
    image: image?.userSpecifiedImage || image?.image || '',
    running,
    pid: running && info?.pid ? info.pid : null,
    startedAt: startTime(seen.status.startedAt),
    runtimeName: runtimeName(info),
    unconfined: linux !== null && linux !== undefined && !linux.seccomp,
    sharedPidNamespace: pidNamespace === undefined || Boolean(pidNamespace.path),
    withoutCgroup: false,
    cgroupNames: [cgroup === null ? one.id : path.basename(cgroup)],
    cgroupPath: cgroup,
    // From its making to the end of its start; the runtime sets it up in between.
    unstarted: seen.status.state === CONTAINER_CREATED,
  };
  return inspected;
}

/** `known`: the pods' sandboxes as they were a moment ago, to save the question. */
async function inspect(
  client: CriClient,
  asked: string,
  known: readonly Sandbox[] = [],
): Promise<Inspected | null> {
  const named = asked.includes('/') ? parsePodRef(asked) : await refOf(client, asked);
  if (named === null) return null;
  // Twice: it may be removed between the list and the question.
  for (let attempt = 0; attempt < 2; attempt++) {
    const remembered = attempt === 0 && known.length > 0;
    const sandboxes = remembered ? known : await sandboxesOf(client, named);
    if (sandboxes.length === 0) return null;
    const containers = await containersIn(client, sandboxes);
    // None any more: the pod may have gone with them.
    if (remembered && containers.length === 0) continue;
    const container = named.container ?? (await onlyContainer(client, named, containers));
    const ref = formatPodRef({ ...named, container });
    const newest = containers.find((one) => one.metadata.name === container);
    if (newest === undefined) return container === null ? null : awaited(ref);
    const seen = await inspectOne(client, newest, ref);
    if (seen !== null) return seen;
  }
  return null;
}

/** The cgroups in which the pods' containers are made, in every hierarchy. */
async function parents(client: CriClient, sandboxIds: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const podSandboxId of sandboxIds) {
    const request = { podSandboxId, verbose: true };
    const seen = await client.ask('PodSandboxStatus', request, SandboxStatus);
    const info = seen === null ? null : runtimeInfo(seen.info, client.path);
    const own = cgroupPath(info?.runtimeSpec?.linux?.cgroupsPath);
    if (own === null) continue;
    for (const dir of cgroupDirectories(path.dirname(own), existsSync)) found.add(dir);
  }
  return [...found];
}

/** Wakes when a cgroup is made or removed in one of these. */
class CgroupWatch {
  private readonly watched = new Map<string, ReturnType<typeof watch>>();

  constructor(private readonly wake: () => void) {}

  set(dirs: readonly string[]): void {
    for (const dir of dirs.filter((d) => !this.watched.has(d))) {
      try {
        const watcher = watch(dir, this.wake);
        watcher.on('error', () => this.drop(dir));
        this.watched.set(dir, watcher);
      } catch {
        // Gone, or no watches left: the poll finds what it would have told, later.
      }
    }
    for (const dir of this.watched.keys()) {
      if (!dirs.includes(dir)) this.drop(dir);
    }
  }

  private drop(dir: string): void {
    this.watched.get(dir)?.close();
    this.watched.delete(dir);
  }

  close(): void {
    for (const dir of this.watched.keys()) this.drop(dir);
  }
}

async function pause(ms: number, signal: AbortSignal, rung: { ring: () => void }): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      rung.ring = () => {};
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    rung.ring = done;
  });
}

/**
 * Kubelet starts a container as soon as it has made it, and the runtime then sets it up for some tens
 * of milliseconds, beginning with its cgroup: that is told at once by the kernel, so that the tracer
 * can be told of it before the entrypoint is executed. Runtimes before containerd 1.7 and CRI-O 1.26
 * offer no events of their own.
 */
async function events(
  client: CriClient,
  ref: PodRef,
  wake: () => void,
  signal: AbortSignal,
  keep: (sandboxes: Sandbox[]) => void,
): Promise<void> {
  const rung = { ring: () => {} };
  const cgroups = new CgroupWatch(() => {
    wake();
    rung.ring();
  });
  let sandboxes: Sandbox[] = [];
  let podsAt = Number.NEGATIVE_INFINITY;
  let before = '';
  try {
    while (!signal.aborted) {
      if (performance.now() - podsAt >= PODS_MS) {
        sandboxes = await sandboxesOf(client, ref);
        keep(sandboxes);
        cgroups.set(
          await parents(
            client,
            sandboxes.map(({ id }) => id),
          ),
        );
        podsAt = performance.now();
      }
      const containers = await containersIn(client, sandboxes);
      const mine = containers.filter((one) => one.metadata.name === ref.container);
      const now = [sandboxes.length, ...mine.map(({ id, state }) => `${id} ${state}`)].join('\n');
      if (now !== before) wake();
      before = now;
      const running = mine[0]?.state === CONTAINER_RUNNING;
      await pause(running ? POLL_MS : RESTART_POLL_MS, signal, rung);
    }
  } finally {
    keep([]);
    cgroups.close();
  }
}

export function criEngine(socketPath: string, client: CriClient = criClient(socketPath)): Engine {
  let watched: { ref: string; sandboxes: Sandbox[] } | null = null;
  return {
    name: 'cri',
    endpoint: { kind: 'cri', path: socketPath },
    inspect: (name) => inspect(client, name, watched?.ref === name ? watched.sandboxes : []),
    runtimeVersion,
    async events(name, wake, signal) {
      const ref = parsePodRef(name);
      const keep = (sandboxes: Sandbox[]) => {
        watched = { ref: name, sandboxes };
      };
      if (ref !== null) await events(client, ref, wake, signal, keep);
    },
  };
}
