/** Which engine makes containers of our own. */
import { SysieveError } from '../errors';
import { Api } from './api';
import type { ContainerControl } from './control';
import { dockerControl } from './control-docker';
import { podmanControl } from './control-podman';
import { podmanCommandControl } from './control-podman-command';
import { type Candidate, candidates, type FindOptions, noEngine } from './find';
import { API, runPodman } from './podman';
import { connect, identify } from './socket';
import type { Endpoint } from './types';

interface ControlOptions extends FindOptions {
  /** Of two engines, the one that has this image; both having it is an error. */
  image?: string | undefined;
}

/** The engine that is there, by what it says it is. */
export async function controlAt(endpoint: Endpoint): Promise<ContainerControl> {
  if (endpoint.kind === 'cli') return podmanCommandControl(endpoint.path);
  const engine = await identify(endpoint.path);
  const api = new Api(engine, endpoint.path, connect(endpoint.path));
  return engine === 'podman' ? podmanControl(api) : dockerControl(api);
}

async function hasImage(control: ContainerControl, image: string): Promise<boolean> {
  const { endpoint, engine } = control;
  if (endpoint.kind === 'cli') {
    return (await runPodman(endpoint.path, ['image', 'exists', '--', image])).code === 0;
  }
  const api = new Api(engine, endpoint.path, connect(endpoint.path));
  const name = encodeURIComponent(image);
  const path = engine === 'podman' ? `${API}/images/${name}/json` : `/images/${name}/json`;
  return (await api.ask({ method: 'GET', path })).status === 200;
}

/** Those that answer; one that the user named must. */
async function answering(asked: readonly Candidate[]): Promise<ContainerControl[]> {
  const found: ContainerControl[] = [];
  const failures: SysieveError[] = [];
  for (const candidate of asked) {
    try {
      const control = await controlAt(candidate.endpoint);
      // Where Podman stands in on Docker's socket, both candidates are the same engine.
      if (!found.some((c) => c.engine === control.engine)) found.push(control);
    } catch (error) {
      const unanswered = error instanceof SysieveError && error.code === 'engine-unreachable';
      if (!unanswered || candidate.named || asked.length === 1) throw error;
      failures.push(error);
    }
  }
  if (found.length > 0) return found;
  throw new SysieveError('system', 'engine-unreachable', 'no container engine answered', {
    cause: failures.map((f) => `${f.message}: ${f.reason}`).join('; '),
    remedy: failures[0]?.remedy ?? 'Start the engine.',
  });
}

/** The same rules as for finding a container; with `image`, the engine that has it. */
export async function containerControl(options: ControlOptions): Promise<ContainerControl> {
  const asked = candidates(options);
  if (asked.length === 0) throw noEngine(options);
  const found = await answering(asked);
  const [first, second] = found;
  if (first === undefined) throw noEngine(options);
  const { image } = options;
  if (image === undefined || second === undefined) return first;
  const having: ContainerControl[] = [];
  for (const control of found) if (await hasImage(control, image)) having.push(control);
  const [only, other] = having;
  if (other !== undefined) {
    throw new SysieveError('input', 'image-ambiguous', `docker and podman both have "${image}"`, {
      remedy: 'Say which: --engine docker or --engine podman.',
    });
  }
  if (only !== undefined) return only;
  throw new SysieveError('input', 'image-not-found', `no engine has an image "${image}"`, {
    cause: `asked ${found.map((c) => c.engine).join(' and ')}; sysieve pulls nothing`,
    remedy: 'Pull or build it first, with the engine that shall run it.',
  });
}
