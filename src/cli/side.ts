/**
 * What users name on either side of a comparison: a file, '-', REV:PATH, container:NAME, pid:N or
 * default:ENGINE[@VERSION].
 */
import { stat } from 'node:fs/promises';
import type { ProfileSide, Side } from '../diff';
import type { EngineChoice } from '../engines';
import { SysieveError } from '../errors';
import { evidenceBeside, evidencePath, readFromGit, readTextFile, sourceName } from '../io';
import { stdinTwice } from './streams';

export interface SideOptions {
  engine?: EngineChoice;
  /** Read the evidence beside a profile; true unless said. */
  evidence?: boolean;
  /** Read a SeccompProfile without the base profile that it names. */
  withoutBase?: boolean;
  /** The other side, where that decides what this one is: a default's version. */
  beside?: Side | null;
}

/** For the help of the commands that take sides. */
export const SIDES = `file, '-' (standard input), REV:PATH (git), container:NAME, pod:NS/NAME[/CONTAINER], pid:N, default:docker[@VERSION] or default:podman[@VERSION]`;

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // What is there and cannot be read must not be taken for something else.
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code);
  }
}

function withNotes(side: ProfileSide, notes: readonly string[]): ProfileSide {
  return notes.length === 0 ? side : { ...side, notes: [...side.notes, ...notes] };
}

async function fileSide(
  spec: string,
  options: SideOptions,
  notes: readonly string[],
): Promise<ProfileSide> {
  const { profileSide } = await import('./profile-side.js');
  const text = await readTextFile(spec);
  const side = await profileSide({
    label: sourceName(spec),
    text,
    source: sourceName(spec),
    path: spec,
    evidence: spec === '-' || options.evidence === false ? null : await evidenceBeside(spec),
    withoutBase: options.withoutBase === true,
  });
  return withNotes(side, notes);
}

async function gitSide(spec: string, options: SideOptions): Promise<ProfileSide> {
  const { profileSide } = await import('./profile-side.js');
  const evidence = evidencePath(spec);
  const specs = options.evidence === false ? [spec] : [spec, evidence];
  const [text, evidenceText] = await readFromGit(specs);
  return profileSide({
    label: spec,
    text: text as string,
    source: spec,
    path: spec,
    evidence: evidenceText == null ? null : { text: evidenceText, source: evidence },
    withoutBase: options.withoutBase === true,
  });
}

/** Throws a SysieveError that names `spec` for everything that cannot be read. */
export async function loadSide(spec: string, options: SideOptions = {}): Promise<Side> {
  if (spec === '' || spec.includes('\0')) {
    const what = spec === '' ? 'an empty name' : `${JSON.stringify(spec)} names nothing`;
    throw new SysieveError('input', 'side-invalid', `${what} to compare`, {
      remedy: `Give a ${SIDES}.`,
    });
  }
  if (spec === '-') return fileSide(spec, options, []);
  const [, kind, rest = ''] = /^(container|pod|pid|default):(.*)$/s.exec(spec) ?? [];
  if (kind === 'container') {
    const { containerSide } = await import('./live-side.js');
    return containerSide(spec, rest, options.engine ?? 'auto');
  }
  if (kind === 'pod') {
    const { containerSide } = await import('./live-side.js');
    return containerSide(spec, rest, 'cri');
  }
  if (kind === 'pid') {
    const { processSide } = await import('./live-side.js');
    return processSide(spec, rest);
  }
  if (kind === 'default') {
    const { defaultSide } = await import('./default-side.js');
    return defaultSide(spec, rest, options.beside ?? null);
  }
  if (!spec.includes(':')) return fileSide(spec, options, []);
  if (!(await exists(spec))) return gitSide(spec, options);
  const plain = /^(?:\.{0,2}\/)/.test(spec);
  const note = `${spec} is the file of that name; nothing was asked of git`;
  return fileSide(spec, options, plain ? [] : [note]);
}

const isDefault = (spec: string) => spec.startsWith('default:');

/** Both sides of a comparison; a default without a version is that of the container beside it. */
export async function loadSides(
  before: string,
  after: string,
  options: Omit<SideOptions, 'beside'> = {},
): Promise<[Side, Side]> {
  if (before === '-' && after === '-') {
    throw stdinTwice();
  }
  if (isDefault(before)) {
    const other = await loadSide(after, options);
    return [await loadSide(before, { ...options, beside: other }), other];
  }
  const first = await loadSide(before, options);
  return [first, await loadSide(after, { ...options, beside: first })];
}
