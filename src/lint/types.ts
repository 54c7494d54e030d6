/** What lint is asked, and what its rules see. */
import type { JsonPath } from '../json';
import type { Policy } from '../policy';
import type { Evidence, GatedProfile, Profile } from '../profile';
import type { Place, Severity } from '../review';
import type { Abi, Machine } from '../tables';

/** Who will load the profile. */
export const TARGETS = ['docker', 'podman', 'containerd', 'cri-o', 'spo'] as const;
export type Target = (typeof TARGETS)[number];

export interface LintInput {
  readonly profile:
    | { readonly format: 'oci'; readonly value: Profile }
    | { readonly format: 'gated'; readonly value: GatedProfile };
  /** Where the value at a path stands in the file; null: there is no file. */
  readonly places: (path: JsonPath) => Place | null;
  readonly evidence: Evidence | null;
  /** null: any of them. */
  readonly target: Target | null;
  /** Whether the libseccomp at hand knows a call's name; null: there is none to ask. */
  readonly resolves: ((name: string) => boolean) | null;
}

export type Runtime = 'runc' | 'crun';

/** What gates ask for, and not every container or kernel has. */
export type Circumstance =
  /** Those that one rule asks for together, mostly one. */
  | { readonly kind: 'capabilities'; readonly names: readonly string[] }
  /** A kernel older than this, which some rule ends with. */
  | { readonly kind: 'kernel'; readonly before: readonly [number, number] };

/** The profile as one runtime hands it to libseccomp, in one kind of container. */
export interface View {
  readonly machine: Machine;
  /** null: no capability, and a kernel newer than every gate. */
  readonly circumstance: Circumstance | null;
  /** Its architectures are those that the tables have. */
  readonly profile: Profile;
  /** By index in `profile.syscalls`: the index in the file. */
  readonly sources: readonly number[];
  readonly abis: readonly Abi[];
  /** Of all views without a circumstance together. */
  readonly everyAbi: readonly Abi[];
  /** The names whose rules are others than without the circumstance; null: all names. */
  readonly focus: ReadonlySet<string> | null;
  /** Those of the runtimes that could be decided. */
  readonly policies: readonly Policy[];
}

/** A finding before it has its place and fingerprint. */
export interface Draft {
  readonly rule: string;
  readonly severity: Severity;
  readonly abi?: Abi;
  readonly call?: string;
  readonly message: string;
  readonly reason?: string;
  readonly path: JsonPath;
  /** Beside rule, ABI and call: what makes it another finding. Never an index in the file. */
  readonly key?: readonly string[];
  /** What passes, one text for each value. */
  readonly passes?: readonly string[];
  readonly after?: string;
  readonly witness?: { arch: number; nr: number; args?: readonly bigint[] };
}

/** A rule of lint on what a profile means. */
export type ViewRule = (view: View, input: LintInput) => Draft[];
