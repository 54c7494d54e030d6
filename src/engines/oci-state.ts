/** Containers of runc and crun themselves, by the state directories that these keep. */
import { existsSync, lstatSync, readFileSync, realpathSync, watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { runtimeVersion } from './runtime-version';
import type { Engine, Inspected } from './types';

export type RuntimeName = 'runc' | 'crun';

const POLL_MS = 100;
const MAX_STATE = 16 << 20;

/** runc's grammar for ids, without the two that are directories; crun takes what is a file name. */
const ID = /^(?!\.{1,2}$)[\w+.-]{1,255}$/;

const Ticks = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(String);
const Namespaces = z.array(z.object({ type: z.string(), path: z.string().nullish() })).nullish();

/** state.json of runc 1.0 and later: libcontainer's State. */
const RuncState = z.object({
  id: z.string(),
  init_process_pid: z.number().int(),
  init_process_start: Ticks,
  created: z.string(),
  cgroup_paths: z.record(z.string(), z.string()).nullish(),
  config: z.object({ seccomp: z.looseObject({}).nullish(), namespaces: Namespaces }),
});

/** status of crun 1.0 and later. */
const CrunStatus = z.object({
  pid: z.number().int(),
  'process-start-time': Ticks,
  'cgroup-path': z.string().nullish(),
  created: z.string(),
  bundle: z.string(),
});

const Spec = z.object({
  linux: z.object({ seccomp: z.looseObject({}).nullish(), namespaces: Namespaces }).nullish(),
});

/** What the two say alike. */
interface State {
  pid: number;
  /** Clock ticks since boot: the same id with another start is another process. */
  startTicks: string;
  created: string;
  /** Paths of its cgroup; of runc absolute directories, of crun below the hierarchies' roots. */
  cgroups: string[];
  unconfined: boolean;
  ownPidNamespace: boolean;
}

function unreadable(file: string, error: unknown): SysieveError {
  const code = (error as NodeJS.ErrnoException).code;
  return new SysieveError('system', 'engine-unreachable', `cannot read ${file}`, {
    cause: error instanceof Error ? error.message : String(error),
    remedy:
      code === 'EACCES' ? 'Run sysieve as root.' : 'Name the state directory: --state-dir DIR.',
  });
}

function readJson<T>(file: string, shape: z.ZodType<T>): T | null {
  let value: unknown;
  try {
    if (lstatSync(file).size > MAX_STATE) throw new Error(`larger than ${MAX_STATE} bytes`);
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    // Read while it is written: the next look finds it whole.
    if (error instanceof SyntaxError) return null;
    throw unreadable(file, error);
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SysieveError('system', 'engine-answer-unexpected', `${file} has an unknown shape`, {
    cause: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    remedy: 'Report the runtime and its version to sysieve.',
  });
}

const PID_NAMESPACES = ['NEWPID', 'pid'];

function ownPidNamespace(namespaces: z.infer<typeof Namespaces>): boolean {
  const found = (namespaces ?? []).find((ns) => PID_NAMESPACES.includes(ns.type));
  return found !== undefined && !found.path;
}

function runcState(dir: string): State | null {
  const state = readJson(path.join(dir, 'state.json'), RuncState);
  if (state === null) return null;
  return {
    pid: state.init_process_pid,
    startTicks: state.init_process_start,
    created: state.created,
    cgroups: Object.values(state.cgroup_paths ?? {}),
    unconfined: !state.config.seccomp,
    ownPidNamespace: ownPidNamespace(state.config.namespaces),
  };
}

function crunState(dir: string): State | null {
  const status = readJson(path.join(dir, 'status'), CrunStatus);
  if (status === null) return null;
  // crun keeps the spec that it was given; the bundle's may have been changed since.
  const spec =
    readJson(path.join(dir, 'config.json'), Spec) ??
    readJson(path.join(status.bundle, 'config.json'), Spec);
  return {
    pid: status.pid,
    startTicks: status['process-start-time'],
    created: status.created,
    cgroups: status['cgroup-path'] ? [status['cgroup-path']] : [],
    unconfined: spec !== null && !spec.linux?.seccomp,
    ownPidNamespace: ownPidNamespace(spec?.linux?.namespaces),
  };
}

/** As the runtimes themselves tell: the process has ended, or its id is another's by now. */
function lives({ pid, startTicks }: State): boolean {
  if (pid <= 0) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] !== 'Z' && fields[0] !== 'X' && fields[19] === startTicks;
  } catch {
    return false;
  }
}

/** The last component of its cgroups, which must not be one above them too: then it tells nothing. */
function cgroupName({ cgroups }: State, id: string): string | null {
  const [first] = cgroups;
  if (first === undefined) return null;
  const parts = first.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? null;
  if (name === null) return null;
  if (!parts.includes(name)) return name;
  throw new SysieveError(
    'input',
    'cgroup-ambiguous',
    `the cgroup of ${id} lies in one named alike`,
    {
      cause: first,
      remedy: 'Record it by its directory below /sys/fs/cgroup: --cgroup PATH.',
    },
  );
}

function inspect(runtime: RuntimeName, root: string, id: string): Inspected | null {
  const dir = path.join(root, id);
  const state = runtime === 'runc' ? runcState(dir) : crunState(dir);
  if (state === null) return null;
  const alive = lives(state);
  const name = cgroupName(state, id);
  // The init waits for a reader of this before it executes the entrypoint.
  const unstarted = alive && existsSync(path.join(dir, 'exec.fifo'));
  return {
    id,
    name: id,
    image: '',
    running: alive && !unstarted,
    pid: alive ? state.pid : null,
    startedAt: unstarted ? null : state.created,
    runtimeName: runtime,
    unconfined: state.unconfined,
    sharedPidNamespace: !state.ownPidNamespace,
    withoutCgroup: name === null,
    cgroupNames: name === null ? [] : [name],
    unstarted,
  };
}

/** Where the runtimes keep their state when nobody says otherwise, root's and this user's. */
export function stateDirectories(runtime: RuntimeName): string[] {
  const own = process.env.XDG_RUNTIME_DIR;
  return [`/run/${runtime}`, ...(own && path.isAbsolute(own) ? [path.join(own, runtime)] : [])];
}

/** Whether a directory is there and may be looked into. */
export function isStateDirectory(dir: string): boolean {
  try {
    return lstatSync(realpathSync(dir)).isDirectory();
  } catch {
    return false;
  }
}

export function ociEngine(runtime: RuntimeName, root: string): Engine {
  return {
    name: runtime,
    endpoint: { kind: 'state', path: root, runtime },
    inspect: async (id) => (ID.test(id) ? inspect(runtime, root, id) : null),
    runtimeVersion,
    async events(id, wake, signal) {
      const dir = path.join(root, id);
      // A poll would see it as well, only later; directories that cannot be watched are polled.
      const watcher = existsSync(dir) ? watch(dir, wake) : null;
      watcher?.on('error', () => watcher.close());
      try {
        while (!signal.aborted) {
          await sleep(POLL_MS, undefined, { signal }).catch(() => {});
          wake();
        }
      } finally {
        watcher?.close();
      }
    },
  };
}
