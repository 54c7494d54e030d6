/** An engine's default profile as a side of a comparison. */
import { defaultOf } from '../api/side';
import type { ProfileSide, Side } from '../diff';
import { type ApiEngineName, localEngineVersion } from '../engines';
import { SysieveError } from '../errors';

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
  return defaultOf(engine, wanted.version, { label: spec, why: wanted.why });
}
