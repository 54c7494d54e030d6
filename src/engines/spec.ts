/** The settings of an existing container, out of what `docker inspect` and `podman inspect` say. */
import * as z from 'zod';
import { SysieveError } from '../errors';
import type { ContainerSpec, SeccompChoice } from './control';
import type { EngineName } from './types';

const Texts = z.array(z.string()).nullish();

const Shape = z.object({
  Id: z.string(),
  Name: z.string(),
  Path: z.string(),
  Args: Texts,
  Image: z.string(),
  ImageName: z.string().nullish(),
  Pod: z.string().nullish(),
  OCIRuntime: z.string().nullish(),
  OCIConfigPath: z.string().nullish(),
  Config: z.object({
    Image: z.string(),
    Env: Texts,
    Labels: z.record(z.string(), z.string()).nullish(),
    User: z.string().nullish(),
    WorkingDir: z.string().nullish(),
    Hostname: z.string().nullish(),
    Tty: z.boolean().nullish(),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().nullish(),
        Source: z.string().nullish(),
        Destination: z.string(),
        RW: z.boolean(),
        Propagation: z.string().nullish(),
      }),
    )
    .nullish(),
  HostConfig: z.object({
    NetworkMode: z.string().nullish(),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string().nullish(), HostPort: z.string() })).nullish(),
      )
      .nullish(),
    Tmpfs: z.record(z.string(), z.string()).nullish(),
    CapAdd: Texts,
    CapDrop: Texts,
    ReadonlyRootfs: z.boolean().nullish(),
    SecurityOpt: Texts,
    ShmSize: z.number().nullish(),
    Ulimits: z.array(z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() })).nullish(),
    Runtime: z.string().nullish(),
    CgroupParent: z.string().nullish(),
    Privileged: z.boolean().nullish(),
    PublishAllPorts: z.boolean().nullish(),
    Init: z.boolean().nullish(),
    PidMode: z.string().nullish(),
    IpcMode: z.string().nullish(),
    UTSMode: z.string().nullish(),
    UsernsMode: z.string().nullish(),
    Devices: z.array(z.unknown()).nullish(),
    DeviceRequests: z.array(z.unknown()).nullish(),
    VolumesFrom: Texts,
    Links: Texts,
    ExtraHosts: Texts,
    GroupAdd: Texts,
    Sysctls: z.record(z.string(), z.string()).nullish(),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});
export type InspectedSpec = z.infer<typeof Shape>;

export const parseInspected = (raw: unknown) => Shape.safeParse(raw);

const shared = (mode: string | null | undefined) => /^(host$|container:|ns:)/.test(mode ?? '');
const any = (list: readonly unknown[] | null | undefined) => (list ?? []).length > 0;

/** What a new container made from a ContainerSpec would not have. */
function notShared(c: InspectedSpec): string[] {
  const host = c.HostConfig;
  const options = (host.SecurityOpt ?? []).filter(
    (o) => !/^(seccomp[=:]|no-new-privileges(?:[=:](?:true|false))?$)/.test(o),
  );
  const found: [boolean, string][] = [
    [host.Privileged === true, '--privileged'],
    [c.Config.Tty === true, '--tty'],
    [host.Init === true, '--init'],
    [any(host.Devices) || any(host.DeviceRequests), '--device'],
    [shared(host.PidMode), `--pid ${host.PidMode}`],
    [shared(host.IpcMode), `--ipc ${host.IpcMode}`],
    [shared(host.UTSMode), `--uts ${host.UTSMode}`],
    [(host.UsernsMode ?? '') !== '', `--userns ${host.UsernsMode}`],
    [/^(container:|ns:)/.test(host.NetworkMode ?? ''), `--network ${host.NetworkMode}`],
    [networksOf(c).length > 1, 'more than one network'],
    [any(host.VolumesFrom), '--volumes-from'],
    [any(host.Links), '--link'],
    [any(host.ExtraHosts), '--add-host'],
    [any(host.GroupAdd), '--group-add'],
    [Object.keys(host.Sysctls ?? {}).length > 0, '--sysctl'],
    [host.PublishAllPorts === true, '--publish-all'],
    [(c.Pod ?? '') !== '', 'a pod'],
    [options.length > 0, `--security-opt ${options.join(', ')}`],
  ];
  return found.filter(([is]) => is).map(([, name]) => name);
}

function networksOf(c: InspectedSpec): string[] {
  return Object.keys(c.NetworkSettings?.Networks ?? {});
}

function network(engine: EngineName, c: InspectedSpec): string | null {
  const mode = c.HostConfig.NetworkMode ?? '';
  if (mode === '' || mode === 'default') return null;
  const [only] = networksOf(c);
  // Podman says "bridge" of every network it made.
  return engine === 'podman' && mode === 'bridge' && only !== undefined ? only : mode;
}

function ports(c: InspectedSpec, problems: string[]): string[] {
  return Object.entries(c.HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => {
      if (!/^\d+$/.test(HostPort) || HostPort === '0') problems.push(`a random port for ${port}`);
      const any4 = HostIp === '' || HostIp === '0.0.0.0' || HostIp === null;
      if (!any4 && HostIp?.includes(':')) problems.push(`port ${port} at ${HostIp}`);
      return `${any4 || HostIp === undefined ? '' : `${HostIp}:`}${HostPort}:${port}`;
    }),
  );
}

/** A name that an engine made up for a volume nobody named. */
const ANONYMOUS = /^[0-9a-f]{64}$/;

function volumes(c: InspectedSpec, imageVolumes: readonly string[], problems: string[]) {
  const kept: { source: string; target: string; readOnly: boolean }[] = [];
  for (const mount of c.Mounts ?? []) {
    const { Type, Name, Source, Destination, RW, Propagation } = mount;
    if (Type === 'bind' && (Propagation ?? '') !== '' && Propagation !== 'rprivate') {
      problems.push(`the propagation ${Propagation} of ${Destination}`);
    }
    const source = Type === 'volume' ? Name : Type === 'bind' ? Source : null;
    if (source === null || source === undefined || source === '') {
      problems.push(`a mount of type ${Type} at ${Destination}`);
    } else if (Type === 'volume' && ANONYMOUS.test(source)) {
      // The image's own volume: a new container gets its own.
      if (!imageVolumes.includes(Destination)) problems.push(`an unnamed volume at ${Destination}`);
    } else kept.push({ source, target: Destination, readOnly: !RW });
  }
  return kept;
}

function environment(c: InspectedSpec): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of c.Config.Env ?? []) {
    const at = line.indexOf('=');
    if (at > 0) env[line.slice(0, at)] = line.slice(at + 1);
  }
  // Podman's note of a host name that it made up from the id.
  if (c.Id.startsWith(env.HOSTNAME ?? '?')) delete env.HOSTNAME;
  return env;
}

const or = <T>(value: T | null | undefined | ''): T | null =>
  value === '' || value === undefined ? null : value;

const capability = (name: string) => name.replace(/^CAP_/, '');

/** Limits of memory and CPU, restart policies and health checks are left out: none is a call. */
export function specOfInspected(
  engine: EngineName,
  c: InspectedSpec,
  imageVolumes: readonly string[],
  seccomp: SeccompChoice,
): ContainerSpec {
  const host = c.HostConfig;
  const problems = notShared(c);
  const published = ports(c, problems);
  const mounted = volumes(c, imageVolumes, problems);
  const name = c.Name.replace(/^\//, '');
  if (problems.length > 0) {
    throw new SysieveError(
      'input',
      'container-not-copied',
      `no other container can be made like ${engine}'s ${name}`,
      {
        cause: `sysieve cannot make one with ${problems.join(', ')}`,
        remedy:
          "Record it where it runs with 'sysieve record --container', or describe the app by image and run options.",
      },
    );
  }
  const hostname = or(c.Config.Hostname);
  const argv = [c.Path, ...(c.Args ?? [])];
  return {
    name,
    image: c.ImageName ?? c.Config.Image,
    // What really runs, in whichever of the two the engine was given it.
    entrypoint: argv,
    command: null,
    env: environment(c),
    labels: c.Config.Labels ?? {},
    network: network(engine, c),
    ports: published,
    volumes: mounted,
    tmpfs: Object.entries(host.Tmpfs ?? {}).map(([at, options]) =>
      options === '' ? at : `${at}:${options}`,
    ),
    user: or(c.Config.User),
    workdir: or(c.Config.WorkingDir),
    hostname: hostname !== null && c.Id.startsWith(hostname) ? null : hostname,
    capAdd: (host.CapAdd ?? []).map(capability),
    capDrop: (host.CapDrop ?? []).map(capability),
    readOnlyRoot: host.ReadonlyRootfs === true,
    noNewPrivileges: (host.SecurityOpt ?? []).some((o) =>
      /^no-new-privileges(?:[=:]true)?$/.test(o),
    ),
    shmSize: host.ShmSize || null,
    ulimits: Object.fromEntries(
      (host.Ulimits ?? []).map((u) => [
        u.Name.replace(/^RLIMIT_/, '').toLowerCase(),
        { soft: u.Soft, hard: u.Hard },
      ]),
    ),
    runtime: or(engine === 'podman' ? c.OCIRuntime : host.Runtime),
    cgroupParent: or(host.CgroupParent),
    seccomp,
  };
}

/** The value of the last seccomp option; null: none was given. */
export function seccompOption(c: InspectedSpec): string | null {
  const named = (c.HostConfig.SecurityOpt ?? []).filter((o) => /^seccomp[=:]/.test(o));
  return named.at(-1)?.slice('seccomp='.length) ?? null;
}
