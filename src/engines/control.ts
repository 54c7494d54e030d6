/** What sysieve does to containers of its own: make, start, drive, stop and remove them. */
import type { ApiEngineName, Endpoint } from './types';

export type SeccompChoice =
  /** What the engine gives every container. */
  | { kind: 'engine-default' }
  | { kind: 'unconfined' }
  /** The text of a profile, not a path. */
  | { kind: 'profile'; text: string };

/** A container to be made. Sizes in bytes; nothing here is a shell's text. */
export interface ContainerSpec {
  name: string;
  image: string;
  /** null: the image's own. */
  entrypoint: readonly string[] | null;
  /** null: the image's own. */
  command: readonly string[] | null;
  env: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** null: the engine's default. */
  network: string | null;
  /** [ADDRESS:]HOST:CONTAINER[/tcp|udp] */
  ports: readonly string[];
  /** `source`: an absolute path, or the name of a volume. */
  volumes: readonly { source: string; target: string; readOnly: boolean }[];
  tmpfs: readonly string[];
  user: string | null;
  workdir: string | null;
  hostname: string | null;
  capAdd: readonly string[];
  capDrop: readonly string[];
  readOnlyRoot: boolean;
  noNewPrivileges: boolean;
  shmSize: number | null;
  ulimits: Readonly<Record<string, { soft: number; hard: number }>>;
  runtime: string | null;
  cgroupParent: string | null;
  seccomp: SeccompChoice;
}

/** A container of which nothing was said: the image's and the engine's own settings. */
export const PLAIN_CONTAINER: ContainerSpec = {
  name: '',
  image: '',
  entrypoint: null,
  command: null,
  env: {},
  labels: {},
  network: null,
  ports: [],
  volumes: [],
  tmpfs: [],
  user: null,
  workdir: null,
  hostname: null,
  capAdd: [],
  capDrop: [],
  readOnlyRoot: false,
  noNewPrivileges: false,
  shmSize: null,
  ulimits: {},
  runtime: null,
  cgroupParent: null,
  seccomp: { kind: 'engine-default' },
};

export interface Executed {
  /** Exit status; 128 + signal where one ended it, as engines give it. */
  status: number;
  /** Both streams, the last 64 KiB. Untrusted. */
  output: string;
}

/** One engine's way to do it. Every failure is a SysieveError with the engine's own words as cause. */
export interface ContainerControl {
  readonly engine: ApiEngineName;
  readonly endpoint: Endpoint;
  /** The new container's id. Never pulls: an image that is not there is an error. */
  create(spec: ContainerSpec): Promise<string>;
  /**
   * The settings of an existing container as those of a new one: same image, command, mounts, …;
   * `seccomp` is what it has. Throws for what a new container cannot share (a fixed port is kept).
   */
  specOf(container: string): Promise<ContainerSpec>;
  start(id: string): Promise<void>;
  /** Until it has ended; its exit status. */
  wait(id: string, signal: AbortSignal): Promise<number>;
  /** `signal`: null is the image's own (SIGTERM); after `timeoutMs` it is killed. No error when it has ended. */
  stop(id: string, options: { signal: string | null; timeoutMs: number }): Promise<void>;
  /** Also a running one. No error when there is none. */
  remove(id: string): Promise<void>;
  exec(
    id: string,
    command: readonly string[],
    options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Executed>;
  /** From its start on, line by line, without the newline; ends with the container or the signal. */
  logs(id: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
  /** Its files, running or not, as a tar archive; `take` is given the stream and reads it to its end. */
  files(id: string, take: (archive: NodeJS.ReadableStream) => Promise<void>): Promise<void>;
  /** Ids of containers that carry the label, running or not: what an earlier sysieve left. */
  labelled(
    label: string,
    value: string | null,
  ): Promise<{ id: string; labels: Readonly<Record<string, string>> }[]>;
}
