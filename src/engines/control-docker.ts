/** Containers of our own in Docker, by its API. */
import * as z from 'zod';
import { type Api, imageMissing, nameTaken, noContainer, refused } from './api';
import type { ContainerControl, ContainerSpec, SeccompChoice } from './control';
import { createdId, drivenBy } from './control-api';
import { parsePort, parseTmpfs } from './ports';
import { unexpectedAnswer } from './socket';
import { type InspectedSpec, parseInspected, seccompOption, specOfInspected } from './spec';

/** Docker takes the text of a profile where its command takes a path. */
function securityOptions(spec: ContainerSpec): string[] {
  const { seccomp } = spec;
  const chosen = seccomp.kind === 'profile' ? seccomp.text : seccomp.kind;
  return [
    ...(spec.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(seccomp.kind === 'engine-default' ? [] : [`seccomp=${chosen}`]),
  ];
}

function body(spec: ContainerSpec): object {
  const ports = spec.ports.map(parsePort);
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { address, host, container, protocol } of ports) {
    const key = `${container}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: address, HostPort: String(host) }];
  }
  return {
    Image: spec.image,
    ...(spec.entrypoint === null ? {} : { Entrypoint: spec.entrypoint }),
    ...(spec.command === null ? {} : { Cmd: spec.command }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: spec.labels,
    ...(spec.user === null ? {} : { User: spec.user }),
    ...(spec.workdir === null ? {} : { WorkingDir: spec.workdir }),
    ...(spec.hostname === null ? {} : { Hostname: spec.hostname }),
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((key) => [key, {}])),
    HostConfig: {
      ...(spec.network === null ? {} : { NetworkMode: spec.network }),
      PortBindings: bindings,
      // Not Binds: those make a directory of root's where a source is missing.
      Mounts: spec.volumes.map(({ source, target, readOnly }) => ({
        Type: source.startsWith('/') ? 'bind' : 'volume',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      Tmpfs: Object.fromEntries(spec.tmpfs.map(parseTmpfs).map((t) => [t.target, t.options])),
      CapAdd: spec.capAdd,
      CapDrop: spec.capDrop,
      ReadonlyRootfs: spec.readOnlyRoot,
      SecurityOpt: securityOptions(spec),
      ...(spec.shmSize === null ? {} : { ShmSize: spec.shmSize }),
      Ulimits: Object.entries(spec.ulimits).map(([Name, { soft, hard }]) => ({
        Name,
        Soft: soft,
        Hard: hard,
      })),
      ...(spec.runtime === null ? {} : { Runtime: spec.runtime }),
      ...(spec.cgroupParent === null ? {} : { CgroupParent: spec.cgroupParent }),
    },
  };
}

function seccompOf(c: InspectedSpec): SeccompChoice {
  const option = seccompOption(c);
  if (option === null || option === 'builtin') return { kind: 'engine-default' };
  return option === 'unconfined' ? { kind: 'unconfined' } : { kind: 'profile', text: option };
}

const Image = z.object({
  Config: z.object({ Volumes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

export function dockerControl(api: Api): ContainerControl {
  return {
    ...drivenBy(api),
    async create(spec) {
      const answer = await api.ask({
        method: 'POST',
        path: '/containers/create',
        query: { name: spec.name },
        body: body(spec),
      });
      if (answer.status === 404 && /no such image/i.test(answer.said)) {
        throw imageMissing('docker', spec.image);
      }
      if (answer.status === 409 && /already in use/i.test(answer.said)) {
        throw nameTaken('docker', spec.name);
      }
      if (answer.status >= 400) throw refused('docker', 'created', spec.name, answer.said);
      return createdId(api, answer);
    },
    async specOf(container) {
      const path = `/containers/${encodeURIComponent(container)}/json`;
      const answer = await api.ask({ method: 'GET', path });
      if (answer.status === 404) throw noContainer('docker', container);
      if (answer.status >= 400) throw refused('docker', 'read', container, answer.said);
      const parsed = parseInspected(answer.data);
      if (!parsed.success) throw unexpectedAnswer('docker', api.socketPath, parsed.error);
      const image = await api.ask({ method: 'GET', path: `/images/${parsed.data.Image}/json` });
      const { Config } = Image.safeParse(image.data).data ?? {};
      const volumes = Object.keys(Config?.Volumes ?? {});
      return specOfInspected('docker', parsed.data, volumes, seccompOf(parsed.data));
    },
    async remove(id) {
      const query = { force: 'true', v: 'true' };
      const { status, said } = await api.ask({
        method: 'DELETE',
        path: `/containers/${id}`,
        query,
      });
      // 409: another removal of it is under way.
      const gone = status < 400 || status === 404;
      if (!gone && !(status === 409 && /already in progress/i.test(said))) {
        throw refused('docker', 'removed', id, said);
      }
    },
  };
}
