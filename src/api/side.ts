/** What a program gives for a profile, as a side of a comparison. */
import type { ProfileSide } from '../diff';
import { readDocument } from '../json';
import { gatedDefault, parseEitherProfile } from '../profile';
import { type Machine, machineOfArchitectures } from '../tables';
import { placesIn } from './places';
import { type Profile, type ProfileInput, type ProfileText, stored } from './profile';

export type ReadSide = ProfileSide & { readonly machine: Machine };

/** Throws a SysieveError with a place for text that is no profile. */
export function sideOf(input: ProfileInput, label = 'profile'): ReadSide {
  if ('text' in input) return sideOfText(input, input.label ?? label);
  if (!('default' in input)) return sideOfProfile(input, label);
  const { default: engine, version } = input;
  const spec = `default:${engine}${version === undefined ? '' : `@${version}`}`;
  const side = defaultOf(engine, version, {
    label: spec,
    why: version === undefined ? NEWEST : '',
  });
  return { ...side, machine: 'x86_64' };
}

const NEWEST = ', the newest that sysieve knows';

function sideOfProfile(profile: Profile, label: string): ReadSide {
  return {
    kind: 'profile',
    label,
    notes: [],
    profile: { format: 'oci', value: profile },
    engine: null,
    text: null,
    places: () => null,
    evidence: null,
    machine: machineOfArchitectures(profile.architectures),
  };
}

function sideOfText({ text, evidence, engine }: ProfileText, label: string): ReadSide {
  const document = readDocument('profile', text, label);
  const profile = parseEitherProfile(document);
  return {
    kind: 'profile',
    label,
    notes: [],
    profile,
    engine: engine === undefined ? null : { name: engine, version: null },
    text,
    places: placesIn(document),
    evidence: evidence == null ? null : stored(evidence),
    machine: machineOfArchitectures(profile.value.architectures),
  };
}

const TITLE = { docker: 'Docker', podman: 'Podman' } as const;

/** An engine's default profile. `why`: this version, as a note has it. */
export function defaultOf(
  engine: 'docker' | 'podman',
  version: string | undefined,
  { label, why }: { label: string; why: string },
): ProfileSide {
  const found = gatedDefault(engine, version);
  const title = TITLE[engine];
  // Podman's defaults go by the releases of containers/common, which brings them.
  const common = engine === 'podman' && /^0\./.test(found.version);
  const taken = common ? `containers/common ${found.version}` : `${title} ${found.version}`;
  // Repository and tag.
  const origin = found.source.split(' ').slice(0, 2).join(' ');
  const note = found.known
    ? `${label} is the default of ${taken}${why} (${origin})`
    : `${label} is the default of ${taken}, the newest that sysieve knows: that of ${title} ` +
      `${version}${why} is not known (${origin})`;
  return {
    kind: 'profile',
    label,
    notes: [note],
    profile: { format: 'gated', value: found.profile },
    engine: { name: engine, version: common ? null : found.version },
    text: null,
    places: () => null,
    evidence: null,
  };
}
