/** What can stand on either side of a comparison, after it has been read. */
import type { JsonPath } from '../json';
import type { Policy } from '../policy';
import type { EngineContext, Evidence, GatedProfile, Profile } from '../profile';
import type { Place } from '../review';

/** Where in its file a profile says something: the value at `path`, or the innermost one there is. */
export type Places = (path: JsonPath) => Place | null;

/** A process, and what decided its filters. */
export interface Live {
  /** Its bounding set, e.g. CAP_SYS_ADMIN. */
  readonly capabilities: readonly string[];
  /** As `uname -r` prints it. */
  readonly kernelVersion: string;
  readonly machine: 'x86_64' | 'aarch64';
  /** null: unknown, or none. */
  readonly runtime: 'runc' | 'crun' | null;
  /** Who started it; null: no engine that is known. */
  readonly engine: { readonly name: 'docker' | 'podman'; readonly version: string | null } | null;
}

interface Named {
  /** As the user named it; untrusted. */
  readonly label: string;
  /** What reading it had to assume, a sentence each. */
  readonly notes: readonly string[];
}

/** A profile in its file, or an engine's default. */
export interface ProfileSide extends Named {
  readonly kind: 'profile';
  /** `oci`: it holds in every context as it stands; `gated`: in Docker's or Podman's format. */
  readonly profile:
    | { readonly format: 'oci'; readonly value: Profile }
    | { readonly format: 'gated'; readonly value: GatedProfile };
  /** Whose reading of the gated format holds; null: not decided by where the profile comes from. */
  readonly engine: {
    readonly name: EngineContext['engine'];
    readonly version: string | null;
  } | null;
  /** The text, to tell identical files; null: there is no file. */
  readonly text: string | null;
  readonly places: Places;
  readonly evidence: Evidence | null;
}

/** The filters installed on a live process, all of them together. */
export interface FilterSide extends Named {
  readonly kind: 'filters';
  readonly policy: Policy;
  readonly live: Live;
}

/** A live process without any filter. */
export interface UnfilteredSide extends Named {
  readonly kind: 'unfiltered';
  readonly live: Live;
}

export type Side = ProfileSide | FilterSide | UnfilteredSide;
