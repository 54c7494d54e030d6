/** What the addon offers, as TypeScript sees it; native/addon is the other side. */

/** Numbers of the kernel-side phases, equal to enum sysieve_phase in native/bpf/shared.h. */
export type NativePhase = 'app' | 'setup' | 'runtime' | 'exec-setup' | 'exec';

/** What sees the calls: programs in the kernel, or a tracer or listener that is told of each call. */
export type TracerName = 'ebpf' | 'ptrace' | 'notify';

export interface SessionOptions {
  tracer: TracerName;
  /** What turns a task of phase setup into the application: any execve (own launcher), an execve in
   *  another mount namespace than the engine's (no filter expected), or an execve under a filter. */
  execRule: 'any' | 'namespace' | 'filter';
  /** Watch denied calls from the first instruction on. */
  denied: boolean;
  /** Cgroup directories whose tasks match, sub-cgroups included. Absolute paths below a cgroup mount. */
  cgroups: string[];
  /** Names (last path component) of cgroups that match when they are made later: a restarted container. */
  cgroupNames: string[];
  /** Namespace inode numbers; a process from outside that joins one of them belongs to the target. */
  mountNamespaces: number[];
  pidNamespaces: number[];
  /** What runs in the cgroups is a container runtime's and has not executed the entrypoint yet. */
  foundUnstarted?: boolean;
  /** Keep in mind which containers execute something before they are followed, for follow() to tell. */
  watchUnfollowed?: boolean;
  /** Processes that match with all their threads and descendants. */
  pids: number[];
  /** Processes that match and are still in phase setup (sysieve's own launcher). */
  setupPids: number[];
  /** Calls whose arguments are kept; x86_64 entries serve x32 too. */
  tracked: NativeTracked[];
  /** Of the ebpf tracer, which programs to load; auto: typed tracepoints (tp_btf), else raw ones. */
  programs: 'auto' | 'typed' | 'raw';
  /** Of the notify tracer: the socket that the launcher sends the listener over (descriptor). */
  channel?: number;
  /** Or the listener of a container's filter itself. Both are copied. */
  listener?: number;
  /** The filter lets calls pass without a notification: they are not seen. */
  partial?: boolean;
  /** Of the ebpf tracer: every container that starts is a group of its own; the lists are empty. */
  grouped?: boolean;
  /** Of the ptrace tracer: setupPids get the filter traceAll(), and are killed with the tracer. */
  entryOnly?: boolean;
  /** Of the ebpf tracer: programs whose loading has begun. The session takes them. */
  prepared?: NativePrograms | undefined;
  /** Of the ebpf tracer: start() opens what was pinned in this directory; nothing else is read then. */
  pinned?: string;
  /** With `pinned`: nobody else may open it so meanwhile (EBUSY). */
  exclusive?: boolean;
}

/** The ebpf tracer's programs, being loaded on a thread of their own; freed with the object. */
export type NativePrograms = object;

export interface KernelMemory {
  /** Bytes that maps and programs take now, as the kernel accounts for them. */
  bytes: number;
  /** The same with every map full. */
  most: number;
}

export interface NativeTracked {
  abi: 'x86_64' | 'i386';
  /** Below 512. */
  number: number;
  /** One to three. */
  args: readonly { index: number; mask: bigint }[];
  /** Keep the 64-bit word that argument 0 points to, masked like the first argument. */
  memory: boolean;
}

export interface NativeTuple {
  phase: NativePhase;
  abi: NativeCall['abi'];
  number: number;
  /** Of the denied calls; false: of those that passed. */
  denied: boolean;
  /** In the order of the call's `args`. */
  values: bigint[];
  count: bigint;
  /** Slots it was made in, as in `executables`. */
  slots: number[];
}

export interface NativeTupleLoss {
  phase: NativePhase;
  abi: NativeCall['abi'];
  number: number;
  denied: boolean;
  /** The memory was not there; otherwise there were too many distinct tuples. */
  unreadable: boolean;
  count: bigint;
}

export interface NativeExecutable {
  /** Slot number; calls refer to it. */
  slot: number;
  path: string;
  phase: NativePhase;
}

export interface NativeCall {
  slot: number;
  abi: 'x86_64' | 'i386' | 'x32';
  number: number;
  count: bigint;
  /** ms since start(). */
  firstSeenMs: number;
}

export interface NativeDenied extends NativeCall {
  errno: number;
}

export interface NativeLosses {
  calls: bigint;
  tasks: bigint;
  namespaces: bigint;
  cgroups: bigint;
  executables: bigint;
  paths: bigint;
}

export interface Observation {
  elapsedMs: number;
  /** Tasks of the target alive now. */
  live: number;
  /** The same without those that joined and have not executed anything yet. */
  liveApplication: number;
  starts: number;
  /** ms since start() of the newest first-seen call; 0 when there is none. */
  newestMs: number;
  /** A task of the target was seen to run under a seccomp filter. */
  filtered: boolean;
  /** The kernel may interrupt the tracer's programs in the middle; only eBPF can tell. */
  preemptible?: boolean;
  /** ms since start() from which denied calls are watched; null: not watched. */
  deniedSinceMs: number | null;
  executables: NativeExecutable[];
  calls: NativeCall[];
  denied: NativeDenied[];
  tuples: NativeTuple[];
  tupleLosses: NativeTupleLoss[];
  lost: NativeLosses;
  /** Stable words for what this tracer cannot see here. */
  blindSpots: string[];
}

/** One container among many. */
export interface NativeGroup {
  group: number;
  /** 64 hex digits. */
  id: string;
  /** ms since start(). */
  bornMs: number;
  live: number;
  starts: number;
  /** It has no task and no cgroup any more; nothing is counted for it from here on. */
  ended: boolean;
}

export type AdoptOptions = Pick<
  SessionOptions,
  'execRule' | 'cgroups' | 'mountNamespaces' | 'pidNamespaces'
>;

export interface NativeSession {
  /** Loads, attaches, scans; throws an Error with `code` (errno name), `operation`. Returns the tasks found. */
  start(): { tasks: number };
  /**
   * Follows more cgroups from now on, and names of cgroups to be made in place of those that were
   * given here before; throws as start() does.
   * Only the ebpf tracer can. Returns the tasks found in them, and, of a session that watches the
   * unfollowed, whether all was the runtime's still: `unknown` where what is in them was there
   * before the session, or is gone.
   */
  follow(more: Pick<SessionOptions, 'cgroups' | 'cgroupNames' | 'foundUnstarted'>): {
    tasks: number;
    followed: 'in-time' | 'late' | 'unknown';
  };
  /** Begins to watch denied calls. Idempotent. */
  watchDenied(): void;
  read(): Observation;
  /** Stops counting; read() still answers. Idempotent. */
  detach(): void;
  /** Detaches and frees. Idempotent; also run when the environment ends. */
  stop(): void;
  /**
   * Of the ebpf tracer, after start(): pins it in a directory of bpffs made for it, where it goes on
   * without this process.
   */
  pin(directory: string): void;
  memory(): KernelMemory;
  /**
   * Of a grouped session, the containers that have a group, and how many there was none for. To be
   * asked every now and then: a container that is over has ended at the second answer.
   */
  listGroups(): { groups: NativeGroup[]; lost: number };
  /**
   * Makes a running container a group; returns how many tasks it had. Throws with `code` ENOSPC
   * where no group is free, EEXIST where it has one or was refused.
   */
  adopt(id: string, options: AdoptOptions): number;
  /** What was seen of each, times from its birth; the groups are free then. */
  takeGroups(groups: readonly number[]): Observation[];
  /** A container that nobody wants: its group is freed once its tasks have noticed. */
  ignoreGroup(group: number): void;
  /** A container that nobody wants gets no group when it starts. EEXIST: it has one. */
  refuseId(id: string): void;
  /** Takes a refusal back. */
  forgetId(id: string): void;
}

/** What someone sent to an inbox. */
export interface NativeDelivery {
  /** Untrusted. */
  message: Buffer;
  /** Open descriptors that came along; the caller's to close. */
  descriptors: number[];
  /** Of the sender, as the kernel says. */
  pid: number;
  /** Why this is no whole message; null: it is one. */
  problem: string | null;
}

export interface NativeInbox {
  /** What has arrived by now; never waits. */
  poll(): NativeDelivery[];
  /** Also removes the socket's file. Idempotent. */
  close(): void;
}

export interface NativeAddon {
  /** Listens on a unix socket made at `path`, mode 0600; throws an Error with `code`. */
  Inbox: new (
    path: string,
  ) => NativeInbox;
  /** Two connected seqpacket sockets, the caller's to close. */
  socketPair(): [number, number];
  Programs: new (kind: SessionOptions['programs']) => NativePrograms;
  Session: new (options: SessionOptions) => NativeSession;
  /**
   * Runs a classic BPF program over calls, n of 64 bytes each (struct seccomp_data), and returns the
   * n SECCOMP_RET words as the program returned them, unknown actions too. Throws an Error with
   * `code` EINVAL, `operation` and `detail` for a program the kernel would refuse.
   */
  runFilter(program: Buffer, calls: Buffer): Uint32Array;
  /** The seccomp filters of a live task, oldest first; throws an Error with `code` (see native/filter/dump.h). */
  dumpFilters(pid: number): Buffer[];
}
