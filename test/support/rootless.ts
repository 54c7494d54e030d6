/** A throw-away user with a podman of its own: storage, socket and containers below one directory. */

import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { type CliResult, endDaemon, plainEnv, runCommand, until, waitForEngine } from './engines';
import { makeRootfs, succeed } from './image-build';

export interface RootlessPodman {
  name: string;
  uid: number;
  dir: string;
  socket: string;
  env: NodeJS.ProcessEnv;
  /** A command as that user. */
  as(env: NodeJS.ProcessEnv, command: string, ...args: string[]): Promise<CliResult>;
  podman(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

const PROJECT = path.join(__dirname, '../..');

/** The directories of a package and all that it needs. */
function packages(name: string, seen = new Set<string>()): string[] {
  const dir = path.join('node_modules', name);
  if (seen.has(dir)) return [];
  seen.add(dir);
  const file = readFileSync(path.join(PROJECT, dir, 'package.json'), 'utf8');
  const { dependencies = {} } = JSON.parse(file) as { dependencies?: Record<string, string> };
  return [dir, ...Object.keys(dependencies).flatMap((needed) => packages(needed, seen))];
}

function processesOfUser(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1');
        return Number(/^Uid:\s*(\d+)/m.exec(status)?.[1]) === uid;
      } catch {
        return false;
      }
    });
}

export async function startRootless(dir: string): Promise<RootlessPodman> {
  const name = `sysieve-test-${process.pid}`;
  // It makes the ranges in /etc/subuid and /etc/subgid as well.
  await succeed('useradd', ['--no-create-home', '--home-dir', dir, name]);
  const uid = Number((await runCommand('id', ['-u', name])).stdout);
  const at = (file: string) => path.join(dir, file);
  const image = at('image.tar');
  await makeRootfs('busybox', at('root'));
  await succeed('tar', ['-C', at('root'), '-cf', image, '.']);
  rmSync(at('root'), { recursive: true });
  // The directory that sysieve is in may be closed to it.
  const parts = ['dist', 'package.json', 'build/Release/sysieve.node', ...packages('dockerode')];
  for (const part of parts) {
    cpSync(path.join(PROJECT, part), path.join(dir, 'sysieve', part), { recursive: true });
  }
  mkdirSync(at('run/podman'), { recursive: true });
  await succeed('chown', ['-R', name, dir]);
  chmodSync(dir, 0o755);
  chmodSync(at('run'), 0o700);
  chownSync(dir, uid, uid);
  const env = {
    ...plainEnv(),
    HOME: dir,
    USER: name,
    XDG_RUNTIME_DIR: at('run'),
    XDG_CONFIG_HOME: at('config'),
    XDG_DATA_HOME: at('data'),
  };
  const identity = ['--reuid', name, '--regid', name, '--init-groups'];
  const as = (env: NodeJS.ProcessEnv, command: string, ...args: string[]) =>
    runCommand('/usr/bin/setpriv', [...identity, command, ...args], env);
  const podman = async (...args: string[]) => {
    const { code, stdout, stderr } = await as(env, 'podman', '--runtime', 'runc', ...args);
    if (code !== 0) throw new Error(`podman ${args.join(' ')}: exit ${code}: ${stderr}`);
    return stdout.trim();
  };
  const socket = at('run/podman/podman.sock');
  const log = openSync(at('podman.log'), 'a');
  const service = spawn(
    'setpriv',
    [
      ...identity,
      ...['--pdeathsig', 'TERM', 'podman', '--runtime', 'runc'],
      ...['system', 'service', '--time=0', `unix://${socket}`],
    ],
    { env, cwd: dir, stdio: ['ignore', log, log] },
  );
  const stop = async () => {
    await as(env, 'podman', 'rm', '-f', '-t', '0', '--all');
    await endDaemon(service);
    // Podman keeps its user namespace by a process that waits.
    for (const pid of processesOfUser(uid)) process.kill(pid, 'SIGTERM');
    await until('the user to have no process', 10_000, () => processesOfUser(uid).length === 0);
    await succeed('userdel', [name]);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await podman('import', image, 'localhost/busybox:latest');
    await waitForEngine(service, at('podman.log'), async () => {
      const asked = await runCommand('podman', ['--url', `unix://${socket}`, 'ps'], plainEnv());
      return asked.code === 0;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, uid, dir, socket, env, as, podman, stop };
}
