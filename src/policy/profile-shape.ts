/** What the Policy reads of an OCI profile: structurally that of src/profile. */
import type { Condition } from './conditions';

export type OciAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY';

export interface OciRule {
  readonly names: readonly string[];
  readonly action: OciAction;
  readonly errnoRet?: number | undefined;
  readonly args: readonly Condition[];
}

export interface OciProfile {
  readonly defaultAction: OciAction;
  readonly defaultErrnoRet?: number | undefined;
  /** SCMP_ARCH_* */
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciRule[];
}
