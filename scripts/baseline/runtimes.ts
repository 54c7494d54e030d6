/** The runtimes to measure, and a place of their own to run each in. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { companion, endCompanion, outcomeOf, run } from './process';

export interface Runtime {
  name: 'runc' | 'crun';
  version: string;
  /** The file system it was unpacked into; null: the one installed here. */
  root: string | null;
}

const NAMES = ['runc', 'crun'] as const;

/** The unpacked ones, as scripts/fetch-runtimes left them. */
export function unpackedRuntimes(directory: string): Runtime[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((entry) => existsSync(join(directory, entry, 'packages')))
    .sort()
    .flatMap((entry) => {
      const name = NAMES.find((known) => entry.startsWith(`${known}-`));
      if (name === undefined) return [];
      const root = join(directory, entry, 'root');
      return [{ name, version: entry.slice(name.length + 1), root }];
    });
}

export async function installedRuntimes(): Promise<Runtime[]> {
  const found: Runtime[] = [];
  for (const name of NAMES) {
    const outcome = await outcomeOf([name, '--version']).catch(() => null);
    if (outcome?.code === 0) found.push({ name, version: versionIn(outcome.output), root: null });
  }
  return found;
}

/** "runc version 1.1.5+ds1" is 1.1.5: the rest is the distribution's packaging. */
function versionIn(output: string): string {
  const version = /\bversion (\d+(?:\.\d+)*)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`no version in: ${output.trim()}`);
  return version;
}

/** Into the cgroup $1, to see it as the root of the tree; the rest is the command to go on with. */
const ENTER_CGROUP = 'echo $$ > "$1/cgroup.procs" && shift && exec unshare --cgroup "$@"';

/**
 * Mounts for $1 (the root), $2 (the work directory, seen under the same path in there). The root is
 * pivoted to, not only changed: exec's setns leads to the root of the mount namespace. From there
 * on the shell has nothing but its builtins; it ends when its input does.
 */
const SET_UP = `
set -e
root=$1 work=$2
mount_cgroups() { mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"; }
if [ "$root" = / ]; then
  mount_cgroups ""
else
  mount --bind "$root" "$root"
  mount --rbind /proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --bind /sys "$root/sys"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mount_cgroups "$root"
  mkdir -p "$root$work" "$root/run/host"
  mount --bind "$work" "$root$work"
  cd "$root"
  pivot_root . run/host
fi
echo ready
read -r _ || exit 0
`;

/**
 * A private mount namespace in which one runtime sees its own libraries and, of the cgroups, one in
 * the v2 tree as if that were all. crun refuses a v2 tree with controllers beside v1 hierarchies,
 * and what a runtime switches on in that cgroup leaves the host's tree as it was.
 */
export class Sandbox {
  private constructor(
    private readonly runtime: Runtime,
    private readonly work: string,
    private readonly holder: ChildProcess,
  ) {}

  /** `cgroup`: a directory of the v2 tree, in which nothing runs. */
  static async open(runtime: Runtime, work: string, cgroup: string): Promise<Sandbox> {
    const root = runtime.root ?? '/';
    const unshare = ['--mount', '--propagation', 'private', '/bin/sh', '-c', SET_UP];
    const arguments_ = [cgroup, ...unshare, 'sandbox', root, work];
    const holder = await companion(['/bin/sh', '-c', ENTER_CGROUP, 'enter', ...arguments_]);
    // Out again: it is no part of what is recorded there.
    writeFileSync(join(cgroup, '..', 'cgroup.procs'), String(holder.pid));
    const sandbox = new Sandbox(runtime, work, holder);
    const version = versionIn(await sandbox.call('--version'));
    if (version === runtime.version) return sandbox;
    await sandbox.close();
    throw new Error(`${runtime.name} ${runtime.version} says that it is ${version}`);
  }

  /** The runtime's command with these arguments; rejects unless it exits 0. */
  call(...args: string[]): Promise<string> {
    return run(this.argv(args));
  }

  /** What that runs. */
  argv(args: readonly string[]): string[] {
    const state = ['--root', join(this.work, 'state')];
    const namespaces = ['mnt', 'cgroup'].map((ns) => `/proc/${this.holder.pid}/ns/${ns}`);
    const enter = ['nsenter', `--mount=${namespaces[0]}`, `--cgroup=${namespaces[1]}`, '--'];
    return [...enter, this.runtime.name, ...state, ...args];
  }

  close(): Promise<void> {
    return endCompanion(this.holder);
  }
}
