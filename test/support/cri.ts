/**
 * A private containerd that serves the CRI, without kubelet and CNI: its own root, state, socket and
 * cgroup parent. Pods have the host's network, and a sandbox image made of busybox.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { type CriClient, criClient } from '../../src/engines/cri/client';
import type { Messages } from '../../src/engines/cri/messages';
import { cleanUp } from './engine-cleanup';
import {
  type CliResult,
  endDaemon,
  plainEnv,
  runCommand,
  startDaemon,
  waitForEngine,
} from './engines';
import { imageArchive } from './oci-archive';

/** What only a kubelet asks for; numbers as in src/engines/cri/messages.ts. */
const MESSAGES: Messages = {
  NamespaceOption: { network: [1, 'int32'], pid: [2, 'int32'], ipc: [3, 'int32'] },
  SecurityProfile: { profileType: [1, 'int32'], localhostRef: [2, 'string'] },
  LinuxSandboxSecurityContext: {
    namespaceOptions: [1, 'NamespaceOption'],
    seccomp: [9, 'SecurityProfile'],
  },
  LinuxPodSandboxConfig: {
    cgroupParent: [1, 'string'],
    securityContext: [2, 'LinuxSandboxSecurityContext'],
  },
  PodSandboxConfig: {
    metadata: [1, 'PodSandboxMetadata'],
    labels: [6, 'string', 'map'],
    linux: [8, 'LinuxPodSandboxConfig'],
  },
  RunPodSandboxRequest: { config: [1, 'PodSandboxConfig'] },
  RunPodSandboxResponse: { podSandboxId: [1, 'string'] },
  StopPodSandboxRequest: { podSandboxId: [1, 'string'] },
  StopPodSandboxResponse: {},
  RemovePodSandboxRequest: { podSandboxId: [1, 'string'] },
  RemovePodSandboxResponse: {},
  LinuxContainerSecurityContext: {
    namespaceOptions: [3, 'NamespaceOption'],
    noNewPrivs: [11, 'bool'],
    seccomp: [15, 'SecurityProfile'],
  },
  LinuxContainerConfig: { securityContext: [2, 'LinuxContainerSecurityContext'] },
  ContainerConfig: {
    metadata: [1, 'ContainerMetadata'],
    image: [2, 'ImageSpec'],
    command: [3, 'string', 'repeated'],
    labels: [9, 'string', 'map'],
    linux: [15, 'LinuxContainerConfig'],
  },
  CreateContainerRequest: {
    podSandboxId: [1, 'string'],
    config: [2, 'ContainerConfig'],
    sandboxConfig: [3, 'PodSandboxConfig'],
  },
  CreateContainerResponse: { containerId: [1, 'string'] },
  StartContainerRequest: { containerId: [1, 'string'] },
  StartContainerResponse: {},
  StopContainerRequest: { containerId: [1, 'string'], timeout: [2, 'int64'] },
  StopContainerResponse: {},
  RemoveContainerRequest: { containerId: [1, 'string'] },
  RemoveContainerResponse: {},
  ExecSyncRequest: {
    containerId: [1, 'string'],
    cmd: [2, 'string', 'repeated'],
    timeout: [3, 'int64'],
  },
  ExecSyncResponse: { stdout: [1, 'bytes'], stderr: [2, 'bytes'], exitCode: [3, 'int32'] },
};

const CALL_MS = 30_000;
/** Of SecurityProfile. */
const RUNTIME_DEFAULT = 0;
const UNCONFINED = 1;
const LOCALHOST = 2;
/** Of NamespaceMode; a pid namespace for each container is what kubelet asks for by default. */
const CONTAINER = 1;
const NODE = 2;

const STATES = ['created', 'running', 'exited', 'unknown'] as const;

export interface Pod {
  id: string;
  /** NAMESPACE/NAME */
  ref: string;
  config: object;
}

export interface ContainerOptions {
  attempt?: number;
  /** Or the path of a profile. */
  seccomp?: 'default' | 'unconfined' | { localhost: string };
  noNewPrivs?: boolean;
}

function securityProfile(seccomp: NonNullable<ContainerOptions['seccomp']>) {
  if (seccomp === 'default') return { profileType: RUNTIME_DEFAULT };
  if (seccomp === 'unconfined') return { profileType: UNCONFINED };
  return { profileType: LOCALHOST, localhostRef: `localhost/${seccomp.localhost}` };
}

export interface CriEngine {
  dir: string;
  socket: string;
  env: NodeJS.ProcessEnv;
  client: CriClient;
  ctr(...args: string[]): Promise<CliResult>;
  runPod(ref: string): Promise<Pod>;
  /** As kubelet makes it, but not started: its id. */
  create(pod: Pod, name: string, command: string[], options?: ContainerOptions): Promise<string>;
  start(id: string): Promise<void>;
  stopContainer(id: string): Promise<void>;
  removeContainer(id: string): Promise<void>;
  state(id: string): Promise<'created' | 'running' | 'exited' | 'unknown'>;
  exec(id: string, ...command: string[]): Promise<number>;
  removePod(pod: Pod): Promise<void>;
  stop(): Promise<void>;
}

export const BUSYBOX_IMAGE = 'localhost/sysieve-cri-busybox:1';
/** What keeps a sandbox: it ends at SIGTERM, which a plain init ignores. */
const PAUSE = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000000 & wait'];

export async function startCri(dir: string): Promise<CriEngine> {
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => path.join(dir, name);
  const parent = `sysieve-${path.basename(dir)}`;
  const socket = at('cri.sock');
  writeFileSync(
    at('config.toml'),
    `version = 2
root = "${at('root')}"
state = "${at('state')}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs"]
[grpc]
address = "${socket}"
[ttrpc]
address = "${at('cri.ttrpc')}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${BUSYBOX_IMAGE}"
disable_apparmor = true
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${at('cni-bin')}"
conf_dir = "${at('cni-conf')}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`,
  );
  const env = { ...plainEnv(), CONTAINER_RUNTIME_ENDPOINT: `unix://${socket}` };
  const daemon = startDaemon(dir, 'containerd', ['--config', at('config.toml')], env);
  const client = criClient(socket, MESSAGES);
  const ctr = (...args: string[]) =>
    runCommand('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args], env);
  const call = async <T>(method: string, request: object, answer: z.ZodType<T>): Promise<T> => {
    const got = await client.ask(method, request, answer, CALL_MS);
    if (got === null) throw new Error(`${method}: not found`);
    return got;
  };
  const nothing = z.object({});
  const pods = new Set<Pod>();
  const removePod = async (pod: Pod) => {
    await client.ask('StopPodSandbox', { podSandboxId: pod.id }, nothing, CALL_MS);
    await client.ask('RemovePodSandbox', { podSandboxId: pod.id }, nothing, CALL_MS);
    pods.delete(pod);
  };
  const stop = async () => {
    for (const pod of pods) await removePod(pod);
    await endDaemon(daemon);
    await cleanUp(dir, parent);
  };
  const namespaceOptions = { network: NODE, pid: CONTAINER };
  const engine: CriEngine = {
    dir,
    socket,
    env,
    client,
    ctr,
    async runPod(ref) {
      const [namespace, name] = ref.split('/');
      const config = {
        metadata: { name, namespace, uid: `uid-${namespace}-${name}`, attempt: 0 },
        labels: { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': namespace },
        linux: {
          cgroupParent: `/${parent}/pod-${namespace}-${name}`,
          securityContext: { namespaceOptions },
        },
      };
      const answer = z.object({ podSandboxId: z.string() });
      const { podSandboxId: id } = await call('RunPodSandbox', { config }, answer);
      const pod = { id, ref, config };
      pods.add(pod);
      return pod;
    },
    async create(pod, name, command, options = {}) {
      const { attempt = 0, seccomp = 'default', noNewPrivs = false } = options;
      const securityContext = { namespaceOptions, noNewPrivs, seccomp: securityProfile(seccomp) };
      const config = {
        metadata: { name, attempt },
        image: { image: BUSYBOX_IMAGE },
        command,
        labels: { 'io.kubernetes.container.name': name },
        linux: { securityContext },
      };
      const request = { podSandboxId: pod.id, config, sandboxConfig: pod.config };
      const answer = z.object({ containerId: z.string() });
      return (await call('CreateContainer', request, answer)).containerId;
    },
    async start(containerId) {
      await call('StartContainer', { containerId }, nothing);
    },
    async stopContainer(containerId) {
      await call('StopContainer', { containerId, timeout: 0 }, nothing);
    },
    async removeContainer(containerId) {
      await call('RemoveContainer', { containerId }, nothing);
    },
    async state(containerId) {
      const answer = z.object({ status: z.object({ state: z.number() }) });
      const { status } = await call('ContainerStatus', { containerId }, answer);
      return STATES[status.state] ?? 'unknown';
    },
    async exec(containerId, ...cmd) {
      const answer = z.object({ exitCode: z.number() });
      return (await call('ExecSync', { containerId, cmd, timeout: 10 }, answer)).exitCode;
    },
    removePod,
    stop,
  };
  try {
    await waitForEngine(daemon, at('containerd.log'), async () => {
      const version = z.object({ runtimeName: z.string() });
      return client.ask('Version', {}, version, 1_000).then(
        (answer) => answer?.runtimeName === 'containerd',
        () => false,
      );
    });
    const archive = await imageArchive(dir, 'busybox', BUSYBOX_IMAGE, PAUSE);
    const { code, stderr } = await ctr('images', 'import', '--snapshotter', 'native', archive);
    if (code !== 0) throw new Error(`images import: ${stderr}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return engine;
}
