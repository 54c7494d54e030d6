/** What sysieve knows about a container, whichever engine runs it. */

/** `runc` and `crun`: no engine, their own state directories. */
export type EngineName = 'docker' | 'podman' | 'cri' | 'runc' | 'crun';
export type EngineChoice = 'auto' | 'oci' | EngineName;
/** Those that speak Docker's API, make containers, and have a default profile of their own. */
export type ApiEngineName = 'docker' | 'podman';

/**
 * How the engine is asked: over its socket (`cri`: one that serves runtime.v1), by the podman command
 * where no service listens, or by an OCI runtime's state directory.
 */
export type Endpoint =
  | { kind: 'socket' | 'cli' | 'cri'; path: string }
  | { kind: 'state'; path: string; runtime: 'runc' | 'crun' };

export interface ContainerRuntime {
  /** "runc", "crun", or the path the engine was configured with. */
  name: string;
  /** null: the engine tells the version of its default runtime only, and this is another. */
  version: string | null;
}

export interface ContainerCgroup {
  /** Hierarchy number of /proc/PID/cgroup; 0 is cgroup v2. */
  hierarchy: number;
  /** Absolute directory of the container's own cgroup; what it nests lies below. */
  path: string;
  /** Where that hierarchy is mounted. */
  mountpoint: string;
}

export interface ContainerInfo {
  engine: EngineName;
  endpoint: Endpoint;
  /** Docker's, Podman's and CRI runtimes': 64 hex digits. Empty: a pod's container that is not made yet. */
  id: string;
  /** What the engine knows it by also after a restart: its id, or NAMESPACE/POD/CONTAINER. */
  ref: string;
  /** How many times its pod had made it anew when it was made; null: a restart keeps the id. */
  attempt: number | null;
  /** Untrusted, without the API's leading slash. */
  name: string;
  /** The reference it was created from; untrusted. */
  image: string;
  running: boolean;
  /** The init process in this pid namespace; null unless running or set up. */
  pid: number | null;
  /** Set up by the runtime, which has not executed the entrypoint yet. */
  unstarted: boolean;
  /** RFC 3339 as the engine prints it; null: never started. */
  startedAt: string | null;
  runtime: ContainerRuntime | null;
  /** Whether a start installs a seccomp filter, so that the runtime's boundary can be seen. */
  seccomp: 'filter' | 'unconfined';
  /** Empty while stopped, and for containers that run without a cgroup of their own. */
  cgroups: ContainerCgroup[];
  /** Last path components, exact, that the cgroup of a restarted container can have. */
  cgroupNames: string[];
  /** It runs without a cgroup of its own: what it was before and is after a restart, nothing tells. */
  withoutCgroup: boolean;
  /** Where its cgroup will be below the root of each hierarchy; null: not told. */
  cgroupPath: string | null;
  /** Inode numbers; null where shared with the host or with another container, or not running. */
  mountNamespace: number | null;
  pidNamespace: number | null;
}

export interface MadeContainer
  extends Pick<ContainerInfo, 'id' | 'cgroupNames' | 'cgroupPath' | 'unstarted'> {
  /** Containers before this one that came and went while nobody looked. */
  unseen: number;
  /** The last one before it that was looked at had yet to be started, and may have been. */
  startUntold: boolean;
}

export type ContainerEvent =
  /** Its pod has another container in its place, with an id of its own; told before its start. */
  | { type: 'made'; container: MadeContainer }
  | { type: 'started'; container: ContainerInfo }
  | { type: 'died' }
  | { type: 'removed' }
  /** The engine stopped answering; the container may run on. Told once per outage. */
  | { type: 'engine-lost'; cause: string }
  | { type: 'engine-back' };

/** An engine's answer, before /proc is asked. */
export interface Inspected {
  id: string;
  name: string;
  image: string;
  running: boolean;
  pid: number | null;
  startedAt: string | null;
  /** As the engine names it; null: it does not say. */
  runtimeName: string | null;
  /** The container was configured to run without a filter. */
  unconfined: boolean;
  /** A pid namespace shared with the host or another container says nothing about this one. */
  sharedPidNamespace: boolean;
  /** The engine made no cgroup for it, so that its process sits in one of somebody else's. */
  withoutCgroup: boolean;
  /** Whose engine it is, where that is not root's: its processes are in user namespaces of that user. */
  rootless?: number;
  /** As in ContainerInfo; left out where the id is the ref, and tells the cgroup's names. */
  ref?: string;
  attempt?: number;
  cgroupNames?: string[];
  cgroupPath?: string | null;
  unstarted?: boolean;
}

export interface Engine {
  name: EngineName;
  endpoint: Endpoint;
  /** null: no such container. Names and id prefixes are resolved as the engine does. */
  inspect(name: string): Promise<Inspected | null>;
  /** The version of the runtime with this name; null: not told. */
  runtimeVersion(name: string): Promise<string | null>;
  /** Calls `wake` when something happened to the container; ends with the stream or the signal. */
  events(ref: string, wake: () => void, signal: AbortSignal): Promise<void>;
}
