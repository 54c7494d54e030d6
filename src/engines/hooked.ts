/** The cgroups of a container of which a runtime told the id and a process, whichever engine made it. */
import { readFileSync, statSync } from 'node:fs';
import { containerCgroups, parseMemberships } from './cgroups';

/** Directories of the cgroups that the process is in and that are named after the id. */
export function cgroupsOfId(pid: number, id: string): string[] {
  const procCgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const names = parseMemberships(procCgroup)
    .flatMap(({ path }) => path.split('/'))
    .filter((name) => name.includes(id));
  const isDirectory = (path: string): boolean =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  return containerCgroups(procCgroup, mounts, names, isDirectory).map(({ path }) => path);
}
