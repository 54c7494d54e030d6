/** An engine's default profile as a side of a comparison. */
import type { ProfileSide, Side } from '../diff';
import { type ApiEngineName, localEngineVersion } from '../engines';
import { SysieveError } from '../errors';
import { gatedDefault } from '../profile';

const TITLE: Record<ApiEngineName, string> = { docker: 'Docker', podman: 'Podman' };

/** Which release, and why that one. */
interface Asked {
  version: string | undefined;
  why: string;
}

function asked(engine: ApiEngineName, version: string | undefined, beside: Side | null): Asked {
  if (version !== undefined) return { version, why: '' };
  if (beside !== null && beside.kind !== 'profile' && beside.live.engine?.name === engine) {
    const running = beside.live.engine.version;
    if (running !== null) return { version: running, why: `, which runs ${beside.label}` };
  }
  return { version: undefined, why: ', the newest that sysieve knows' };
}

/**
 * `spec`: default:ENGINE, default:ENGINE@VERSION or default:ENGINE@engine, the version of the engine
 * on this machine. Without a version it is that of the engine of the container `beside` it, or the
 * newest known.
 */
export async function defaultSide(
  spec: string,
  rest: string,
  beside: Side | null,
): Promise<ProfileSide> {
  const at = rest.indexOf('@');
  const engine = at === -1 ? rest : rest.slice(0, at);
  if (engine !== 'docker' && engine !== 'podman') {
    throw new SysieveError('input', 'side-invalid', `${spec}: no default profile of this name`, {
      remedy: 'Give default:docker or default:podman, with @VERSION for another than the newest.',
    });
  }
  let version = at === -1 ? undefined : rest.slice(at + 1);
  if (version === 'engine') version = await localEngineVersion(engine);
  const wanted = asked(engine, version, beside);
  const found = gatedDefault(engine, wanted.version);
  const title = TITLE[engine];
  // Podman's defaults go by the releases of containers/common, which brings them.
  const common = engine === 'podman' && /^0\./.test(found.version);
  const taken = common ? `containers/common ${found.version}` : `${title} ${found.version}`;
  // Repository and tag.
  const origin = found.source.split(' ').slice(0, 2).join(' ');
  const note = found.known
    ? `${spec} is the default of ${taken}${wanted.why} (${origin})`
    : `${spec} is the default of ${taken}, the newest that sysieve knows: that of ${title} ` +
      `${wanted.version}${wanted.why} is not known (${origin})`;
  return {
    kind: 'profile',
    label: spec,
    notes: [note],
    profile: { format: 'gated', value: found.profile },
    engine: { name: engine, version: common ? null : found.version },
    text: null,
    places: () => null,
    evidence: null,
  };
}
