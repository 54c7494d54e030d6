/** A profile's text, in whichever format, as a side of a comparison. */
import { placesIn } from '../api/places';
import type { ProfileSide } from '../diff';
import { readDocument } from '../json';
import { parseEitherProfile, parseEvidence } from '../profile';

export interface ProfileText {
  /** As the user named it. */
  label: string;
  text: string;
  /** What errors and places call it; the label for what has no file. */
  source: string;
  /** Decides between JSON and YAML; its content does where it has no such name. */
  path: string;
  evidence: { text: string; source: string } | null;
  withoutBase: boolean;
}

function looksLikeYaml(path: string, text: string): boolean {
  if (/\.ya?ml$/i.test(path)) return true;
  if (/\.json$/i.test(path)) return false;
  return /^(?:---|apiVersion:|kind:|metadata:|spec:)/m.test(text) && !/^\s*[{[]/.test(text);
}

/** A SeccompProfile, or another of Kubernetes' objects, which is refused as such. */
function isKubernetes(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Object.hasOwn(value, 'apiVersion') || Object.hasOwn(value, 'kind'))
  );
}

/** Throws a SysieveError with a place for what is no profile. */
export async function profileSide(from: ProfileText): Promise<ProfileSide> {
  const { label, text, source, evidence } = from;
  const yaml = looksLikeYaml(from.path, text);
  const document = yaml
    ? await (await import('../import/index.js')).readYaml(text, source)
    : readDocument('profile', text, source);
  const spo =
    yaml || isKubernetes(document.value)
      ? (await import('../import/index.js')).spoProfile(document, from)
      : null;
  return {
    kind: 'profile',
    label,
    notes: spo?.notes ?? [],
    profile: spo === null ? parseEitherProfile(document) : { format: 'oci', value: spo.profile },
    engine: null,
    text,
    places: placesIn(document, spo?.path),
    evidence: evidence === null ? null : parseEvidence(evidence.text, evidence.source),
  };
}
