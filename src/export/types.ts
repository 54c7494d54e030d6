/** What every format of an export has in common. */
import type { Profile } from '../profile';
import type { Machine } from '../tables';

export interface NamedProfile {
  /** Of the file without its ending, or --name: a DNS label, checked before an emitter is asked. */
  readonly name: string;
  /** The file, for errors. */
  readonly source: string;
  /** As it was read. */
  readonly text: string;
  readonly profile: Profile;
}

export type Profiles = readonly [NamedProfile, ...NamedProfile[]];

/** Undefined: not given. An emitter is given none that it does not read. */
export interface ExportOptions {
  /** The runtime that will read the profile; both unless said. */
  readonly runtime?: 'runc' | 'crun';
  readonly arch?: Machine;
  /** Of the object or unit made, where that is not the profile. */
  readonly objectName?: string;
  /** Machine config pools. */
  readonly role?: readonly string[];
  /** The version of Ignition's configuration. */
  readonly ignition?: '3.2' | '3.4';
  /** Bytes of a profile above which it is compressed. */
  readonly gzipAbove?: number;
  readonly nodeDisruption?: true;
  /** Where the profile lies below the platform's directory of profiles. */
  readonly directory?: string;
  /** The directory of profiles itself. */
  readonly root?: string;
  readonly namespace?: string;
  readonly apiVersion?: 'v1' | 'v1beta1';
  /** KIND/NAME of what a patch is for. */
  readonly workload?: string;
  /** Containers of a pod, or the service, unit or image that the profile is for. */
  readonly container?: readonly string[];
  readonly patch?: 'strategic' | 'kustomize';
  readonly place?: 'configmap';
  readonly image?: string;
  /** Of an OCI artifact that holds the profile. */
  readonly artifact?: string;
  readonly engineVersion?: string;
  readonly syntax?: 'yaml' | 'json';
  /** Permit calls with all arguments where the format has no words for a rule about them. */
  readonly dropArguments?: true;
  /** What `systemd-analyze syscall-filter` prints where the unit will be loaded. */
  readonly systemdGroups?: string;
  /** Given to formats with `compiles`: libseccomp is for the command to load. */
  readonly compiler?: Compiler;
}

export interface CompiledFilter {
  /** struct sock_filter[] */
  readonly program: Uint8Array;
  /** Of the program's instructions, those that runc puts in front. */
  readonly stub: number;
  readonly pseudoCode: string;
  readonly skipped: readonly string[];
  /** SECCOMP_FILTER_FLAG_*, as the profile has them. */
  readonly flags: readonly string[];
}

export type Compiler = (profile: Profile) => CompiledFilter;

export interface ExportedFile {
  /** A path below where the user wants the result; no `..`, no leading slash. */
  readonly name: string;
  readonly data: string | Uint8Array;
}

export interface Exported {
  readonly files: readonly ExportedFile[];
  /** What was rewritten, and what the user must do or know, a sentence each. */
  readonly notes: readonly string[];
}

/** Throws a SysieveError of kind input, with the place and the remedy, for what the format cannot say. */
export type Emitter = (profiles: Profiles, options: ExportOptions) => Exported;

export interface ExportFormat {
  /** One line for the help. */
  readonly summary: string;
  /** Any other option with it is a mistake of usage. */
  readonly reads: readonly (keyof ExportOptions)[];
  /** Whether it takes several profiles at once. */
  readonly several: boolean;
  /** Its emitter needs options.compiler. */
  readonly compiles?: true;
  load(): Promise<Emitter>;
}
