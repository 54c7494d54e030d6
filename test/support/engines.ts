/**
 * Private container engines for tests: each with its own data, sockets, configuration and cgroup
 * parent below one directory, without bridge or iptables, ended by pid, with nothing left behind.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, openSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUp, mountEmptyHierarchy, processesOf } from './engine-cleanup';

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestEngine {
  name: 'docker' | 'podman';
  runtime: 'runc' | 'crun';
  dir: string;
  socket: string;
  /** For the engine's command and for sysieve, to reach this engine and no other. */
  env: NodeJS.ProcessEnv;
  /** The engine's command with these arguments; rejects unless it exits 0. */
  cli(...args: string[]): Promise<string>;
  /** The same, whatever its status. */
  tryCli(...args: string[]): Promise<CliResult>;
  /** What every `run` and `create` here needs. */
  createArgs: string[];
  /** Ends what listens on the socket, and nothing else. */
  endService(): Promise<void>;
  /** Ends every container and the engine. */
  stop(): Promise<void>;
}

const START_MS = 30_000;
const STOP_MS = 30_000;

export function runCommand(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });
}

export async function until(
  what: string,
  ms: number,
  ready: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await ready())) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(50);
  }
}

/** A daemon that ends with the test process, even when that is killed. */
export function startDaemon(dir: string, name: string, args: string[], env: NodeJS.ProcessEnv) {
  const log = openSync(path.join(dir, `${name}.log`), 'a');
  return spawn('setpriv', ['--pdeathsig', 'TERM', name, ...args], {
    env,
    stdio: ['ignore', log, log],
  });
}

export async function endDaemon(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(late);
  if (child.signalCode === 'SIGKILL') throw new Error(`daemon ${child.pid} did not end by SIGTERM`);
}

function commands(command: string, env: NodeJS.ProcessEnv) {
  const tryCli = (...args: string[]) => runCommand(command, args, env);
  const cli = async (...args: string[]) => {
    const { code, stdout, stderr } = await tryCli(...args);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}: ${stderr}`);
    return stdout.trim();
  };
  return { cli, tryCli };
}

/** The environment without anything that points at another engine. */
export function plainEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(DOCKER|CONTAINER|CONTAINERS|PODMAN)_/.test(name)) delete env[name];
  }
  return env;
}

export async function waitForEngine(
  child: ChildProcess,
  log: string,
  ready: () => Promise<boolean>,
) {
  await until(`the engine that logs to ${log}`, START_MS, async () => {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}; see ${log}`);
    return ready();
  });
}

/** Podman's service keeps the monitor of an exec by its API for five minutes after its end. */
function endExecSessions(dir: string): void {
  for (const line of processesOf(dir)) {
    const [pid, command = ''] = line.split(' ');
    if (command.endsWith('conmon') && line.includes('--exec-attach')) {
      process.kill(Number(pid), 'SIGKILL');
    }
  }
}

const cgroupParent = (dir: string) => `sysieve-${path.basename(dir)}`;

export async function startDocker(dir: string): Promise<TestEngine> {
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => path.join(dir, name);
  const containerdConfig = at('containerd.toml');
  writeFileSync(
    containerdConfig,
    `version = 2
root = "${at('containerd-root')}"
state = "${at('containerd-state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${at('containerd.sock')}"
[ttrpc]
address = "${at('containerd.ttrpc')}"
`,
  );
  writeFileSync(at('daemon.json'), '{}\n');
  const socket = at('docker.sock');
  const env = { ...plainEnv(), DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: at('client') };
  const { cli, tryCli } = commands('docker', env);
  const containerd = startDaemon(dir, 'containerd', ['--config', containerdConfig], env);
  const docker = startDaemon(
    dir,
    'dockerd',
    [
      ...['--config-file', at('daemon.json'), '--containerd', at('containerd.sock')],
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')],
      ...['-H', `unix://${socket}`, '--cgroup-parent', `/${cgroupParent(dir)}`],
      ...['--bridge=none', '--iptables=false', '--ip6tables=false'],
    ],
    env,
  );
  const stop = async () => {
    const all = (await tryCli('ps', '-aq')).stdout.split('\n').filter((id) => id !== '');
    if (all.length > 0) await tryCli('rm', '-f', ...all);
    await endDaemon(docker);
    await endDaemon(containerd);
    await cleanUp(dir, cgroupParent(dir));
  };
  try {
    // dockerd itself waits for its containerd.
    await waitForEngine(docker, at('dockerd.log'), async () => (await tryCli('ps')).code === 0);
  } catch (error) {
    await stop();
    throw error;
  }
  const endService = () => endDaemon(docker);
  const engine = { dir, socket, env, cli, tryCli, createArgs: [], endService, stop };
  return { name: 'docker', runtime: 'runc', ...engine };
}

const OVERLAYFS_MAGIC = 0x794c7630;

export async function startPodman(dir: string, runtime: 'runc' | 'crun'): Promise<TestEngine> {
  mkdirSync(dir, { recursive: true });
  const at = (name: string) => path.join(dir, name);
  // Overlay does not stack on overlay.
  const driver = statfsSync(dir).type === OVERLAYFS_MAGIC ? 'vfs' : 'overlay';
  writeFileSync(
    at('storage.conf'),
    `[storage]\ndriver = "${driver}"\ngraphroot = "${at('data')}"\nrunroot = "${at('run')}"\n`,
  );
  writeFileSync(
    at('containers.conf'),
    `[engine]
runtime = "${runtime}"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${at('tmp')}"
volume_path = "${at('volumes')}"
[network]
network_config_dir = "${at('networks')}"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
`,
  );
  const socket = at('podman.sock');
  const env: NodeJS.ProcessEnv = {
    ...plainEnv(),
    CONTAINERS_CONF: at('containers.conf'),
    CONTAINERS_STORAGE_CONF: at('storage.conf'),
  };
  const { cli, tryCli } = commands('podman', env);
  if (runtime === 'crun') {
    // Every runtime on this machine looks at what is mounted, those of other users too.
    chmodSync(dir, 0o711);
    await mountEmptyHierarchy(dir).catch(async (error: unknown) => {
      await cleanUp(dir, cgroupParent(dir));
      throw error;
    });
  }
  const args = ['system', 'service', '--time=0', `unix://${socket}`];
  const service = startDaemon(dir, 'podman', args, env);
  const stop = async () => {
    await tryCli('rm', '-f', '-t', '0', '--depend', '--all');
    await endDaemon(service);
    endExecSessions(dir);
    await cleanUp(dir, cgroupParent(dir));
  };
  try {
    const ask = () => runCommand('podman', ['--url', `unix://${socket}`, 'ps'], env);
    await waitForEngine(service, at('podman.log'), async () => (await ask()).code === 0);
  } catch (error) {
    await stop();
    throw error;
  }
  const createArgs = ['--cgroup-parent', `/${cgroupParent(dir)}`];
  const endService = () => endDaemon(service);
  const engine = { dir, socket, env, cli, tryCli, createArgs, endService, stop };
  return { name: 'podman', runtime, ...engine };
}
