/**
 * Docker's and Podman's own formats to OCI, as the engine resolves their gates in one container. A
 * part of that context that the profile asks for is never assumed.
 */
import { SysieveError } from '../errors';
import {
  type EngineContext,
  type GatedProfile,
  parseGatedProfile,
  resolveGatedProfile,
  unreadFields,
} from '../profile';
import type { Importer, ImportOptions } from './types';

type Engine = EngineContext['engine'];

interface Asks {
  caps: boolean;
  kernel: boolean;
  arch: boolean;
}

/** What an engine looks at to resolve the profile. */
function asks(profile: GatedProfile, engine: Engine): Asks {
  const gates = profile.syscalls.flatMap(({ includes, excludes }) => [includes, excludes]);
  return {
    caps: gates.some(({ caps }) => caps.length > 0),
    kernel: engine === 'docker' && gates.some(({ minKernel }) => minKernel !== undefined),
    arch: profile.archMap.length > 0 || gates.some(({ arches }) => arches.length > 0),
  };
}

const WHAT: Record<keyof Asks, [what: string, remedy: string]> = {
  caps: [
    'which capabilities the container has',
    'Give --caps: names by commas, default (those of Docker), or none.',
  ],
  kernel: ['which kernel it runs on', 'Give --kernel, for example --kernel 5.14.'],
  arch: ['which machine it runs on', 'Give --arch x86_64 or --arch aarch64.'],
};

export function resolveFor(
  engine: Engine,
  profile: GatedProfile,
  source: string,
  options: ImportOptions,
) {
  const asked = asks(profile, engine);
  for (const key of ['arch', 'caps', 'kernel'] as const) {
    if (!asked[key] || options[key] !== undefined) continue;
    const [what, remedy] = WHAT[key];
    throw new SysieveError(
      'input',
      'context-missing',
      `${source}: what it permits depends on ${what}, which no OCI profile can say`,
      { remedy },
    );
  }
  // What is not asked for makes no difference.
  const context: EngineContext = {
    engine,
    engineVersion: options.engineVersion,
    capabilities: options.caps ?? [],
    kernelVersion: options.kernel ?? '6.1',
    architecture: options.arch ?? 'x86_64',
  };
  const unread = unreadFields(profile, context);
  const notes = unread.map((path) => `${source}: ${engine} does not read ${path}`);
  const stated = [
    ...(asked.arch ? [`on ${options.arch}`] : []),
    ...(asked.caps ? [`with ${options.caps?.join(', ') || 'no capability'}`] : []),
    ...(asked.kernel ? [`on Linux ${options.kernel}`] : []),
  ];
  if (stated.length > 0) {
    notes.push(`${source}: as ${engine} reads it ${stated.join(', ')}; elsewhere it differs`);
  }
  return { profile: resolveGatedProfile(profile, context), notes };
}

function importer(engine: Engine): Importer {
  return ([{ text, source }], options) => {
    const made = resolveFor(engine, parseGatedProfile(text, source), source, options);
    return {
      kind: 'profiles',
      profiles: [{ name: null, profile: made.profile }],
      notes: made.notes,
    };
  };
}

export const docker = importer('docker');
export const podman = importer('podman');
