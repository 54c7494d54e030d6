/** One row of the table of cases of `diff`, and short ways to write its profiles. */
import type { DiffOptions, ProfileSide, Side } from '../../src/diff';
import type { Finding, Verdict } from '../../src/review';
import { sideOf } from './sides';

/** What matters of a finding; what is left out does not. */
export interface Expected {
  rule: string;
  call?: string | null;
  abi?: Finding['abi'];
  effect?: Finding['effect'];
  severity?: Finding['severity'];
  before?: string;
  after?: string;
  /** Of `values`; null: whatever the arguments are. */
  added?: readonly string[];
  removed?: readonly string[];
  values?: null;
  contexts?: readonly string[];
  /** Some of them. */
  opens?: readonly string[];
  closes?: readonly string[];
  /** A part of the text. */
  reason?: string | RegExp;
  message?: RegExp;
  justification?: string;
  executables?: readonly string[];
  phases?: readonly string[];
  line?: number;
}

export interface DiffCase {
  name: string;
  before: Side;
  after: Side;
  options?: DiffOptions;
  /** Or the code of the SysieveError. */
  verdict: Verdict | { refused: string };
  /** All of them, in any order. */
  findings?: readonly Expected[];
  /** These, and perhaps others. */
  among?: readonly Expected[];
  /** Label: verdict. All of them. */
  contexts?: Readonly<Record<string, Verdict>>;
  headline?: RegExp;
  /** CVEs that the report must not name as opened or closed. */
  neither?: readonly string[];
  /** No compiled filter can judge it, and why. */
  unjudged?: string;
}

interface Arg {
  index: number;
  op: string;
  value: bigint | number;
  valueTwo?: bigint | number;
}

export const eq = (index: number, value: bigint | number): Arg => ({
  index,
  op: 'SCMP_CMP_EQ',
  value,
});

export const cmp = (index: number, op: string, value: bigint | number): Arg => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
});

export const masked = (index: number, mask: bigint | number, value: bigint | number): Arg => ({
  index,
  op: 'SCMP_CMP_MASKED_EQ',
  value: mask,
  valueTwo: value,
});

export interface Row {
  names: string[];
  action: string;
  errnoRet?: number;
  args: Arg[];
}

/** `names`: with spaces between. */
export function row(action: string, names: string, ...args: Arg[]): Row {
  return { names: names.split(' '), action: `SCMP_ACT_${action}`, args };
}

export const allow = (names: string, ...args: Arg[]): Row => row('ALLOW', names, ...args);

export const errno = (errnoRet: number, names: string, ...args: Arg[]): Row => ({
  ...row('ERRNO', names, ...args),
  errnoRet,
});

/**
 * What every profile of the table has, unless it says otherwise: a name (441) above those that cases
 * add, so that runc's ENOSYS begins where it did, and something to answer unconditionally.
 */
export const ANCHOR = allow('read epoll_pwait2');

export const X86_64 = 'SCMP_ARCH_X86_64';
export const I386 = 'SCMP_ARCH_X86';
export const X32 = 'SCMP_ARCH_X32';

interface Frame {
  [key: string]: unknown;
}

export function document(rows: readonly object[], frame: Frame = {}): object {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: [X86_64],
    syscalls: [ANCHOR, ...rows],
    ...frame,
  };
}

/** A plain profile for x86_64 alone: the anchor and these entries. */
export function plain(rows: readonly object[], frame: Frame = {}): ProfileSide {
  return sideOf(document(rows, frame));
}

/** For x86_64 and i386. */
export function both(rows: readonly object[], frame: Frame = {}): ProfileSide {
  return plain(rows, { architectures: [X86_64, I386], ...frame });
}

/** In the engines' format. */
export function gated(
  rows: readonly object[],
  frame: Frame = {},
  engine: ProfileSide['engine'] = { name: 'docker', version: null },
): ProfileSide {
  return sideOf(document(rows, frame), { gated: true, engine });
}

export const DOCKER = { name: 'docker', version: null } as const;
export const PODMAN = { name: 'podman', version: null } as const;
