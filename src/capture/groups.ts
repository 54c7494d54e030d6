/** A capture of many containers at once, each a group of its own; only the ebpf tracer has it. */
import type { ContainerInfo } from '../engines';
import type { Run } from '../recording/schema';
import { addon } from './binding';
import type { NativeGroup, NativeSession, Observation, SessionOptions } from './binding-types';
import { packageVersion, trackedForKernel } from './capture';
import { checkHost, fromNative, isNativeError } from './host';
import { type RunContext, toRun } from './run';

/** Of a container that there was no group for: nothing is known of its calls. */
const NOTHING_SEEN: Observation = {
  elapsedMs: 0,
  live: 0,
  liveApplication: 0,
  starts: 0,
  newestMs: 0,
  filtered: false,
  deniedSinceMs: null,
  executables: [],
  calls: [],
  denied: [],
  tuples: [],
  tupleLosses: [],
  lost: { calls: 0n, tasks: 0n, namespaces: 0n, cgroups: 1n, executables: 0n, paths: 0n },
  blindSpots: [],
};

export class GroupCapture {
  private readonly session: NativeSession;
  readonly startedAt = new Date();

  /** Arms the tracer: from here on every container that starts has a group. Throws a SysieveError. */
  constructor(programs: SessionOptions['programs']) {
    checkHost();
    this.session = new (addon().Session)({
      tracer: 'ebpf',
      // Its first execve under a filter, or in a mount namespace of its own, whichever it has: which
      // of them is not known of a container before it starts.
      execRule: 'namespace',
      denied: true,
      cgroups: [],
      cgroupNames: [],
      mountNamespaces: [],
      pidNamespaces: [],
      pids: [],
      setupPids: [],
      tracked: trackedForKernel(),
      programs,
      grouped: true,
    });
    this.native(() => this.session.start(), true);
  }

  list(): { groups: NativeGroup[]; lost: number } {
    return this.native(() => this.session.listGroups());
  }

  take(groups: readonly number[]): Observation[] {
    return groups.length === 0 ? [] : this.native(() => this.session.takeGroups(groups));
  }

  ignore(group: number): void {
    this.native(() => this.session.ignoreGroup(group));
  }

  /** Whether it will have no group; false: it has one already, or there is no room for the word. */
  refuse(id: string): boolean {
    return this.unless(['EEXIST', 'E2BIG', 'ENOMEM'], () => this.session.refuseId(id)) !== null;
  }

  forget(id: string): void {
    this.native(() => this.session.forgetId(id));
  }

  /** The tasks found of a running container; 'known': it has a group; null: there is none free. */
  adopt(info: ContainerInfo): number | 'known' | null {
    const tasks = this.unless(['EEXIST', 'ENOSPC'], () =>
      this.session.adopt(info.id, {
        execRule: info.seccomp === 'filter' ? 'filter' : 'namespace',
        cgroups: info.cgroups.map((cgroup) => cgroup.path),
        mountNamespaces: info.mountNamespace === null ? [] : [info.mountNamespace],
        pidNamespaces: info.pidNamespace === null ? [] : [info.pidNamespace],
      }),
    );
    return tasks === null ? (this.refused === 'EEXIST' ? 'known' : null) : tasks;
  }

  /** `bornMs`: as its group says. */
  run(
    seen: Observation,
    bornMs: number,
    context: Omit<RunContext, 'start' | 'version' | 'tracer'>,
  ) {
    const start = new Date(this.startedAt.getTime() + bornMs);
    return toRun(seen, { ...context, start, version: packageVersion(), tracer: 'ebpf' });
  }

  /** The run of a container that was not seen, incomplete. */
  unseen(target: Run['target'], runtime: Run['host']['runtime']): Run {
    const bornMs = Date.now() - this.startedAt.getTime();
    return this.run(NOTHING_SEEN, bornMs, { target, runtime, attachedLate: null });
  }

  /** Stops counting; groups can still be listed and taken. */
  detach(): void {
    this.session.detach();
  }

  stop(): void {
    this.session.stop();
  }

  private refused = '';

  /** null where the addon refuses with one of these codes. */
  private unless<T>(codes: readonly string[], body: () => T): T | null {
    try {
      return body();
    } catch (error) {
      if (!isNativeError(error) || !codes.includes(error.code)) throw fromNative(error);
      this.refused = error.code;
      return null;
    }
  }

  private native<T>(body: () => T, stop = false): T {
    try {
      return body();
    } catch (error) {
      if (stop) this.session.stop();
      throw fromNative(error);
    }
  }
}
