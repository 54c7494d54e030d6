/** Sides of a comparison from text, without the command line. */
import type { ProfileSide } from '../../src/diff';
import { locate, place } from '../../src/json';
import { type Evidence, parseGatedProfile, parseProfile } from '../../src/profile';

interface Options {
  label?: string;
  gated?: boolean;
  engine?: ProfileSide['engine'];
  evidence?: Evidence;
}

/** As written with JSON.stringify, but for u64 values given as bigint. */
export function json(value: unknown): string {
  const marked = JSON.stringify(
    value,
    (_key, inner) => (typeof inner === 'bigint' ? `bigint:${inner}` : inner),
    2,
  );
  return marked.replace(/"bigint:(\d+)"/g, '$1');
}

export function sideOf(profile: unknown, options: Options = {}): ProfileSide {
  const text = typeof profile === 'string' ? profile : json(profile);
  const label = options.label ?? 'app.json';
  return {
    kind: 'profile',
    label,
    notes: [],
    text,
    profile: options.gated
      ? { format: 'gated', value: parseGatedProfile(text, label) }
      : { format: 'oci', value: parseProfile(text, label) },
    engine: options.engine ?? null,
    evidence: options.evidence ?? null,
    places: (path) => {
      const [, line, column] = /:(\d+):(\d+)$/.exec(place(label, text, locate(text, path))) ?? [];
      return { file: label, line: Number(line), column: Number(column) };
    },
  };
}
