/** Profiles as files in something larger: which of its files they are, and what they say there. */
import { SysieveError } from '../errors';
import { readDocument } from '../json';
import { parseEitherProfile } from '../profile';
import { resolveFor } from './gated';
import type { Imported, ImportedProfile, ImportOptions } from './types';

/** A file of a configuration; `text` is asked for only where it is taken for a profile. */
export interface ContainedFile {
  readonly path: string;
  readonly text: () => string;
}

/** Below kubelet's, Podman's or CRI-O's directory of profiles, wherever that lies. */
const PROFILE = /(?:^|\/)seccomp\/(.+\.json)$/;

function nameOf(path: string): string {
  return PROFILE.exec(path)?.[1] ?? path.split('/').at(-1) ?? path;
}

function isAsked(path: string, asked: string): boolean {
  return [path, nameOf(path), nameOf(path).replace(/\.json$/, '')].includes(asked);
}

const SHOWN = 3;

function others(files: readonly ContainedFile[]): string {
  const shown = files.slice(0, SHOWN).map(({ path }) => JSON.stringify(path));
  return `${shown.join(', ')}${files.length > SHOWN ? ' and others' : ''}`;
}

/**
 * CRI-O, which is what reads such files on OpenShift, resolves gates as Podman does. Throws where there
 * is no profile.
 */
export function placedProfiles(
  files: readonly ContainedFile[],
  source: string,
  options: ImportOptions,
): Imported {
  const { profile: asked } = options;
  const chosen = files.filter(({ path }) =>
    asked === undefined ? PROFILE.test(path) : isAsked(path, asked),
  );
  if (chosen.length === 0) {
    const none =
      asked === undefined
        ? 'no file of it lies in a directory named seccomp and ends with .json'
        : `no file of it is named ${JSON.stringify(asked)}`;
    throw new SysieveError('input', 'profile-none', `${source}: ${none}`, {
      ...(files.length === 0
        ? {}
        : { remedy: `Name one with --profile; there are ${others(files)}.` }),
    });
  }
  const notes: string[] = [];
  const profiles = chosen.map((file): ImportedProfile => {
    const within = `${source}: ${file.path}`;
    const parsed = parseEitherProfile(readDocument('profile', file.text(), within));
    if (parsed.format === 'oci') return { name: nameOf(file.path), profile: parsed.value };
    const made = resolveFor('podman', parsed.value, within, options);
    notes.push(...made.notes);
    return { name: nameOf(file.path), profile: made.profile };
  });
  const left = files.filter((file) => !chosen.includes(file));
  if (left.length > 0) notes.push(`${source}: not looked into: ${others(left)}`);
  return { kind: 'profiles', profiles, notes };
}
