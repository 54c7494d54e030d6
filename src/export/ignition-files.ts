/**
 * Profiles as files of an Ignition configuration (coreos/ignition config/v3_2 and v3_4): the
 * contents in a data URL, which is all that the Machine Config Operator takes.
 */
import { gzipSync } from 'node:zlib';
import { kubeletRoot, pathOf } from './kubelet';
import { plainFile } from './plain';
import type { ExportOptions, Profiles } from './types';
import type { PlainObject } from './yaml';

/** Bytes; a profile that minimise makes has a tenth of it. */
const GZIP_ABOVE = 64 * 1024;

/** 0644, in the decimal that JSON has and that every reader of YAML takes for the same. */
const MODE = 420;

const IGNITION_VERSIONS = { '3.2': '3.2.0', '3.4': '3.4.0' } as const;

export function ignitionVersion({ ignition }: ExportOptions): string {
  return IGNITION_VERSIONS[ignition ?? '3.2'];
}

export interface PlacedProfile {
  readonly path: string;
  readonly text: string;
}

export function placedProfiles(
  profiles: Profiles,
  options: ExportOptions,
): { placed: PlacedProfile[]; notes: string[] } {
  const root = kubeletRoot(options);
  const notes: string[] = [];
  const placed = profiles.map((profile) => {
    const made = plainFile(profile, options);
    notes.push(...made.notes);
    return { path: `${root}/${pathOf(profile, options)}`, text: made.text };
  });
  return { placed, notes };
}

function gzip(text: string): Buffer {
  const bytes = gzipSync(text, { level: 9 });
  // The system that compressed it (RFC 1952, OS): unknown, so that the same bytes come of it anywhere.
  bytes[9] = 255;
  return bytes;
}

export function isCompressed({ text }: PlacedProfile, { gzipAbove }: ExportOptions): boolean {
  return Buffer.byteLength(text) > (gzipAbove ?? GZIP_ABOVE);
}

function contents(profile: PlacedProfile, options: ExportOptions): PlainObject {
  if (!isCompressed(profile, options)) {
    const base64 = Buffer.from(profile.text).toString('base64');
    return { source: `data:text/plain;charset=utf-8;base64,${base64}` };
  }
  return {
    compression: 'gzip',
    source: `data:;base64,${gzip(profile.text).toString('base64')}`,
  };
}

/** The whole configuration. */
export function ignitionConfig(
  placed: readonly PlacedProfile[],
  options: ExportOptions,
): PlainObject {
  return {
    ignition: { version: ignitionVersion(options) },
    storage: {
      files: placed.map((profile) => ({
        path: profile.path,
        mode: MODE,
        overwrite: true,
        contents: contents(profile, options),
      })),
    },
  };
}

/** Files that Butane makes the same of, with the profile to be read. */
export function butaneFiles(placed: readonly PlacedProfile[]): PlainObject[] {
  return placed.map(({ path, text }) => ({
    path,
    mode: MODE,
    overwrite: true,
    contents: { inline: text },
  }));
}
