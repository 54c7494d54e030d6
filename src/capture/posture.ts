/**
 * What /proc and /sys tell about the isolation of a process. Reads only; nothing that is read is
 * trusted, and no path inside the container is followed: its symbolic links would lead to the host.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { parseCgroupMounts, parseMemberships } from '../engines/cgroups';
import { SysieveError } from '../errors';
import {
  type CgroupFacts,
  type DeviceNode,
  NAMESPACES,
  type NamespaceFacts,
  type NamespaceName,
  type Neighbours,
  PROTECTED,
  type ProcessFacts,
  type Read,
} from '../inspect';

/** Where they are mounted; another place in tests. */
export interface Roots {
  readonly proc: string;
  readonly sys: string;
}

const ROOTS: Roots = { proc: '/proc', sys: '/sys' };

/** The kernel's first ones (include/uapi/linux/nsfs.h; of net and mnt since 6.18). */
const FIRST: Readonly<Record<NamespaceName, number>> = {
  ipc: 0xefff_ffff,
  uts: 0xefff_fffe,
  user: 0xefff_fffd,
  pid: 0xefff_fffc,
  cgroup: 0xefff_fffb,
  time: 0xefff_fffa,
  net: 0xefff_fff9,
  mnt: 0xefff_fff8,
};

function reason(error: unknown, what: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return `${what}: not permitted`;
  if (code === 'EINVAL') return `${what}: the kernel tells none`;
  return `${what}: ${code ?? String(error)}`;
}

function read(file: string): Read {
  try {
    return { text: readFileSync(file, 'utf8') };
  } catch (error) {
    return { unread: reason(error, file) };
  }
}

function readIfThere(file: string): Read | null {
  try {
    return { text: readFileSync(file, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { unread: reason(error, file) };
  }
}

function inode(file: string): { inode: number } | { unread: string } {
  try {
    const match = /^\w+:\[(\d{1,15})\]$/.exec(readlinkSync(file));
    return match === null ? { unread: `${file}: no inode` } : { inode: Number(match[1]) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { unread: code === 'ENOENT' ? `${file}: the kernel has none` : reason(error, file) };
  }
}

/** The ids that a container's cgroup is named after: 64 hex digits, or what runc and crun were told. */
const ID = /(?:^|[-/:])([0-9a-f]{64})(?:\.scope)?(?=$|[/\n])/m;

function containerOf(dir: string): string | null {
  const cgroup = read(path.join(dir, 'cgroup'));
  return 'unread' in cgroup ? null : (ID.exec(cgroup.text)?.[1] ?? null);
}

interface Other {
  readonly container: string | null;
  readonly namespaces: ReadonlyMap<NamespaceName, number>;
}

/** Every other process that this namespace of pids shows. */
function others(pid: number, { proc }: Roots): Other[] {
  const made: Other[] = [];
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name) || Number(name) === pid) continue;
    const dir = path.join(proc, name);
    const namespaces = new Map<NamespaceName, number>();
    for (const kind of NAMESPACES) {
      const found = inode(path.join(dir, 'ns', kind));
      if ('inode' in found) namespaces.set(kind, found.inode);
    }
    if (namespaces.size > 0) made.push({ container: containerOf(dir), namespaces });
  }
  return made;
}

function neighbours(
  name: NamespaceName,
  own: number,
  container: string | null,
  all: readonly Other[],
): Neighbours {
  const here = all.filter(({ namespaces }) => namespaces.get(name) === own);
  const ids = here.map((other) => other.container);
  return {
    containers: [
      ...new Set(ids.filter((id) => id !== null && id !== container)),
    ].sort() as string[],
    // Without an id of its own nothing tells its children from strangers.
    others: container === null ? 0 : ids.filter((id) => id === null).length,
  };
}

function namespaces(pid: number, roots: Roots): ProcessFacts['namespaces'] {
  const at = (id: number | string, name: string) => path.join(roots.proc, String(id), 'ns', name);
  const container = containerOf(path.join(roots.proc, String(pid)));
  const all = others(pid, roots);
  const made = NAMESPACES.map((name): [NamespaceName, NamespaceFacts] => {
    const own = inode(at(pid, name));
    const init = inode(at(1, name));
    // Pid 1 may hold capabilities that sysieve lacks; its namespaces are then hidden.
    const stand = 'inode' in init ? init : inode(at('self', name));
    const host = [FIRST[name], ...('inode' in stand ? [stand.inode] : [])];
    const none = { containers: [], others: 0 };
    const known = 'inode' in own && !host.includes(own.inode);
    return [
      name,
      { own, host, neighbours: known ? neighbours(name, own.inode, container, all) : none },
    ];
  });
  return Object.fromEntries(made) as Record<NamespaceName, NamespaceFacts>;
}

const LIMIT_FILES = [
  ...['cpu.max', 'memory.max', 'pids.max'],
  ...['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'memory.limit_in_bytes', 'devices.list'],
];

/** What mountinfo calls /sys is elsewhere in tests. */
const placed = (dir: string, { sys }: Roots) => dir.replace(/^\/sys(?=\/)/, () => sys);

/** From the cgroup up to where its hierarchy is mounted. */
function levels(mountpoint: string, dir: string): Pick<CgroupFacts, 'levels' | 'unread'> {
  const made: Record<string, string>[] = [];
  let unread: string | null = null;
  for (let at = dir; ; at = path.dirname(at)) {
    const files: Record<string, string> = {};
    for (const name of LIMIT_FILES) {
      const file = readIfThere(path.join(at, name));
      if (file === null) continue;
      if ('text' in file) files[name] = file.text;
      else unread ??= file.unread;
    }
    made.push(files);
    if (at === mountpoint || at === '/' || !at.startsWith(mountpoint))
      return { levels: made, unread };
  }
}

/** null: it is there. */
function whyMissing(file: string): string | null {
  try {
    lstatSync(file);
    return null;
  } catch (error) {
    return reason(error, file);
  }
}

function cgroups(pid: number, roots: Roots): ProcessFacts['cgroups'] {
  const own = read(path.join(roots.proc, String(pid), 'cgroup'));
  if ('unread' in own) return own;
  const mountinfo = read(path.join(roots.proc, 'self/mountinfo'));
  if ('unread' in mountinfo) return mountinfo;
  const mounts = parseCgroupMounts(mountinfo.text);
  const list = parseMemberships(own.text).map((member): CgroupFacts => {
    const { controllers } = member;
    const version = controllers.length === 0 ? 2 : 1;
    const facts = { version, controllers, path: member.path } as const;
    const mount = mounts.find(({ v2, options, root }) => {
      const same = v2 ? version === 2 : version === 1 && controllers.every((c) => options.has(c));
      return same && (root === '/' || member.path === root || member.path.startsWith(`${root}/`));
    });
    const outside = member.path.split('/').includes('..');
    if (mount === undefined || outside) {
      const unread = `its cgroup ${member.path} is not mounted where sysieve runs`;
      return { ...facts, levels: [], unread };
    }
    const below = mount.root === '/' ? member.path : member.path.slice(mount.root.length);
    const top = placed(mount.mountpoint, roots);
    const dir = path.join(top, below);
    const missing = whyMissing(dir);
    if (missing !== null) return { ...facts, levels: [], unread: missing };
    return { ...facts, ...levels(top, dir) };
  });
  return { list };
}

/** A container can make as many as it likes. */
const NODES = 4096;

function nodesIn(dir: string, shown: string, depth: number, found: DeviceNode[]): void {
  for (const name of readdirSync(dir).slice(0, NODES)) {
    if (found.length >= NODES) return;
    const file = path.join(dir, name);
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const at = `${shown}/${name}`;
    if (stat.isDirectory() && depth > 0) nodesIn(file, at, depth - 1, found);
    if (!stat.isCharacterDevice() && !stat.isBlockDevice()) continue;
    found.push({
      path: at,
      kind: stat.isBlockDevice() ? 'block' : 'char',
      // glibc's makedev
      major: Number(((BigInt(stat.rdev) >> 8n) & 0xfffn) | ((BigInt(stat.rdev) >> 32n) & ~0xfffn)),
      minor: Number((BigInt(stat.rdev) & 0xffn) | ((BigInt(stat.rdev) >> 12n) & 0xffff_ff00n)),
    });
  }
}

function devices(pid: number, { proc }: Roots): ProcessFacts['devices'] {
  const dir = path.join(proc, String(pid), 'root/dev');
  try {
    const stat = lstatSync(dir, { throwIfNoEntry: false });
    if (stat === undefined) return { list: [] };
    if (!stat.isDirectory()) return { unread: '/dev inside is no directory' };
    const list: DeviceNode[] = [];
    nodesIn(dir, '/dev', 2, list);
    return { list };
  } catch (error) {
    return { unread: reason(error, dir) };
  }
}

function startTicks(pid: number, { proc }: Roots): string | null {
  const stat = read(path.join(proc, String(pid), 'stat'));
  if ('unread' in stat) return null;
  // The second field is the command in parentheses and may hold spaces and parentheses itself.
  const fields = stat.text.slice(stat.text.lastIndexOf(')') + 2).split(' ');
  // A zombie has lost what is looked at.
  return /^[ZXx]/.test(fields[0] ?? '') ? null : (fields[19] ?? null);
}

/** Pid 1's mounts, or those where sysieve runs. */
function hostMountinfo({ proc }: Roots): Read {
  const init = read(path.join(proc, '1/mountinfo'));
  return 'text' in init ? init : read(path.join(proc, 'self/mountinfo'));
}

function gone(pid: number): SysieveError {
  return new SysieveError('input', 'process-not-found', `there is no process ${pid}`, {
    remedy: 'Give the id of a running process, as this pid namespace counts.',
  });
}

/** Throws a SysieveError: there is no such process, or it ended while it was read. */
export function readPosture(pid: number, roots: Roots = ROOTS): ProcessFacts {
  const started = startTicks(pid, roots);
  if (started === null) throw gone(pid);
  const at = (name: string) => path.join(roots.proc, String(pid), name);
  const status = read(at('status'));
  if ('unread' in status) throw gone(pid);
  const self = inode(path.join(roots.proc, 'self/ns/pid'));
  const facts: ProcessFacts = {
    pid,
    status: status.text,
    uidMap: read(at('uid_map')),
    gidMap: read(at('gid_map')),
    mountinfo: read(at('mountinfo')),
    label: read(at('attr/current')),
    namespaces: namespaces(pid, roots),
    onHost: 'unread' in self || self.inode === FIRST.pid,
    cgroups: cgroups(pid, roots),
    devices: devices(pid, roots),
    host: {
      status: read(path.join(roots.proc, '1/status')),
      mountinfo: hostMountinfo(roots),
      present: PROTECTED.map((one) => one.path).filter((name) => {
        const root = name.startsWith('/proc') ? roots.proc : roots.sys;
        const file = path.join(root, name.replace(/^\/(?:proc|sys)/, ''));
        return !/ENOENT$/.test(whyMissing(file) ?? '');
      }),
      enforce: readIfThere(path.join(roots.sys, 'fs/selinux/enforce')),
      apparmor: readIfThere(path.join(roots.sys, 'module/apparmor/parameters/enabled')),
    },
  };
  // Another process may have the id by now.
  if (startTicks(pid, roots) !== started) throw gone(pid);
  return facts;
}
