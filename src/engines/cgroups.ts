/** From /proc/PID/cgroup and /proc/self/mountinfo to cgroup directories; v1, v2 and hybrid. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ContainerCgroup, EngineName } from './types';

interface CgroupMount {
  v2: boolean;
  /** v1 controllers and name=…; other superblock options are among them and do no harm. */
  options: Set<string>;
  /** The part of the hierarchy that the mount shows. */
  root: string;
  mountpoint: string;
}

interface Membership {
  hierarchy: number;
  controllers: string[];
  path: string;
}

/** Conmon's own cgroup ("libpod-conmon-…") is none of them: it is the engine, not the container. */
export function cgroupNamesOf(engine: EngineName, id: string): string[] {
  return engine === 'docker'
    ? [id, `docker-${id}.scope`]
    : [`libpod-${id}`, `libpod-${id}.scope`, `libpod-payload-${id}`];
}

/** A path below the roots of the hierarchies as directories of this mount namespace. */
export function cgroupDirectories(
  cgroup: string,
  exists: (dir: string) => boolean,
  mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
): string[] {
  const found = new Set<string>();
  for (const { root, mountpoint } of parseCgroupMounts(mountinfo)) {
    // Seen from a cgroup namespace below, a mount of the whole hierarchy has the root /../.. (of a part
    // of it too, and then there is no such directory).
    const inside = below(/^(\/\.\.)+$/.test(root) ? '/' : root, cgroup);
    if (inside === null) continue;
    const dir = path.join(mountpoint, inside);
    if (exists(dir)) found.add(dir);
  }
  return [...found];
}

/** The kernel writes space, tab, newline and backslash in mountinfo as octal escapes. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

export function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const [type, , options] = (right ?? '').split(' ');
    const [, , , root, mountpoint] = (left ?? '').split(' ');
    if (root === undefined || mountpoint === undefined) continue;
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    mounts.push({
      v2: type === 'cgroup2',
      options: new Set((options ?? '').split(',')),
      root: unescapeOctal(root),
      mountpoint: unescapeOctal(mountpoint),
    });
  }
  return mounts;
}

export function parseMemberships(procCgroup: string): Membership[] {
  const memberships: Membership[] = [];
  for (const line of procCgroup.split('\n')) {
    // The path may hold colons itself, so only the first two separate.
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (match === null) continue;
    memberships.push({
      hierarchy: Number(match[1]),
      controllers: (match[2] ?? '').split(',').filter((c) => c !== ''),
      path: match[3] ?? '/',
    });
  }
  return memberships;
}

/** Whether a process with this /proc/PID/cgroup is in a cgroup of one of these names. */
export function isMember(procCgroup: string, names: readonly string[]): boolean {
  return parseMemberships(procCgroup).some((m) => m.path.split('/').some((p) => names.includes(p)));
}

function below(root: string, cgroup: string): string | null {
  if (root === '/') return cgroup;
  if (cgroup === root) return '/';
  return cgroup.startsWith(`${root}/`) ? cgroup.slice(root.length) : null;
}

/**
 * The directories of the cgroups named after the container. A hierarchy in which its process sits
 * in a cgroup that is not its own (v1 hierarchies mounted later, `--cgroups=disabled`) is left out:
 * that cgroup holds other processes too.
 */
export function containerCgroups(
  procCgroup: string,
  mountinfo: string,
  names: readonly string[],
  isDirectory: (dir: string) => boolean,
): ContainerCgroup[] {
  const mounts = parseCgroupMounts(mountinfo);
  const found: ContainerCgroup[] = [];
  for (const member of parseMemberships(procCgroup)) {
    const parts = member.path.split('/');
    const own = parts.findIndex((part) => names.includes(part));
    if (own < 0) continue;
    const cgroup = parts.slice(0, own + 1).join('/');
    for (const mount of mounts) {
      const sameHierarchy = mount.v2
        ? member.controllers.length === 0
        : member.controllers.length > 0 && member.controllers.every((c) => mount.options.has(c));
      const inside = sameHierarchy ? below(mount.root, cgroup) : null;
      if (inside === null) continue;
      const dir = path.join(mount.mountpoint, inside);
      if (!isDirectory(dir)) continue;
      found.push({ hierarchy: member.hierarchy, path: dir, mountpoint: mount.mountpoint });
      break;
    }
  }
  return found;
}
