/** Pods and their containers, as a CRI runtime lists them. Names and labels are untrusted. */
import * as z from 'zod';
import { SysieveError } from '../../errors';
import type { CriClient } from './client';
import { CONTAINER_RUNNING } from './messages';

/** Ids become names of cgroups: one component, no path. */
const Id = z.string().regex(/^[0-9a-zA-Z][0-9a-zA-Z_.-]{0,127}$/);
const Nanoseconds = z.string().regex(/^-?\d{1,19}$/);
const Metadata = z.object({ name: z.string().max(1024), attempt: z.number().int() });

const Sandboxes = z.object({
  items: z.array(
    z.object({
      id: Id,
      metadata: z.object({ name: z.string().max(1024), namespace: z.string().max(1024) }),
    }),
  ),
});

const Containers = z.object({
  containers: z.array(
    z.object({
      id: Id,
      podSandboxId: Id,
      metadata: Metadata,
      state: z.number().int(),
      createdAt: Nanoseconds,
    }),
  ),
});

export const Status = z.object({
  status: z.object({
    state: z.number().int(),
    startedAt: Nanoseconds,
    exitCode: z.number().int(),
    image: z.object({ image: z.string(), userSpecifiedImage: z.string() }).nullish(),
  }),
  /** One JSON text, under "info". */
  info: z.record(z.string(), z.string()),
});

export type Sandbox = z.infer<typeof Sandboxes>['items'][number];
export type PodContainer = z.infer<typeof Containers>['containers'][number];

/** A container of a pod by its name there; it has another id after each restart. */
export interface PodRef {
  namespace: string;
  pod: string;
  /** null: the only one. */
  container: string | null;
}

/** Kubernetes' names: RFC 1123 labels and subdomains; other clients of the CRI stay within them. */
const PART = /^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9])?$/;

/** NAMESPACE/POD[/CONTAINER]; null: it is none. */
export function parsePodRef(text: string): PodRef | null {
  const [namespace, pod, container, ...rest] = text.split('/');
  if (namespace === undefined || pod === undefined || rest.length > 0) return null;
  const parts = [namespace, pod, ...(container === undefined ? [] : [container])];
  if (!parts.every((part) => PART.test(part))) return null;
  return { namespace, pod, container: container ?? null };
}

export function formatPodRef({ namespace, pod, container }: PodRef): string {
  return [namespace, pod, ...(container === null ? [] : [container])].join('/');
}

export async function sandboxesOf(client: CriClient, ref: PodRef): Promise<Sandbox[]> {
  const mine = ({ metadata }: Sandbox) =>
    metadata.name === ref.pod && metadata.namespace === ref.namespace;
  const labelSelector = {
    'io.kubernetes.pod.name': ref.pod,
    'io.kubernetes.pod.namespace': ref.namespace,
  };
  const labelled = await client.ask('ListPodSandbox', { filter: { labelSelector } }, Sandboxes);
  const found = labelled?.items.filter(mine) ?? [];
  if (found.length > 0) return found;
  // Kubelet labels its pods; other clients need not.
  return (await client.ask('ListPodSandbox', {}, Sandboxes))?.items.filter(mine) ?? [];
}

const newestFirst = (a: PodContainer, b: PodContainer): number => {
  const [left, right] = [BigInt(a.createdAt), BigInt(b.createdAt)];
  return left === right ? b.metadata.attempt - a.metadata.attempt : left > right ? -1 : 1;
};

/** Newest first. */
export async function containersIn(
  client: CriClient,
  sandboxes: readonly Sandbox[],
): Promise<PodContainer[]> {
  const lists = await Promise.all(
    sandboxes.map(({ id }) =>
      client.ask('ListContainers', { filter: { podSandboxId: id } }, Containers),
    ),
  );
  return lists.flatMap((list) => list?.containers ?? []).sort(newestFirst);
}

function chooseOne(ref: PodRef, names: readonly string[]): SysieveError {
  const pod = formatPodRef({ ...ref, container: null });
  return new SysieveError(
    'input',
    'pod-container-ambiguous',
    `the pod ${pod} has ${names.length} containers: ${names.join(', ')}`,
    {
      cause: 'a profile is of one container; a union would permit each what only another needs',
      remedy: `Say which, e.g. --pod ${pod}/${names[0]}; one sysieve for each records them together.`,
    },
  );
}

/**
 * The name of the container that is meant where none is given: the only one, init containers that
 * have done their work aside. null: the pod has none yet.
 */
export async function onlyContainer(
  client: CriClient,
  ref: PodRef,
  containers: readonly PodContainer[],
): Promise<string | null> {
  const latest = new Map<string, PodContainer>();
  for (const one of containers) {
    if (!latest.has(one.metadata.name)) latest.set(one.metadata.name, one);
  }
  const all = [...latest.values()];
  if (all.length <= 1) return all[0]?.metadata.name ?? null;
  const done = await Promise.all(
    all.map(async ({ id, state }) => {
      if (state <= CONTAINER_RUNNING) return false;
      const seen = await client.ask('ContainerStatus', { containerId: id, verbose: false }, Status);
      return seen?.status.exitCode === 0;
    }),
  );
  const left = all.filter((_, index) => !done[index]);
  const [only] = left;
  if (left.length === 1 && only !== undefined) return only.metadata.name;
  const names = (left.length === 0 ? all : left).map((one) => one.metadata.name).sort();
  throw chooseOne(ref, names);
}

/** What an id, the start of one, or a container's name stands for; null: nothing. */
export async function refOf(client: CriClient, name: string): Promise<PodRef | null> {
  const listed = (await client.ask('ListContainers', {}, Containers))?.containers ?? [];
  const byId = listed.filter((one) => one.id === name);
  const byName = listed.filter((one) => one.metadata.name === name);
  const byPrefix = listed.filter((one) => one.id.startsWith(name));
  const meant = [byId, byName, byPrefix].find((list) => list.length > 0) ?? [];
  const sandboxes = (await client.ask('ListPodSandbox', {}, Sandboxes))?.items ?? [];
  const refs = new Map<string, PodRef>();
  for (const { podSandboxId, metadata } of meant) {
    const pod = sandboxes.find((sandbox) => sandbox.id === podSandboxId)?.metadata;
    if (pod === undefined) continue;
    const ref = { namespace: pod.namespace, pod: pod.name, container: metadata.name };
    refs.set(formatPodRef(ref), ref);
  }
  if (refs.size > 1) {
    const named = [...refs.keys()].sort();
    throw new SysieveError(
      'input',
      'container-ambiguous',
      `${refs.size} containers of pods are meant by "${name}"`,
      {
        cause: named.slice(0, 10).join(', '),
        remedy: `Name the pod too: --pod ${named[0]}, or give more digits of the id.`,
      },
    );
  }
  const [only] = refs.values();
  return only ?? null;
}
