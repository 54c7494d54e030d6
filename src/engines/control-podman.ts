/**
 * Containers of our own in Podman, by its service's socket. Created by the libpod API: the
 * Docker-compatible one names no runtime, and takes a path where Docker takes a profile's text.
 */
import { type Api, imageMissing, nameTaken, noContainer, refused } from './api';
import type { ContainerControl, ContainerSpec } from './control';
import { createdId, drivenBy } from './control-api';
import { API } from './podman';
import { IMAGE_UNKNOWN, NAME_IN_USE, podmanImageVolumes, podmanSeccomp } from './podman-spec';
import { parsePort, parseTmpfs } from './ports';
import { withProfileFile } from './profile-file';
import { unexpectedAnswer } from './socket';
import { parseInspected, specOfInspected } from './spec';

function network(name: string | null): object {
  if (name === null) return {};
  const [mode = '', value] = name.split(/:(.*)/s);
  if (['none', 'host', 'bridge', 'private', 'slirp4netns', 'pasta'].includes(name)) {
    return { netns: { nsmode: name } };
  }
  if (mode === 'container' || mode === 'ns') {
    return { netns: { nsmode: mode === 'ns' ? 'path' : mode, value } };
  }
  return { netns: { nsmode: 'bridge' }, Networks: { [name]: {} } };
}

function body(spec: ContainerSpec, profile: string | null): object {
  const binds = spec.volumes.filter((v) => v.source.startsWith('/'));
  const named = spec.volumes.filter((v) => !v.source.startsWith('/'));
  return {
    name: spec.name,
    image: spec.image,
    ...(spec.entrypoint === null ? {} : { entrypoint: spec.entrypoint }),
    ...(spec.command === null ? {} : { command: spec.command }),
    env: spec.env,
    labels: spec.labels,
    ...network(spec.network),
    portmappings: spec.ports.map(parsePort).map(({ address, host, container, protocol }) => ({
      host_ip: address,
      host_port: host,
      container_port: container,
      protocol,
    })),
    mounts: [
      ...binds.map(({ source, target, readOnly }) => ({
        type: 'bind',
        source,
        destination: target,
        options: ['rbind', readOnly ? 'ro' : 'rw'],
      })),
      ...spec.tmpfs.map(parseTmpfs).map(({ target, options }) => ({
        type: 'tmpfs',
        source: 'tmpfs',
        destination: target,
        options: options.split(',').filter((o) => o !== ''),
      })),
    ],
    volumes: named.map(({ source, target, readOnly }) => ({
      Name: source,
      Dest: target,
      Options: readOnly ? ['ro'] : [],
    })),
    ...(spec.user === null ? {} : { user: spec.user }),
    ...(spec.workdir === null ? {} : { work_dir: spec.workdir }),
    ...(spec.hostname === null ? {} : { hostname: spec.hostname }),
    cap_add: spec.capAdd,
    cap_drop: spec.capDrop,
    read_only_filesystem: spec.readOnlyRoot,
    no_new_privileges: spec.noNewPrivileges,
    ...(spec.shmSize === null ? {} : { shm_size: spec.shmSize }),
    r_limits: Object.entries(spec.ulimits).map(([name, { soft, hard }]) => ({
      // The service puts RLIMIT_ before it.
      type: name,
      soft,
      hard,
    })),
    ...(spec.runtime === null ? {} : { oci_runtime: spec.runtime }),
    ...(spec.cgroupParent === null ? {} : { cgroup_parent: spec.cgroupParent }),
    ...(profile === null
      ? {}
      : {
          seccomp_profile_path: profile,
          // As its own command leaves it, for `podman inspect` to tell.
          annotations: { 'io.podman.annotations.seccomp': profile },
        }),
  };
}

export function podmanControl(api: Api): ContainerControl {
  return {
    ...drivenBy(api),
    create: (spec) =>
      withProfileFile(spec.seccomp, async (profile) => {
        const answer = await api.ask({
          method: 'POST',
          path: `${API}/containers/create`,
          body: body(spec, profile),
        });
        if (IMAGE_UNKNOWN.test(answer.said)) throw imageMissing('podman', spec.image);
        if (NAME_IN_USE.test(answer.said)) throw nameTaken('podman', spec.name);
        if (answer.status >= 400) throw refused('podman', 'created', spec.name, answer.said);
        return createdId(api, answer);
      }),
    async specOf(container) {
      const path = `${API}/containers/${encodeURIComponent(container)}/json`;
      const answer = await api.ask({ method: 'GET', path });
      if (answer.status === 404) throw noContainer('podman', container);
      if (answer.status >= 400) throw refused('podman', 'read', container, answer.said);
      const parsed = parseInspected(answer.data);
      if (!parsed.success) throw unexpectedAnswer('podman', api.socketPath, parsed.error);
      const image = await api.ask({
        method: 'GET',
        path: `${API}/images/${parsed.data.Image}/json`,
      });
      const volumes = podmanImageVolumes(image.data);
      return specOfInspected('podman', parsed.data, volumes, await podmanSeccomp(parsed.data));
    },
    async remove(id) {
      const { status, said } = await api.ask({
        method: 'DELETE',
        path: `${API}/containers/${id}`,
        // Without a timeout a forced removal waits ten seconds for the end of the process.
        query: { force: 'true', v: 'true', timeout: '0' },
      });
      if (status >= 400 && status !== 404) throw refused('podman', 'removed', id, said);
    },
  };
}
