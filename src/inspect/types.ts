/** What inspect is told about a process, as the kernel wrote it, and what it says about that. */
import type { Severity } from '../review';

/** A file as it was read, or why it could not be. Its content is untrusted. */
export type Read = { readonly text: string } | { readonly unread: string };

export const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'] as const;
export type NamespaceName = (typeof NAMESPACES)[number];

/** Who else is in a namespace, as far as /proc shows them. */
export interface Neighbours {
  /** Ids of other containers, as their cgroups are named; sorted. */
  readonly containers: readonly string[];
  /** Processes in no cgroup that is named after a container. */
  readonly others: number;
}

export interface NamespaceFacts {
  /** The inode; or why it cannot be read. */
  readonly own: { readonly inode: number } | { readonly unread: string };
  /** Of the host: pid 1's or, where that is hidden, sysieve's own; and the kernel's first one. */
  readonly host: readonly number[];
  readonly neighbours: Neighbours;
}

/** One hierarchy that the process is in. */
export interface CgroupFacts {
  readonly version: 1 | 2;
  /** Of version 1; empty for version 2. */
  readonly controllers: readonly string[];
  /** As /proc/PID/cgroup has it; untrusted. */
  readonly path: string;
  /** The files that limit, by name: of the cgroup itself first, then of each one above it. */
  readonly levels: readonly Readonly<Record<string, string>>[];
  /** Why levels or files of them are missing; null: all are there. */
  readonly unread: string | null;
}

export interface DeviceNode {
  /** Below the container's root; untrusted. */
  readonly path: string;
  readonly kind: 'char' | 'block';
  readonly major: number;
  readonly minor: number;
}

export interface ProcessFacts {
  readonly pid: number;
  /** /proc/PID/status */
  readonly status: string;
  readonly uidMap: Read;
  readonly gidMap: Read;
  readonly mountinfo: Read;
  /** /proc/PID/attr/current */
  readonly label: Read;
  readonly namespaces: Readonly<Record<NamespaceName, NamespaceFacts>>;
  /** False: what passes for the host is a container itself, around sysieve. */
  readonly onHost: boolean;
  readonly cgroups: { readonly list: readonly CgroupFacts[] } | { readonly unread: string };
  readonly devices: { readonly list: readonly DeviceNode[] } | { readonly unread: string };
  readonly host: {
    /** Of pid 1. */
    readonly status: Read;
    readonly mountinfo: Read;
    /** Which paths that runtimes mask or make read-only there are. */
    readonly present: readonly string[];
    /** /sys/fs/selinux/enforce; null: there is no such file. */
    readonly enforce: Read | null;
    /** /sys/module/apparmor/parameters/enabled; null: there is no such file. */
    readonly apparmor: Read | null;
  };
}

/** What is known of the filters, which policy and comparison found out. */
export interface SeccompFacts {
  readonly mode: 'none' | 'strict' | 'filter';
  /** Threads under other filters than the main one. */
  readonly otherThreads: number;
  /** null: mode is not filter, or they were not read. */
  readonly filters: {
    /** The default that means the same, e.g. "Docker 28.2.2"; null: none that is known. */
    readonly equivalent: string | null;
    readonly permitsAll: boolean;
  } | null;
  /** Why the filters were not read; null: they were, or there are none. */
  readonly unread: string | null;
  /** Against the committed profile; null: not asked for, or not comparable. */
  readonly compared: {
    /** As the user named it; untrusted. */
    readonly profile: string;
    readonly verdict: 'identical' | 'equivalent' | 'narrows' | 'widens' | 'mixed';
    /** Denied in another way, or other calls: a sentence each. */
    readonly differences: readonly string[];
  } | null;
}

export interface Target {
  /** As the user named it. */
  readonly label: string;
  /** What waivers of its findings are about: never a pid. */
  readonly identity: string;
  /** null: a plain process. */
  readonly engine: string | null;
}

export const TOPICS = [
  'conclusion',
  'namespaces',
  'user',
  'capabilities',
  'seccomp',
  'mandatory access control',
  'cgroup',
  'mounts',
  'devices',
] as const;
export type Topic = (typeof TOPICS)[number];

/** One thing that was looked at. */
export interface Line {
  readonly topic: Topic;
  readonly name: string;
  /** What it is; may hold untrusted text. Of what cannot be told the reason. */
  readonly value: string;
  readonly known: boolean;
  /** A sentence without its full stop. */
  readonly meaning: string;
  readonly remedy: string | null;
  /** null: no finding. */
  readonly finding: {
    readonly rule: string;
    readonly severity: Severity;
    /** Beside the rule and the target: what makes it another finding. */
    readonly key: readonly string[];
  } | null;
}
