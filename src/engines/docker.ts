/** Docker, by its API. */
import * as z from 'zod';
import { get, streamEvents, unexpectedAnswer, versionAt } from './socket';
import type { Engine, Inspected } from './types';

export const ContainerId = z.string().regex(/^[0-9a-f]{64}$/);

const Container = z.object({
  Id: ContainerId,
  Name: z.string(),
  Config: z.object({ Image: z.string() }),
  State: z.object({
    Running: z.boolean(),
    Pid: z.number().int().nonnegative(),
    StartedAt: z.string(),
  }),
  HostConfig: z.object({
    Runtime: z.string().nullish(),
    Privileged: z.boolean().nullish(),
    PidMode: z.string().nullish(),
    SecurityOpt: z.array(z.string()).nullish(),
  }),
});

/** Both separators are accepted by the engines and stored as given. */
export function isUnconfined(host: {
  Privileged?: boolean | null | undefined;
  SecurityOpt?: string[] | null | undefined;
}): boolean {
  const named = (host.SecurityOpt ?? []).some((o) => /^seccomp[=:]unconfined$/.test(o));
  // Privileged means unconfined unless a profile is named beside it.
  return (
    named || (host.Privileged === true && !host.SecurityOpt?.some((o) => /^seccomp[=:]/.test(o)))
  );
}

/** The engines print Go's zero time for a container that never ran. */
export function startedAtOf(time: string): string | null {
  return time.startsWith('0001-') || time === '' ? null : time;
}

export function dockerEngine(socketPath: string): Engine {
  return {
    name: 'docker',
    endpoint: { kind: 'socket', path: socketPath },
    async inspect(name): Promise<Inspected | null> {
      const raw = await get('docker', socketPath, `/containers/${name}/json`, name);
      if (raw === null) return null;
      const parsed = Container.safeParse(raw);
      if (!parsed.success) throw unexpectedAnswer('docker', socketPath, parsed.error);
      const c = parsed.data;
      return {
        id: c.Id,
        name: c.Name.replace(/^\//, ''),
        image: c.Config.Image,
        running: c.State.Running,
        pid: c.State.Running && c.State.Pid > 0 ? c.State.Pid : null,
        startedAt: startedAtOf(c.State.StartedAt),
        runtimeName: c.HostConfig.Runtime || null,
        unconfined: isUnconfined(c.HostConfig),
        sharedPidNamespace: /^(host|container:)/.test(c.HostConfig.PidMode ?? ''),
        withoutCgroup: false,
      };
    },
    // Docker tells the version of the runtime it calls "runc" only.
    async runtimeVersion(name) {
      return (await versionAt(socketPath)).components.get(name) || null;
    },
    events: (id, wake, signal) => streamEvents(socketPath, id, wake, signal),
  };
}
