/** The session of a container: begun between its making and its first instruction, ended after it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { detach, MAX_MEMORY, stopSession } from '../../capture/detached';
import { cgroupsOfId } from '../../engines';
import { SysieveError } from '../../errors';
import type { Run } from '../../recording';
import type { State } from './request';

const CONFIG_BYTES = 16 << 20;

const BundleSchema = z.object({
  linux: z.object({ seccomp: z.object({}).nullish() }).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/** A session's name has fewer letters than an id may have. */
export function sessionOf(id: string): string {
  const plain = /^[0-9a-f]{32,}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
  return `oci-${plain.slice(0, 32)}`;
}

function bundleOf({ bundle }: State): z.infer<typeof BundleSchema> {
  const path = join(bundle, 'config.json');
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > CONFIG_BYTES) throw new Error('it is too long');
    return BundleSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new SysieveError('input', 'hook-bundle', `cannot read ${path}`, {
      cause: (error as Error).message.split('\n')[0] ?? '',
      remedy: 'Call the hook from the runtime: it names the bundle of the container.',
    });
  }
}

/** Podman and CRI-O write who they are, and what they were asked for, into annotations. */
function described(state: State, annotations: Record<string, string>): Run['target'] {
  const manager = annotations['io.container.manager'];
  return {
    kind: 'container',
    engine: manager === 'libpod' ? 'podman' : (manager ?? null),
    name: annotations['io.kubernetes.cri-o.ContainerName'] ?? null,
    id: state.id.slice(0, 256),
    image: annotations['io.kubernetes.cri-o.ImageName'] ?? null,
  };
}

/** Arms on the process that will execute the entrypoint, and on its cgroup. */
export async function startSession(state: State): Promise<string> {
  const { pid, id } = state;
  if (pid === undefined || pid === 0) {
    throw new SysieveError('input', 'hook-stage', 'the container has no process yet', {
      remedy: 'Install the hook for the stages createRuntime and poststop.',
    });
  }
  const { linux, annotations } = bundleOf(state);
  const cgroups = cgroupsOfId(pid, id);
  const { session } = await detach(
    {
      kind: 'start',
      pid,
      cgroups,
      execRule: linux?.seccomp == null ? 'namespace' : 'filter',
      context: {
        attachedLate: null,
        runtime: null,
        target: described(state, annotations ?? state.annotations ?? {}),
        // By descent from its first process alone.
        blindSpots: cgroups.length === 0 ? ['entrants-unseen'] : [],
      },
    },
    { name: sessionOf(id), programs: 'auto', maxMemory: MAX_MEMORY },
  );
  return session.id;
}

/** The session goes when `keep` is done with the run. */
export async function endSession(state: State, keep: (run: Run) => Promise<void>): Promise<void> {
  await stopSession(sessionOf(state.id), keep);
}
