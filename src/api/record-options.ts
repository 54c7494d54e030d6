/** What is recorded, and how. */

/**
 * What a command is given to run with.
 *
 * @public
 */
export interface CommandTarget {
  /** Program and arguments; no shell. */
  command: readonly string[];
  /** Default: this process's. */
  cwd?: string;
  /** The whole environment. Default: this process's. */
  env?: Readonly<Record<string, string | undefined>>;
  /**
   * Where its output goes: to this process's own (`inherit`, the default, with its standard input as
   * well), nowhere, or to a function, chunk by chunk.
   */
  output?: 'inherit' | 'ignore' | ((chunk: Uint8Array) => void);
}

/**
 * What is recorded: a command from its first instruction on, a process with its threads and descendants, a
 * container over its restarts (running, or to be started), a cgroup, or a container of a Kubernetes pod
 * on this node (`NAMESPACE/POD` or `NAMESPACE/POD/CONTAINER`).
 *
 * @public
 */
export type RecordTarget =
  | CommandTarget
  | { pid: number }
  | {
      /** Name or id. */
      container: string;
      /** Where to look for it. Default: `auto`. */
      engine?: 'auto' | 'docker' | 'podman' | 'cri' | 'oci' | 'runc' | 'crun';
      /** Of runc or crun: the root directory that they were given. */
      stateDir?: string;
    }
  | {
      /** A directory below a cgroup mount. */
      cgroup: string;
      /** Which execve starts the application. Default: `namespace`. */
      boundary?: 'namespace' | 'filter';
    }
  | { pod: string };

/**
 * How it is recorded.
 *
 * @public
 */
export interface RecordOptions {
  /** What is recorded. */
  target: RecordTarget;
  /** How calls are seen. Default: `auto`, the first that can be armed here. */
  tracer?: 'auto' | 'ebpf' | 'ptrace' | 'notify';
  /** Watch denied calls even where no filter is known; with `ebpf` only. */
  denied?: boolean;
  /** The phase that the application's calls belong to at first. Default: `steady`. */
  phase?: 'startup' | 'steady' | 'shutdown';
  /** End after so many milliseconds. */
  durationMs?: number;
  /**
   * End once nothing new (no call, no arguments) was seen for `quietMs`, after a start was seen unless
   * `needsStart` is false, and not before `minMs`.
   */
  untilStable?: { quietMs: number; minMs?: number; needsStart?: boolean };
  /**
   * Ends the recording normally: it resolves with what was seen, as after {@link Recorder.stop}. Aborted
   * before the recording begins, it rejects with the signal's reason, and nothing was started.
   */
  signal?: AbortSignal;
}
