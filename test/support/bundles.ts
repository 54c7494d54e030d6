/** OCI bundles run by runc and crun themselves, each with its own state directory and cgroup parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cleanUp, mountEmptyHierarchy } from './engine-cleanup';
import { type CliResult, runCommand } from './engines';
import { makeRootfs } from './image-build';

export interface BundleOptions {
  seccomp?: object;
  noNewPrivileges?: boolean;
  cgroupsPath?: string;
  /** A user namespace whose ids 0 to 65535 are those from here on; below a directory open to them. */
  userNamespace?: number;
}

export interface BundleRuntime {
  name: 'runc' | 'crun';
  /** What --root was given. */
  state: string;
  dir: string;
  run(...args: string[]): Promise<CliResult>;
  /** `runc create`: the entrypoint is not executed before start(). */
  create(id: string, command: readonly string[], options?: BundleOptions): Promise<void>;
  start(id: string): Promise<void>;
  kill(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  stop(): Promise<void>;
}

/** What a filter that denies nothing looks like, so that a start under a filter can be seen. */
export const ALLOW_ALL = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [{ names: ['kexec_load'], action: 'SCMP_ACT_ERRNO' }],
};

interface Spec {
  process: { terminal: boolean; args: readonly string[]; noNewPrivileges: boolean };
  root: { path: string; readonly: boolean };
  mounts: { type: string }[];
  linux: { cgroupsPath: string; seccomp?: object; namespaces: { type: string }[] };
}

function inUserNamespace(spec: Spec, hostID: number): object {
  const mappings = [{ containerID: 0, hostID, size: 65536 }];
  const { linux } = spec;
  return {
    ...spec,
    // Hierarchies may be mounted where others may not look.
    mounts: spec.mounts.filter(({ type }) => type !== 'cgroup'),
    linux: {
      ...linux,
      namespaces: [...linux.namespaces, { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    },
  };
}

export async function startBundles(dir: string, name: 'runc' | 'crun'): Promise<BundleRuntime> {
  mkdirSync(dir, { recursive: true });
  const parent = `sysieve-${path.basename(dir)}`;
  const state = path.join(dir, 'state');
  const root = path.join(dir, 'rootfs');
  if (name === 'crun') await mountEmptyHierarchy(dir);
  await makeRootfs('busybox', root);
  const ids = new Set<string>();
  const children = new Set<ChildProcess>();
  const run = (...args: string[]) => runCommand(name, ['--root', state, ...args]);
  const succeed = async (...args: string[]) => {
    const { code, stderr } = await run(...args);
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${code}: ${stderr}`);
  };
  const remove = async (id: string) => {
    await succeed('delete', '--force', id);
    ids.delete(id);
  };
  return {
    name,
    state,
    dir,
    run,
    async create(id, command, options = {}) {
      const bundle = path.join(dir, `bundle-${id}`);
      mkdirSync(bundle, { recursive: true });
      const config = path.join(bundle, 'config.json');
      const made = await runCommand(name, ['spec', '--bundle', bundle]);
      if (made.code !== 0 && !/exists/.test(made.stderr)) throw new Error(made.stderr);
      const spec = JSON.parse(readFileSync(config, 'utf8')) as Spec;
      spec.process.terminal = false;
      spec.process.args = command;
      spec.process.noNewPrivileges = options.noNewPrivileges ?? false;
      spec.root = { path: root, readonly: false };
      spec.linux.cgroupsPath = options.cgroupsPath ?? `/${parent}/${id}`;
      if (options.seccomp !== undefined) spec.linux.seccomp = options.seccomp;
      const { userNamespace } = options;
      const whole = userNamespace === undefined ? spec : inUserNamespace(spec, userNamespace);
      writeFileSync(config, JSON.stringify(whole));
      // Its streams are the container's: no pipe may be held open by it.
      const child = spawn(name, ['--root', state, 'create', '--bundle', bundle, id], {
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      children.add(child);
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (code !== 0) throw new Error(`${name} create ${id}: exit ${code}`);
      ids.add(id);
    },
    start: (id) => succeed('start', id),
    kill: (id) => succeed('kill', id, 'KILL'),
    remove,
    async stop() {
      for (const id of ids) await remove(id);
      await cleanUp(dir, parent);
    },
  };
}
