/** What sysieve knows about a container, whichever engine runs it. */

export type EngineName = 'docker' | 'podman';
export type EngineChoice = 'auto' | EngineName;

/** How the engine is asked: over its socket, or by the podman command where no service listens. */
export type Endpoint = { kind: 'socket'; path: string } | { kind: 'cli'; path: string };

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
  /** 64 hex digits. */
  id: string;
  /** Untrusted, without the API's leading slash. */
  name: string;
  /** The reference it was created from; untrusted. */
  image: string;
  running: boolean;
  /** The init process in this pid namespace; null unless running. */
  pid: number | null;
  /** RFC 3339 as the engine prints it; null: never started. */
  startedAt: string | null;
  runtime: ContainerRuntime | null;
  /** Whether a start installs a seccomp filter, so that the runtime's boundary can be seen. */
  seccomp: 'filter' | 'unconfined';
  /** Empty while stopped, and for containers that run without a cgroup of their own. */
  cgroups: ContainerCgroup[];
  /** Last path components, exact, that the cgroup of a restarted container can have. */
  cgroupNames: string[];
  /** Inode numbers; null where shared with the host or with another container, or not running. */
  mountNamespace: number | null;
  pidNamespace: number | null;
}

export type ContainerEvent =
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
}

export interface Engine {
  name: EngineName;
  endpoint: Endpoint;
  /** null: no such container. Names and id prefixes are resolved as the engine does. */
  inspect(name: string): Promise<Inspected | null>;
  /** The version of the runtime with this name; null: not told. */
  runtimeVersion(name: string): Promise<string | null>;
  /** Calls `wake` when something happened to the container; ends with the stream or the signal. */
  events(id: string, wake: () => void, signal: AbortSignal): Promise<void>;
}
