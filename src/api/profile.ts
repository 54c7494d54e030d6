/** Profiles and evidence as programs meet them: their shapes, reading, writing, union. No I/O. */
import { mergeProfiles as merge, mergeEvidence as mergeAllEvidence } from '../merge';
import {
  EVIDENCE_VERSION,
  parseEvidence as parseEvidenceText,
  parseProfile as parseProfileText,
  type Evidence as StoredEvidence,
  serializeEvidence as serializeEvidenceText,
  serializeProfile as serializeProfileText,
} from '../profile';
import type { Abi } from './recording';

/**
 * What a filter does with a call, in OCI's words.
 *
 * @public
 */
export type Action =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

/**
 * What one argument of a call must be, all 64 bits of its register compared.
 *
 * @public
 */
export interface Condition {
  /** Which argument, 0 to 5. */
  index: number;
  /** What it is compared with; under SCMP_CMP_MASKED_EQ the mask. */
  value: bigint;
  /** With SCMP_CMP_MASKED_EQ what the argument, masked by `value`, must be; otherwise 0. */
  valueTwo: bigint;
  /** How. */
  op:
    | 'SCMP_CMP_NE'
    | 'SCMP_CMP_LT'
    | 'SCMP_CMP_LE'
    | 'SCMP_CMP_EQ'
    | 'SCMP_CMP_GE'
    | 'SCMP_CMP_GT'
    | 'SCMP_CMP_MASKED_EQ';
}

/**
 * One entry of a profile.
 *
 * @public
 */
export interface Rule {
  /** Of calls, as libseccomp has them. */
  names: string[];
  /** What they get. */
  action: Action;
  /** The errno under SCMP_ACT_ERRNO, the message under SCMP_ACT_TRACE. Absent: EPERM. */
  errnoRet?: number | undefined;
  /** All of them hold. Empty: whatever the arguments are. */
  args: Condition[];
}

/**
 * An OCI `linux.seccomp` profile. Values are bigint, since a u64 has no exact number in JavaScript: read
 * and write it with {@link parseProfile} and {@link serializeProfile}, not with JSON.
 *
 * @public
 */
export interface Profile {
  /** What a call gets that no entry is for. */
  defaultAction: Action;
  /** The errno of that. Absent: EPERM. */
  defaultErrnoRet?: number | undefined;
  /** As OCI has them, e.g. SCMP_ARCH_X86_64. */
  architectures: ProfileArchitecture[];
  /** Absent and empty differ: without the field runc chooses flags of its own. */
  flags?: ProfileFlag[] | undefined;
  /** The socket that the runtime sends the listener to, for SCMP_ACT_NOTIFY. */
  listenerPath?: string | undefined;
  /** Sent with it. */
  listenerMetadata?: string | undefined;
  /** The entries. */
  syscalls: Rule[];
}

/**
 * The architectures that the OCI specification names.
 *
 * @public
 */
export type ProfileArchitecture =
  | 'SCMP_ARCH_X86'
  | 'SCMP_ARCH_X86_64'
  | 'SCMP_ARCH_X32'
  | 'SCMP_ARCH_ARM'
  | 'SCMP_ARCH_AARCH64'
  | 'SCMP_ARCH_LOONGARCH64'
  | 'SCMP_ARCH_M68K'
  | 'SCMP_ARCH_MIPS'
  | 'SCMP_ARCH_MIPS64'
  | 'SCMP_ARCH_MIPS64N32'
  | 'SCMP_ARCH_MIPSEL'
  | 'SCMP_ARCH_MIPSEL64'
  | 'SCMP_ARCH_MIPSEL64N32'
  | 'SCMP_ARCH_PPC'
  | 'SCMP_ARCH_PPC64'
  | 'SCMP_ARCH_PPC64LE'
  | 'SCMP_ARCH_S390'
  | 'SCMP_ARCH_S390X'
  | 'SCMP_ARCH_SH'
  | 'SCMP_ARCH_SHEB'
  | 'SCMP_ARCH_PARISC'
  | 'SCMP_ARCH_PARISC64'
  | 'SCMP_ARCH_RISCV64';

/**
 * The filter flags that the OCI specification names.
 *
 * @public
 */
export type ProfileFlag =
  | 'SECCOMP_FILTER_FLAG_TSYNC'
  | 'SECCOMP_FILTER_FLAG_LOG'
  | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
  | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';

/**
 * Why a call is in a profile. `observed`: the application made it; `runtime`: a container runtime does,
 * under the filter; `essential`: no program does without; `generalised`: of the kind of one that was
 * observed; `equivalent`: another libc, kernel or architecture makes it instead; `reachable`: the program's
 * files can make it, though no run did; `fallback`: answered ENOSYS, upon which libc does without.
 *
 * @public
 */
export type Why =
  | 'observed'
  | 'essential'
  | 'runtime'
  | 'generalised'
  | 'equivalent'
  | 'reachable'
  | 'fallback';

/**
 * One call of a profile, and why it is there.
 *
 * @public
 */
export interface EvidenceCall {
  /** Under which it is needed. */
  abi: Abi;
  /** The call's. */
  name: string;
  /** What the profile gives it. */
  action: Action;
  /** The errno of that; null: none. */
  errnoRet: number | null;
  /** All reasons. */
  why: Why[];
  /** Paths as passed to execve; untrusted. */
  executables: string[];
  /** When it was made. */
  phases: string[];
  /** The arguments it is permitted with. Absent: all. */
  alternatives?:
    | {
        /** All of them hold; 0x-prefixed hex, `value` within `mask`. */
        args: { index: number; mask: string; value: string }[];
        /** In words. */
        covers: string;
        why: Why[];
        executables: string[];
        phases: string[];
      }[]
    | undefined;
  /** What its rule, or the lack of one, leaves open. */
  note?: string | undefined;
}

/**
 * The contents of `NAME.evidence.json` beside a profile. It holds no counts and no times, so that the
 * same behaviour recorded again leaves it unchanged.
 *
 * @public
 */
export interface Evidence {
  /** Of the format; what is read of an older one has the newest. */
  version: number;
  /** Each call of the profile, by ABI. */
  calls: EvidenceCall[];
  /** What was recorded and left out on purpose; `values` null: the call as a whole. */
  excluded: { abi: Abi; name: string; values: string[] | null; reason: string }[];
  /** What the program's files can make, no run did, and the profile does not permit. Absent: nobody looked. */
  unseen?:
    | { abi: Abi; name: string; likelihood: 'likely' | 'possible' | 'remote'; chain: string[] }[]
    | undefined;
  /** An editor's; not written. */
  $schema?: string | undefined;
  /** Written by people: why a call may be in the profile, by its name. */
  justifications: Record<string, string>;
}

/**
 * Reads an OCI profile.
 *
 * @param text - JSON.
 * @param source - Names the text in errors, e.g. its file.
 * @throws {@link SysieveError} of kind `input`, with line and column, for what is no OCI profile: Docker's
 * and Podman's own format too, whose gates other runtimes ignore.
 * @public
 */
export function parseProfile(text: string, source = 'profile'): Profile {
  return parseProfileText(text, source);
}

/**
 * The canonical text of a profile: one order, one name a line, a line break at its end. The same profile
 * gives the same bytes.
 *
 * @public
 */
export function serializeProfile(profile: Profile): string {
  return serializeProfileText(profile);
}

/**
 * Reads the evidence of a profile, of any version up to this one's.
 *
 * @param text - JSON.
 * @param source - Names the text in errors, e.g. its file.
 * @throws {@link SysieveError} of kind `input`, with line and column.
 * @public
 */
export function parseEvidence(text: string, source = 'evidence'): Evidence {
  return parseEvidenceText(text, source);
}

/** Of the current version, whichever the caller's has: it was read by parseEvidence, or made here. */
export const stored = (evidence: Evidence): StoredEvidence => ({
  ...evidence,
  version: EVIDENCE_VERSION,
});

/**
 * The canonical text of a profile's evidence, with a line break at its end.
 *
 * @public
 */
export function serializeEvidence(evidence: Evidence): string {
  return serializeEvidenceText(stored(evidence));
}

/**
 * An engine's default profile.
 *
 * @public
 */
export interface EngineDefault {
  /** Whose. */
  default: 'docker' | 'podman';
  /**
   * Of Docker, e.g. "27.5.1"; for Podman of containers/common, e.g. "0.62.0". Without it, the newest that
   * is known.
   */
  version?: string;
}

/**
 * A profile as text: in OCI's format or in Docker's or Podman's own, with `includes` and `excludes`. What
 * is said of it names lines.
 *
 * @public
 */
export interface ProfileText {
  /** JSON. */
  text: string;
  /** What reports and errors call it, e.g. its file. */
  label?: string;
  /** Quoted by {@link diff} and {@link explain}, heeded by {@link lint}. */
  evidence?: Evidence;
  /** Whose own format it is, where that makes a difference. */
  engine?: 'docker' | 'podman';
}

/**
 * What stands for a profile: one that was read already, its text, or an engine's default.
 *
 * @public
 */
export type ProfileInput = Profile | ProfileText | EngineDefault;

/**
 * A profile made of several.
 *
 * @public
 */
export interface MergedProfile {
  /** Permits what any of them does. */
  profile: Profile;
  /** What was decided, a sentence each. */
  notes: string[];
}

/**
 * One OCI profile that permits exactly what any of several does, proved under runc and crun.
 *
 * @throws {@link SysieveError} of kind `input`, naming the call and the reason, for what no OCI profile
 * can say.
 * @public
 */
export function mergeProfiles(profiles: readonly Profile[]): MergedProfile {
  const { profile, notes } = merge(
    profiles.map((one, index) => ({ source: `profile ${index + 1}`, profile: one })),
  );
  return { profile, notes: [...notes] };
}

/**
 * The evidence for a profile that {@link mergeProfiles} made.
 *
 * @public
 */
export function mergeEvidence(evidence: readonly Evidence[]): Evidence {
  return mergeAllEvidence(evidence.map(stored));
}
