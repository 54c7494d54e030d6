/** Containers of our own in Podman where no service listens: by its command. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { imageMissing, Lines, nameTaken, noContainer, refused, Tail, WORK_MS } from './api';
import type { ContainerControl, ContainerSpec } from './control';
import { parseJson, runPodman } from './podman';
import { IMAGE_UNKNOWN, NAME_IN_USE, podmanImageVolumes, podmanSeccomp } from './podman-spec';
import { parsePort, parseTmpfs } from './ports';
import { withProfileFile } from './profile-file';
import { unexpectedAnswer } from './socket';
import { parseInspected, specOfInspected } from './spec';

const GONE = /no such container|no container with/i;
const ENDED = /not running|state improper|container has already stopped/i;
const KILLED_MS = 20_000;
/** All files of an image are written once. */
const EXPORT_MS = 600_000;

function volume({ source, target, readOnly }: ContainerSpec['volumes'][number]): string {
  if (!source.includes(':') && !target.includes(':')) {
    return `${source}:${target}${readOnly ? ':ro' : ''}`;
  }
  throw new SysieveError('input', 'volume-unsupported', `podman takes no ":" in "${source}"`, {
    cause: 'its command separates source, target and options by it',
    remedy:
      "Rename the path, or start 'podman system service' and name its socket in CONTAINER_HOST.",
  });
}

function createArguments(spec: ContainerSpec, profile: string | null): string[] {
  const flag = (name: string, value: string | null) => (value === null ? [] : [name, value]);
  const each = (name: string, values: readonly string[]) => values.flatMap((v) => [name, v]);
  const pairs = (map: Readonly<Record<string, string>>) =>
    Object.entries(map).map(([name, value]) => `${name}=${value}`);
  return [
    ...(spec.runtime === null ? [] : ['--runtime', spec.runtime]),
    ...['create', '--pull', 'never', '--name', spec.name],
    ...flag('--entrypoint', spec.entrypoint === null ? null : JSON.stringify(spec.entrypoint)),
    ...each('--env', pairs(spec.env)),
    ...each('--label', pairs(spec.labels)),
    ...flag('--network', spec.network),
    ...each(
      '--publish',
      spec.ports.map(parsePort).map((p) => {
        const at = p.address === '' ? '' : `${p.address}:`;
        return `${at}${p.host}:${p.container}/${p.protocol}`;
      }),
    ),
    ...each('--volume', spec.volumes.map(volume)),
    ...each(
      '--tmpfs',
      spec.tmpfs
        .map(parseTmpfs)
        .map((t) => (t.options === '' ? t.target : `${t.target}:${t.options}`)),
    ),
    ...flag('--user', spec.user),
    ...flag('--workdir', spec.workdir),
    ...flag('--hostname', spec.hostname),
    ...each('--cap-add', spec.capAdd),
    ...each('--cap-drop', spec.capDrop),
    // Podman would add writable directories that Docker and its own API do not.
    ...(spec.readOnlyRoot ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...(spec.noNewPrivileges ? ['--security-opt', 'no-new-privileges'] : []),
    ...flag('--shm-size', spec.shmSize === null ? null : `${spec.shmSize}b`),
    ...each(
      '--ulimit',
      Object.entries(spec.ulimits).map(([name, { soft, hard }]) => `${name}=${soft}:${hard}`),
    ),
    ...flag('--cgroup-parent', spec.cgroupParent),
    ...(profile === null ? [] : ['--security-opt', `seccomp=${profile}`]),
    ...['--', spec.image, ...(spec.command ?? [])],
  ];
}

/** The command's output as it comes, until it ends or the signal does it; its exit status. */
async function follow(
  command: string,
  args: readonly string[],
  take: (chunk: Buffer, from: 'stdout' | 'stderr') => void,
  signal: AbortSignal,
): Promise<number> {
  const child = spawn(command, [...args], {
    env: process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  child.stdout.on('data', (chunk: Buffer) => take(chunk, 'stdout'));
  child.stderr.on('data', (chunk: Buffer) => take(chunk, 'stderr'));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    return code ?? 255;
  } catch (error) {
    signal.throwIfAborted();
    throw new SysieveError('system', 'engine-unreachable', `cannot run ${command}`, {
      cause: (error as Error).message,
      remedy: "Check that podman works: 'podman ps'.",
    });
  }
}

const Listed = z.array(
  z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
);

export function podmanCommandControl(command: string): ContainerControl {
  const run = (args: string[], timeoutMs = WORK_MS) => runPodman(command, args, { timeoutMs });

  const waitFor = async (id: string, signal: AbortSignal): Promise<number> => {
    const { code, stdout, stderr } = await runPodman(command, ['wait', '--', id], {
      timeoutMs: 0,
      signal,
    });
    if (GONE.test(stderr)) throw noContainer('podman', id);
    if (code !== 0 || !/^-?\d+\s*$/.test(stdout)) throw refused('podman', 'read', id, stderr);
    return Number(stdout);
  };

  const endedWithin = async (id: string, ms: number): Promise<boolean> => {
    const limit = AbortSignal.timeout(Math.max(ms, 1));
    try {
      await waitFor(id, limit);
      return true;
    } catch (error) {
      if (error instanceof SysieveError && error.code === 'container-not-found') return true;
      if (limit.aborted) return false;
      throw error;
    }
  };

  const kill = async (id: string, signal: string): Promise<void> => {
    const { code, stderr } = await run(['kill', '--signal', signal, '--', id]);
    if (code !== 0 && !GONE.test(stderr) && !ENDED.test(stderr)) {
      throw refused('podman', 'stopped', id, stderr);
    }
  };

  return {
    engine: 'podman',
    endpoint: { kind: 'cli', path: command },
    create: (spec) =>
      withProfileFile(spec.seccomp, async (profile) => {
        const { code, stdout, stderr } = await run(createArguments(spec, profile));
        if (code !== 0 && IMAGE_UNKNOWN.test(stderr)) throw imageMissing('podman', spec.image);
        if (code !== 0 && NAME_IN_USE.test(stderr)) throw nameTaken('podman', spec.name);
        const id = /^([0-9a-f]{64})$/m.exec(stdout)?.[1];
        if (code !== 0 || id === undefined) throw refused('podman', 'created', spec.name, stderr);
        return id;
      }),
    async specOf(container) {
      const args = ['inspect', '--type', 'container', '--format', 'json', '--', container];
      const { code, stdout, stderr } = await run(args);
      if (code !== 0 && GONE.test(stderr)) throw noContainer('podman', container);
      if (code !== 0) throw refused('podman', 'read', container, stderr);
      const parsed = parseInspected((parseJson(command, stdout) as unknown[])[0]);
      if (!parsed.success) throw unexpectedAnswer('podman', command, parsed.error);
      const image = await run(['image', 'inspect', '--format', 'json', '--', parsed.data.Image]);
      const volumes =
        image.code === 0
          ? podmanImageVolumes((parseJson(command, image.stdout) as unknown[])[0])
          : [];
      return specOfInspected('podman', parsed.data, volumes, await podmanSeccomp(parsed.data));
    },
    async start(id) {
      const { code, stderr } = await run(['start', '--', id]);
      if (code === 0) return;
      if (GONE.test(stderr)) throw noContainer('podman', id);
      throw refused('podman', 'started', id, stderr);
    },
    wait: waitFor,
    async stop(id, { signal, timeoutMs }) {
      if (signal === null) {
        const seconds = Math.ceil(timeoutMs / 1000);
        const args = ['stop', '--time', String(seconds), '--', id];
        const { code, stderr } = await run(args, seconds * 1000 + KILLED_MS);
        if (code !== 0 && !GONE.test(stderr) && !ENDED.test(stderr)) {
          throw refused('podman', 'stopped', id, stderr);
        }
        return;
      }
      await kill(id, signal);
      if (await endedWithin(id, timeoutMs)) return;
      await kill(id, 'KILL');
      if (await endedWithin(id, KILLED_MS)) return;
      throw refused('podman', 'stopped', id, `it still runs ${KILLED_MS / 1000} s after SIGKILL`);
    },
    async remove(id) {
      const { code, stderr } = await run(['rm', '--force', '--time', '0', '--volumes', '--', id]);
      if (code !== 0 && !GONE.test(stderr)) throw refused('podman', 'removed', id, stderr);
    },
    async exec(id, argv, { env, signal }) {
      const output = new Tail();
      let said = '';
      const named = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
      const status = await follow(
        command,
        ['exec', ...named, '--', id, ...argv],
        (chunk, from) => {
          output.add(chunk);
          if (from === 'stderr') said = (said + chunk.toString('utf8')).slice(-4096);
        },
        signal,
      );
      // The command's own failure has a status that the program may have as well.
      const last = said.trim().split('\n').at(-1) ?? '';
      if ((status === 125 || status === 255) && /^Error: /.test(last)) {
        if (GONE.test(last)) throw noContainer('podman', id);
        if (ENDED.test(last)) throw refused('podman', 'entered', id, last);
      }
      return { status, output: output.text() };
    },
    async logs(id, onLine, signal) {
      if (signal.aborted) return;
      const lines = { stdout: new Lines(onLine), stderr: new Lines(onLine) };
      const take = (chunk: Buffer, from: 'stdout' | 'stderr') => lines[from].add(chunk);
      try {
        const status = await follow(command, ['logs', '--follow', '--', id], take, signal);
        if (status !== 0) throw refused('podman', 'read', id, `podman logs: exit ${status}`);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      lines.stdout.end();
      lines.stderr.end();
    },
    async files(id, take) {
      // It opens its output by name, which a socket, as a child's output is here, does not let it.
      const directory = await mkdtemp(join(tmpdir(), 'sysieve-export-'));
      try {
        const archive = join(directory, 'files.tar');
        const { code, stderr } = await run(['export', '--output', archive, '--', id], EXPORT_MS);
        if (code !== 0 && GONE.test(stderr)) throw noContainer('podman', id);
        if (code !== 0) throw refused('podman', 'read', id, stderr);
        await take(createReadStream(archive));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
    async labelled(label, value) {
      const wanted = value === null ? label : `${label}=${value}`;
      const args = ['ps', '--all', '--no-trunc', '--filter', `label=${wanted}`, '--format', 'json'];
      const { code, stdout, stderr } = await run(args);
      if (code !== 0) throw refused('podman', 'read', wanted, stderr);
      const parsed = Listed.safeParse(parseJson(command, stdout));
      if (!parsed.success) throw unexpectedAnswer('podman', command, parsed.error);
      return parsed.data.map(({ Id, Labels }) => ({ id: Id, labels: Labels ?? {} }));
    },
  };
}
