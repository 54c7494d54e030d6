/** Podman: by its service's socket, or without one by the podman command. Both answer alike. */
import { execFile } from 'node:child_process';
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { ContainerId, isUnconfined, startedAtOf } from './docker';
import { ambiguousPrefix, get, streamEvents, unexpectedAnswer } from './socket';
import type { Engine, Inspected } from './types';

/** The libpod API of Podman 4 and later; the Docker-compatible one does not name the runtime. */
export const API = '/v4.0.0/libpod';
const COMMAND_MS = 20_000;
const COMMAND_POLL_MS = 1_000;

const Container = z.object({
  Id: ContainerId,
  Name: z.string(),
  ImageName: z.string(),
  OCIRuntime: z.string().nullish(),
  State: z.object({
    Running: z.boolean(),
    Pid: z.number().int().nonnegative(),
    StartedAt: z.string(),
  }),
  HostConfig: z.object({
    Privileged: z.boolean().nullish(),
    PidMode: z.string().nullish(),
    Cgroups: z.string().nullish(),
    SecurityOpt: z.array(z.string()).nullish(),
  }),
});

const Info = z.object({
  host: z.object({ ociRuntime: z.object({ name: z.string(), version: z.string() }) }),
});

/** Root's podman listens here, a user's where the session keeps its sockets. */
export function usualPodmanSocket(): string {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return '/run/podman/podman.sock';
  return path.join(process.env.XDG_RUNTIME_DIR ?? `/run/user/${uid}`, 'podman/podman.sock');
}

const CGROUP2_MAGIC = 0x63677270;

/** Without cgroup v2 alone, no user may make cgroups, and podman runs its containers without. */
function usersHaveCgroups(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

/** Of a socket, of whom it is; null: root's. */
function rootlessOwner(socketPath: string): number | null {
  const uid = statSync(socketPath, { throwIfNoEntry: false })?.uid ?? 0;
  return uid === 0 ? null : uid;
}

function toInspected(c: z.infer<typeof Container>, rootless: number | null): Inspected {
  return {
    id: c.Id,
    name: c.Name,
    image: c.ImageName,
    running: c.State.Running,
    pid: c.State.Running && c.State.Pid > 0 ? c.State.Pid : null,
    startedAt: startedAtOf(c.State.StartedAt),
    runtimeName: c.OCIRuntime || null,
    unconfined: isUnconfined(c.HostConfig),
    sharedPidNamespace: /^(host|container:|ns:)/.test(c.HostConfig.PidMode ?? ''),
    withoutCgroup:
      c.HostConfig.Cgroups === 'disabled' || (rootless !== null && !usersHaveCgroups()),
    ...(rootless !== null && { rootless }),
  };
}

/** Podman quotes what `RUNTIME --version` prints, several lines of it. */
function versionFor(name: string, info: z.infer<typeof Info>): string | null {
  const runtime = info.host.ociRuntime;
  if (path.basename(name) !== path.basename(runtime.name)) return null;
  return /version (\S+)/.exec(runtime.version)?.[1] ?? null;
}

export function podmanSocketEngine(socketPath: string): Engine {
  return {
    name: 'podman',
    endpoint: { kind: 'socket', path: socketPath },
    async inspect(name) {
      const raw = await get('podman', socketPath, `${API}/containers/${name}/json`, name);
      if (raw === null) return null;
      const parsed = Container.safeParse(raw);
      if (!parsed.success) throw unexpectedAnswer('podman', socketPath, parsed.error);
      return toInspected(parsed.data, rootlessOwner(socketPath));
    },
    async runtimeVersion(name) {
      const info = Info.safeParse(await get('podman', socketPath, `${API}/info`, 'info'));
      if (!info.success) throw unexpectedAnswer('podman', socketPath, info.error);
      return versionFor(name, info.data);
    },
    events: (id, wake, signal) => streamEvents(socketPath, id, wake, signal),
  };
}

/** The podman command on PATH, absolute; null: there is none. */
export function findPodman(searchPath: string): string | null {
  for (const dir of searchPath.split(':').filter((d) => path.isAbsolute(d))) {
    const file = path.join(dir, 'podman');
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this directory.
    }
  }
  return null;
}

interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Whatever the status. `timeoutMs`: 0 is none. */
export function runPodman(
  command: string,
  args: string[],
  { timeoutMs = COMMAND_MS, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    let late: NodeJS.Timeout | undefined;
    const cannot = (cause: string) => {
      clearTimeout(late);
      reject(
        new SysieveError('system', 'engine-unreachable', `cannot run ${command}`, {
          cause,
          remedy: "Check that podman works: 'podman ps'.",
        }),
      );
    };
    const options = {
      env: process.env,
      // A hung engine may hang its command against SIGTERM too.
      killSignal: 'SIGKILL' as const,
      maxBuffer: 64 << 20,
      ...(signal === undefined ? {} : { signal }),
    };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      clearTimeout(late);
      if (error === null) return resolve({ code: 0, stdout, stderr });
      if (signal?.aborted) return reject(signal.reason);
      if (typeof error.code === 'number') return resolve({ code: error.code, stdout, stderr });
      cannot(error.message);
    });
    if (timeoutMs === 0) return;
    late = setTimeout(() => {
      child.kill('SIGKILL');
      // Podman executes itself again in a user's namespaces: what is left of it holds the pipes.
      child.stdout?.destroy();
      child.stderr?.destroy();
      cannot(`no answer within ${timeoutMs / 1000} s`);
    }, timeoutMs);
  });
}

export function parseJson(command: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SysieveError('system', 'engine-answer-unexpected', `${command} printed no JSON`, {
      cause: (error as Error).message,
      remedy: "Check that podman works: 'podman ps'.",
    });
  }
}

/** What a user's podman lacks, by what it says then. */
const ROOTLESS: readonly [RegExp, string][] = [
  [/newuidmap|newgidmap/, 'Install newuidmap and newgidmap (Debian: the package uidmap).'],
  [
    /subuid|subgid|insufficient UIDs/,
    "Give the user ranges in /etc/subuid and /etc/subgid: 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER'.",
  ],
  [
    /cannot clone|user namespaces?/i,
    'Let users make namespaces: user.max_user_namespaces, and on Debian kernel.unprivileged_userns_clone=1.',
  ],
];

export function failed(command: string, stderr: string): SysieveError {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const cause = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replace(/\\(.)/g, '$1') ?? last;
  const remedy = ROOTLESS.find(([said]) => said.test(cause))?.[1];
  return new SysieveError('system', 'engine-failed', `${command} failed`, {
    cause,
    remedy: remedy ?? "Check that podman works for this user: 'podman ps'.",
  });
}

export async function podmanCommandVersion(command: string): Promise<string> {
  const { code, stdout, stderr } = await runPodman(command, ['version', '--format', 'json']);
  if (code !== 0) throw failed(command, stderr);
  const parsed = z
    .object({ Client: z.object({ Version: z.string() }) })
    .safeParse(parseJson(command, stdout));
  if (!parsed.success) throw unexpectedAnswer('podman', command, parsed.error);
  return parsed.data.Client.Version;
}

export function podmanCommandEngine(command: string): Engine {
  return {
    name: 'podman',
    endpoint: { kind: 'cli', path: command },
    async inspect(name) {
      const args = ['inspect', '--type', 'container', '--format', 'json', '--', name];
      const { code, stdout, stderr } = await runPodman(command, args);
      if (code !== 0) {
        if (/no such container/i.test(stderr)) return null;
        if (/more than one result/i.test(stderr)) throw ambiguousPrefix('podman', name);
        throw failed(command, stderr);
      }
      const parsed = z.tuple([Container]).safeParse(parseJson(command, stdout));
      if (!parsed.success) throw unexpectedAnswer('podman', command, parsed.error);
      return toInspected(parsed.data[0], process.getuid?.() || null);
    },
    async runtimeVersion(name) {
      const { code, stdout, stderr } = await runPodman(command, ['info', '--format', 'json']);
      if (code !== 0) throw failed(command, stderr);
      const info = Info.safeParse(parseJson(command, stdout));
      if (!info.success) throw unexpectedAnswer('podman', command, info.error);
      return versionFor(name, info.data);
    },
    // Without a service there is no stream that outlives a lost events file, so: ask again.
    async events(_id, wake, signal) {
      while (!signal.aborted) {
        await sleep(COMMAND_POLL_MS, undefined, { signal }).catch(() => {});
        wake();
      }
    },
  };
}
