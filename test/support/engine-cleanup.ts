/** What an engine leaves behind when it ends: mounts, cgroups, processes. Found, and removed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { parseCgroupMounts } from '../../src/engines/cgroups';
import { runCommand, until } from './engines';

const EMPTY_HIERARCHY = 'cgroup-hugetlb';

/** Where v1 and v2 are mounted side by side. */
function cgroupRoots(): { v1: boolean; v2: string | null; all: string[] } {
  const mounts = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  return {
    v1: mounts.some((m) => !m.v2),
    v2: mounts.find((m) => m.v2)?.mountpoint ?? null,
    all: mounts.map((m) => m.mountpoint),
  };
}

/**
 * crun refuses a hybrid host whose v2 tree holds a controller. The one that v2 holds by default
 * there is hugetlb, so it is bound to a v1 hierarchy of its own as long as the engine runs.
 */
export async function mountEmptyHierarchy(dir: string): Promise<void> {
  const { v1, v2 } = cgroupRoots();
  if (!v1 || v2 === null) return;
  const held = readFileSync(path.join(v2, 'cgroup.controllers'), 'utf8').trim();
  if (held !== '' && held !== 'hugetlb') {
    throw new Error(`the v2 tree holds "${held}"; crun needs it empty`);
  }
  // Also when it is bound already: whoever bound it may end before this engine does.
  if (!/^hugetlb\s/m.test(readFileSync('/proc/cgroups', 'utf8'))) return;
  const target = path.join(dir, EMPTY_HIERARCHY);
  mkdirSync(target, { recursive: true });
  const args = ['-t', 'cgroup', '-o', 'hugetlb', 'hugetlb', target];
  let refusal = '';
  const mounted = async () => {
    const { code, stderr } = await runCommand('mount', args);
    refusal = stderr.trim();
    if (code !== 0) releaseHugetlb(v2);
    return code === 0;
  };
  await until(`mount ${args.join(' ')}`, 10_000, mounted).catch((error: Error) => {
    throw new Error(`${error.message}: ${refusal}`);
  });
}

/** A run in a v2-only namespace leaves the controller switched on for the children it had. */
function releaseHugetlb(v2: string): void {
  const children = readdirSync(v2, { withFileTypes: true }).filter((e) => e.isDirectory());
  if (children.length === 0) writeFileSync(path.join(v2, 'cgroup.subtree_control'), '-hugetlb');
}

export function mountsBelow(dir: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mountpoint) => mountpoint.startsWith(`${dir}/`));
}

export function processesOf(dir: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      if (command.includes(`${dir}/`) && Number(pid) !== process.pid)
        found.push(`${pid} ${command}`);
    } catch {
      // Ended while we looked.
    }
  }
  return found;
}

export function cgroupsNamed(name: string): string[] {
  return cgroupRoots()
    .all.map((root) => path.join(root, name))
    .filter((dir) => existsSync(dir));
}

/** Children first: a cgroup with children cannot be removed. */
function removeCgroup(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(path.join(dir, entry.name));
  }
  rmdirSync(dir);
}

/** After the engine has ended. A process that lives on is an error, not something to kill. */
export async function cleanUp(dir: string, cgroupParent: string): Promise<void> {
  await until(`the processes of ${dir} to end`, 10_000, () => processesOf(dir).length === 0);
  // A process past its end is in its cgroup until it is reaped, and in no list any more.
  await until(`the cgroups of ${dir} to be empty`, 10_000, () => {
    try {
      for (const cgroup of cgroupsNamed(cgroupParent)) removeCgroup(cgroup);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      throw error;
    }
  });
  for (const mountpoint of mountsBelow(dir).reverse()) {
    const { code, stderr } = await runCommand('umount', [mountpoint]);
    if (code !== 0) throw new Error(`umount ${mountpoint}: ${stderr}`);
  }
  rmSync(dir, { recursive: true, force: true });
}
