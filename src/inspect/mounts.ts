/** Mounts that let the host in: its paths, engine sockets, /proc and /sys, propagation. */
import type { Severity } from '../review';
import { found, listed, said, untold } from './lines';
import { hasOwn } from './namespaces';
import { isBelow, type Mount, mountOf, parseMounts } from './parse';
import type { Line, ProcessFacts } from './types';

const TOPIC = 'mounts';

/** What engines and kubelet bind into every container. */
const USUAL =
  /^\/(?:etc\/(?:hosts|hostname|resolv\.conf|mtab)|dev\/(?:shm|termination-log|console)|run\/(?:\.containerenv|secrets)|var\/run\/secrets\/kubernetes\.io\/serviceaccount)$/;

const SOCKET = /\/(?:docker|containerd|crio|podman|buildkitd|dockershim|cri-dockerd)\.sock$/;

/** Whose content is the host's: with them in hand, so is the host. */
const SENSITIVE =
  /^\/(?:$|(?:etc|root|boot|dev|proc|sys|usr|bin|sbin|lib|lib64|run|var\/run|var\/lib\/(?:docker|containers|containerd|kubelet|etcd)|home)(?:\/|$))/;

const VOLUME = /\/(?:volumes\/[^/]+\/_data|kubernetes\.io~[\w-]+\/[^/]+)(?:\/|$)/;

/** They are one for all, or made anew; what is judged of them is below. */
const KERNEL = /^(?:proc|sysfs|cgroup2?|mqueue|securityfs|debugfs|tracefs|bpf)$/;

/** What a mount shows, as a path of the host; null: nothing of its file systems is known to be it. */
export function hostPath(mount: Mount, host: readonly Mount[]): string | null {
  let best: Mount | null = null;
  for (const one of host) {
    if (one.device !== mount.device || !isBelow(mount.root, one.root)) continue;
    if (best === null || one.root.length > best.root.length) best = one;
  }
  if (best === null) return null;
  const rest = best.root === '/' ? mount.root : mount.root.slice(best.root.length);
  return `${best.mountpoint === '/' ? '' : best.mountpoint}${rest === '/' ? '' : rest}` || '/';
}

function bindLine(mount: Mount, path: string): Line {
  const { mountpoint, readOnly } = mount;
  const how = readOnly ? 'read-only' : 'writable';
  const value = `${path} of the host at ${mountpoint}, ${how}`;
  const key = [path, mountpoint, how];
  if (isSocket({ mount, path })) {
    return found(TOPIC, {
      name: 'engine socket',
      value,
      meaning: 'who may write to it starts containers as root on the host',
      rule: 'engine-socket',
      severity: 'high',
      remedy: 'Leave it out; read-only mounting does not help against connecting',
      key,
    });
  }
  if (SENSITIVE.test(path) && !VOLUME.test(path)) {
    return found(TOPIC, {
      name: 'host path',
      value,
      meaning: readOnly
        ? 'it reads what the host keeps there, secrets among it'
        : 'it changes what the host runs and trusts',
      rule: 'host-path',
      severity: readOnly ? 'medium' : 'high',
      remedy: 'Mount only what it needs, read-only, or a volume',
      key,
    });
  }
  const volume = VOLUME.test(path);
  return found(TOPIC, {
    name: volume ? 'volume' : 'host path',
    value,
    meaning: 'what it holds is shared with the host and whoever else mounts it',
    rule: 'host-path',
    severity: readOnly || volume ? 'note' : 'low',
    remedy: 'Mount it read-only where it is only read',
    key,
  });
}

interface Bind {
  readonly mount: Mount;
  readonly path: string;
}

/** It came along with a directory that is mounted with all below it, and is said. */
function cameAlong({ mount, path }: Bind, binds: readonly Bind[]): boolean {
  return binds.some(({ mount: { mountpoint }, path: above }) => {
    if (mountpoint === mount.mountpoint || !isBelow(mount.mountpoint, mountpoint)) return false;
    const rest = mountpoint === '/' ? mount.mountpoint : mount.mountpoint.slice(mountpoint.length);
    return path === (above === '/' ? rest : `${above}${rest}`);
  });
}

function isSocket({ mount, path }: Bind): boolean {
  return SOCKET.test(path) || SOCKET.test(mount.mountpoint);
}

function bindLines(mounts: readonly Mount[], host: readonly Mount[]): Line[] {
  const binds = mounts.flatMap((mount): Bind[] => {
    const { mountpoint, type, root } = mount;
    if (mountpoint === '/' || USUAL.test(mountpoint)) return [];
    if (KERNEL.test(type) && /^\/(?:proc|sys|dev)(?:\/|$)/.test(mountpoint)) return [];
    // A node alone, as masks and devices are.
    if (type === 'devtmpfs' && root !== '/') return [];
    // null: its own, nothing of what the host has mounted.
    const path = hostPath(mount, host);
    return path === null ? [] : [{ mount, path }];
  });
  // All of the host came along with its root.
  const root = mountOf(mounts, '/');
  const above = root !== null && hostPath(root, host) === '/' ? [{ mount: root, path: '/' }] : [];
  return binds
    .filter((bind) => isSocket(bind) || !cameAlong(bind, [...above, ...binds]))
    .map(({ mount, path }) => bindLine(mount, path));
}

interface Protected {
  readonly path: string;
  readonly kind: 'masked' | 'read-only';
  readonly severity: Severity;
  readonly means: string;
}

/** Docker's and Podman's own lists, as far as something follows from a missing one. */
export const PROTECTED: readonly Protected[] = [
  ...(
    [
      ['/proc/kcore', 'medium', 'the memory of the kernel'],
      ['/proc/keys', 'low', 'keys of others'],
      ['/proc/timer_list', 'low', 'timers of the host'],
      ['/proc/sched_debug', 'low', 'processes of the host'],
      ['/proc/scsi', 'low', 'disks of the host'],
      ['/proc/acpi', 'low', 'hardware of the host'],
      ['/sys/firmware', 'low', 'firmware tables'],
    ] as const
  ).map(([path, severity, means]) => ({ path, kind: 'masked' as const, severity, means })),
  ...(
    [
      ['/proc/sys', 'high', 'kernel settings, core_pattern among them'],
      ['/proc/sysrq-trigger', 'high', 'reboots and crashes the host'],
      ['/proc/irq', 'low', 'interrupts'],
      ['/proc/bus', 'low', 'buses of the host'],
      ['/proc/fs', 'low', 'settings of file systems'],
      ['/sys', 'high', 'devices and kernel settings'],
    ] as const
  ).map(([path, severity, means]) => ({ path, kind: 'read-only' as const, severity, means })),
];

/** A mask is another mount than that of /proc or /sys: /dev/null, or an empty tmpfs. */
function isMasked(path: string, mounts: readonly Mount[]): boolean {
  const mount = mountOf(mounts, path);
  return mount !== null && mount.mountpoint === path && !['proc', 'sysfs'].includes(mount.type);
}

/** null: no such file system is mounted there at all. */
export function unprotected(mounts: readonly Mount[], present: readonly string[]): Protected[] {
  return PROTECTED.filter(({ path, kind }) => {
    const mount = mountOf(mounts, path);
    const there = mount !== null && ['proc', 'sysfs'].includes(mount.type);
    if (!present.includes(path) || !there) return false;
    if (kind === 'masked') return !isMasked(path, mounts);
    return mount !== null && !mount.readOnly;
  });
}

function maskLines(mounts: readonly Mount[], present: readonly string[]): Line[] {
  const open = unprotected(mounts, present);
  if (open.length === 0) {
    const meaning = 'what runtimes mask and make read-only is so';
    return [said(TOPIC, { name: '/proc and /sys', value: 'masked', meaning })];
  }
  const worst = (['high', 'medium', 'low'] as const).filter((severity) =>
    open.some((one) => one.severity === severity),
  );
  return worst.map((severity) => {
    const here = open.filter((one) => one.severity === severity);
    return found(TOPIC, {
      name: '/proc and /sys',
      value: here
        .map(({ path, kind }) => `${path} ${kind === 'masked' ? 'not masked' : 'writable'}`)
        .join(', '),
      meaning: here.map(({ means }) => means).join('; '),
      rule: 'proc-unmasked',
      severity,
      remedy: 'Start it without --privileged, systempaths=unconfined or procMount: Unmasked',
      key: here.map(({ path }) => path),
    });
  });
}

function cgroupMountLines(mounts: readonly Mount[]): Line[] {
  const writable = mounts.filter(
    ({ type, readOnly, mountpoint }) =>
      (type === 'cgroup' || type === 'cgroup2') &&
      !readOnly &&
      mountOf(mounts, mountpoint)?.mountpoint === mountpoint,
  );
  if (writable.length === 0) return [];
  const v1 = writable.some(({ type }) => type === 'cgroup');
  return [
    found(TOPIC, {
      name: 'cgroup file system',
      value: `writable: ${listed(
        writable.map(({ mountpoint }) => mountpoint),
        3,
      )}`,
      meaning: v1
        ? 'with CAP_SYS_ADMIN a release_agent runs as root on the host (CVE-2022-0492)'
        : 'it changes its own limits',
      rule: 'cgroup-writable',
      severity: v1 ? 'medium' : 'low',
      remedy: 'Start it without --privileged',
    }),
  ];
}

function propagationLines(mounts: readonly Mount[], host: readonly Mount[]): Line[] {
  const groups = new Set(host.flatMap(({ shared }) => shared ?? []));
  const out = mounts.filter(({ shared }) => shared !== null && groups.has(shared));
  const into = mounts.filter(({ master }) => master !== null && groups.has(master));
  if (out.length > 0) {
    return [
      found(TOPIC, {
        name: 'propagation',
        value: `shared with the host: ${listed(
          out.map(({ mountpoint }) => mountpoint),
          3,
        )}`,
        meaning: 'what it mounts there is mounted on the host',
        rule: 'mount-propagation',
        severity: 'medium',
        remedy: 'Mount with rprivate or rslave; mountPropagation: None or HostToContainer',
        key: out.map(({ mountpoint }) => mountpoint),
      }),
    ];
  }
  const value =
    into.length === 0
      ? 'private'
      : `from the host: ${listed(
          into.map(({ mountpoint }) => mountpoint),
          3,
        )}`;
  const meaning =
    into.length === 0
      ? 'mounts of either side are not seen on the other'
      : 'mounts of the host appear there, not the other way round';
  return [said(TOPIC, { name: 'propagation', value, meaning })];
}

function rootLine(mounts: readonly Mount[], host: readonly Mount[]): Line {
  const root = mountOf(mounts, '/');
  const name = 'root file system';
  if (root === null) return untold(TOPIC, name, 'no mount at / is shown');
  const path = hostPath(root, host);
  if (path === '/') {
    return found(TOPIC, {
      name,
      value: 'that of the host',
      meaning: 'it has all files of the host',
      rule: 'host-root',
      severity: 'high',
      remedy: 'Run it from an image',
    });
  }
  if (root.readOnly) {
    const meaning = 'nothing in it can be changed';
    return said(TOPIC, { name, value: `${root.type}, read-only`, meaning });
  }
  return found(TOPIC, {
    name,
    value: `${root.type}, writable`,
    meaning: 'an attacker can leave programs in it',
    rule: 'root-writable',
    severity: 'note',
    remedy: 'Use --read-only with a tmpfs where it writes; readOnlyRootFilesystem: true',
  });
}

export function mountLines(facts: ProcessFacts): Line[] {
  const { mountinfo, host } = facts;
  if (hasOwn('mnt', facts) === false) {
    const value = 'those of the host';
    const meaning = 'it shares the mount namespace, which says it all';
    return [said(TOPIC, { name: 'mounts', value, meaning })];
  }
  if ('unread' in mountinfo) return [untold(TOPIC, 'mounts', mountinfo.unread)];
  const mounts = parseMounts(mountinfo.text);
  const masks = [...maskLines(mounts, host.present), ...cgroupMountLines(mounts)];
  if ('unread' in host.mountinfo) {
    return [...masks, untold(TOPIC, 'host paths', host.mountinfo.unread)];
  }
  const others = parseMounts(host.mountinfo.text);
  const binds = bindLines(mounts, others);
  const none = said(TOPIC, {
    name: 'host paths',
    value: 'none',
    meaning: 'nothing of the host is mounted but what engines always mount',
  });
  return [
    rootLine(mounts, others),
    ...(binds.length === 0 ? [none] : binds),
    ...masks,
    ...propagationLines(mounts, others),
  ];
}
