/** What every format of an import has in common. */
import type { Profile } from '../profile';
import type { Recording } from '../recording';
import type { Machine } from '../tables';

export interface ImportInput {
  readonly source: string;
  readonly text: string;
}

/** Undefined: not given. An importer is given none that it does not read. */
export interface ImportOptions {
  /** The bounding set that rules with capabilities are read under. */
  readonly caps?: readonly string[];
  /** As `uname -r` prints it. */
  readonly kernel?: string;
  readonly arch?: Machine;
  readonly engineVersion?: string;
  readonly withoutBase?: true;
  /** Which of several profiles; all of them unless said. */
  readonly profile?: string;
  /** What `systemd-analyze syscall-filter` prints. */
  readonly systemdGroups?: string;
  /** Which of minijail's readers a policy is for. */
  readonly minijailParser?: 'compiler' | 'minijail0';
  /** As compile_seccomp_policy.py takes it: what calls get that a policy does not name. */
  readonly defaultAction?: string;
  /** Of a log of several programs: the records of this process, name or executable alone. */
  readonly pid?: number;
  readonly comm?: string;
  readonly exe?: string;
  /** The user's word that a log holds every call that was made. */
  readonly unfiltered?: true;
  /** Of sysieve, for recordings: set by the command. */
  readonly toolVersion?: string;
}

export interface ImportedProfile {
  /** null: the format has none. A path's last part, or an object's name; untrusted. */
  readonly name: string | null;
  readonly profile: Profile;
}

export type Imported = (
  | { readonly kind: 'profiles'; readonly profiles: readonly ImportedProfile[] }
  | { readonly kind: 'recording'; readonly recording: Recording }
) & {
  /** What reading it assumed or left out, a sentence each. */
  readonly notes: readonly string[];
};

/** Throws a SysieveError of kind input, with the place, for what has no meaning here. */
export type Importer = (
  inputs: readonly [ImportInput, ...ImportInput[]],
  options: ImportOptions,
) => Imported | Promise<Imported>;

export interface ImportFormat {
  /** One line for the help. */
  readonly summary: string;
  /** Any other option with it is a mistake of usage. */
  readonly reads: readonly (keyof ImportOptions)[];
  /** Whether several files are one thing in it, such as the logs of one run. */
  readonly several: boolean;
  load(): Promise<Importer>;
}
