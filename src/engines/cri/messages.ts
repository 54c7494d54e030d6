/**
 * The messages of the Kubernetes Container Runtime Interface that are used here, and their bytes.
 * Field numbers: k8s.io/cri-api, pkg/apis/runtime/v1/api.proto (runtime.v1, which containerd 1.6 and
 * CRI-O 1.23 and later serve). Unknown fields are skipped; enums are given as their numbers.
 */
import type { Type } from 'protobufjs/light';

/** Field number and type; `map` is keyed by strings. */
type Field = readonly [id: number, type: string, rule?: 'repeated' | 'map'];
export type Messages = Readonly<Record<string, Readonly<Record<string, Field>>>>;

export const CONTAINER_CREATED = 0;
export const CONTAINER_RUNNING = 1;

export const MESSAGES: Messages = {
  VersionRequest: { version: [1, 'string'] },
  VersionResponse: {
    version: [1, 'string'],
    runtimeName: [2, 'string'],
    runtimeVersion: [3, 'string'],
    runtimeApiVersion: [4, 'string'],
  },
  PodSandboxMetadata: {
    name: [1, 'string'],
    uid: [2, 'string'],
    namespace: [3, 'string'],
    attempt: [4, 'uint32'],
  },
  PodSandboxFilter: { id: [1, 'string'], labelSelector: [3, 'string', 'map'] },
  PodSandbox: {
    id: [1, 'string'],
    metadata: [2, 'PodSandboxMetadata'],
    state: [3, 'int32'],
    createdAt: [4, 'int64'],
  },
  ListPodSandboxRequest: { filter: [1, 'PodSandboxFilter'] },
  ListPodSandboxResponse: { items: [1, 'PodSandbox', 'repeated'] },
  PodSandboxStatusRequest: { podSandboxId: [1, 'string'], verbose: [2, 'bool'] },
  PodSandboxStatusResponse: { info: [2, 'string', 'map'] },
  ContainerMetadata: { name: [1, 'string'], attempt: [2, 'uint32'] },
  ContainerFilter: {
    id: [1, 'string'],
    podSandboxId: [3, 'string'],
    labelSelector: [4, 'string', 'map'],
  },
  ImageSpec: { image: [1, 'string'], userSpecifiedImage: [18, 'string'] },
  Container: {
    id: [1, 'string'],
    podSandboxId: [2, 'string'],
    metadata: [3, 'ContainerMetadata'],
    image: [4, 'ImageSpec'],
    state: [6, 'int32'],
    createdAt: [7, 'int64'],
  },
  ListContainersRequest: { filter: [1, 'ContainerFilter'] },
  ListContainersResponse: { containers: [1, 'Container', 'repeated'] },
  ContainerStatusRequest: { containerId: [1, 'string'], verbose: [2, 'bool'] },
  ContainerStatus: {
    id: [1, 'string'],
    metadata: [2, 'ContainerMetadata'],
    state: [3, 'int32'],
    createdAt: [4, 'int64'],
    startedAt: [5, 'int64'],
    exitCode: [7, 'int32'],
    image: [8, 'ImageSpec'],
  },
  ContainerStatusResponse: { status: [1, 'ContainerStatus'], info: [2, 'string', 'map'] },
};

/** The types by name. Loaded where a runtime is asked, like its client. */
export function messageTypes(messages: Messages): (name: string) => Type {
  const { Root } = require('protobufjs/light') as typeof import('protobufjs/light');
  const nested = Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [id, type, rule]]) => [
            field,
            rule === 'map'
              ? { id, type, keyType: 'string' }
              : { id, type, ...(rule === 'repeated' && { rule }) },
          ]),
        ),
      },
    ]),
  );
  const root = Root.fromJSON({ nested });
  return (name) => root.lookupType(name);
}
