/**
 * From a profile to the program runc would install for it. What runc does and one might not guess:
 * - the native architecture is part of every filter, listed or not;
 * - a name libseccomp does not know, and a rule whose action equals the default, are skipped;
 * - the conditions of an entry are ANDed, unless two are on the same argument: then every
 *   condition becomes a rule of its own, and they are ORed;
 * - the binary tree is asked for above 32 rules;
 * - ENOSYS is put in front (enosys.ts).
 * Newer runc adds SECCOMP_FILTER_FLAG_SPEC_ALLOW to a profile without `flags`; this does not: the
 * flag changes no answer, it only lifts a mitigation.
 */

import { closeSync, fstatSync, readSync } from 'node:fs';
import { constants as os } from 'node:os';
import { SysieveError } from '../errors/index';
import type { Action, Condition, Profile, Rule } from '../profile/index';
import {
  ACTIONS,
  ATTRIBUTE_OPTIMISE,
  EPERM,
  FILTER_FLAGS,
  INSTRUCTION_BYTES,
  MAX_INSTRUCTIONS,
  OPERATORS,
  OPTIMISE_TREE,
  UNKNOWN_NAME,
} from './constants';
import { enosysStub } from './enosys';
import { library } from './library';
import { type Architecture, architecture, nativeArchitecture, resolveByToken } from './names';

export interface CompileOptions {
  /** Layout of the program, not its meaning. auto: the tree above 32 names, as runc. */
  layout?: 'auto' | 'list' | 'tree';
  /** listed: only the profile's architectures, so that native calls are killed if it is not one. */
  native?: 'kept' | 'listed';
  /**
   * The architectures with an ENOSYS answer to numbers above the largest named one: those listed
   * and the native one (runc from 1.2 on, the default), those listed (runc 1.0 and 1.1), none (crun).
   */
  enosys?: 'listed-and-native' | 'listed' | false;
  /** crun reads only the first six conditions of an entry. */
  conditions?: 'all' | 'first-six';
}

export interface Compiled {
  /** sock_filter instructions of 8 bytes. */
  program: Buffer;
  /** Names libseccomp does not know, for which there is no rule; sorted. */
  skipped: string[];
  /** Flags for seccomp(SECCOMP_SET_MODE_FILTER). */
  flags: number;
  /** Instructions in front by which runc answers ENOSYS to newer calls. */
  stub: number;
}

type Filter = number;

/** Number of (name, entry) pairs above which runc asks libseccomp for the binary tree. */
const TREE_ABOVE = 32;

export function compile(profile: Profile, options: CompileOptions = {}): Compiled {
  const flags = filterFlags(profile);
  const listed = profile.architectures.map(architecture);
  return withFilter(profile, listed, options, (filter, skipped) => {
    const stub = stubFor(profile, listed, options.enosys ?? 'listed-and-native');
    const program = Buffer.concat([stub, exported(filter, 'seccomp_export_bpf')]);
    checkLength(program);
    return { program, skipped, flags, stub: stub.length / INSTRUCTION_BYTES };
  });
}

/** The same filter, without what runc puts in front, in libseccomp's words for people. */
export function pseudoCode(profile: Profile): string {
  const listed = profile.architectures.map(architecture);
  return withFilter(profile, listed, {}, (filter) =>
    exported(filter, 'seccomp_export_pfc').toString('latin1'),
  );
}

function withFilter<Made>(
  profile: Profile,
  listed: readonly Architecture[],
  options: CompileOptions,
  use: (filter: Filter, skipped: string[]) => Made,
): Made {
  const fallback = actionWord(profile.defaultAction, profile.defaultErrnoRet, 'defaultAction');
  if (profile.defaultAction === 'SCMP_ACT_NOTIFY') {
    throw invalid(
      'SCMP_ACT_NOTIFY cannot be the default action',
      'Leave it out: runc refuses it, too.',
    );
  }
  const { seccomp } = library();
  const filter = seccomp.seccomp_init(fallback);
  if (filter === 0) {
    throw new SysieveError('system', 'libseccomp-failed', 'libseccomp refused the default action', {
      cause: `seccomp_init: ${profile.defaultAction}`,
      remedy:
        'Give an action that /proc/sys/kernel/seccomp/actions_avail lists, or use a newer kernel.',
    });
  }
  try {
    setArchitectures(filter, listed, options.native ?? 'kept');
    setLayout(filter, profile, options.layout ?? 'auto');
    const skipped = new Set<string>();
    profile.syscalls.forEach((entry, index) => {
      const args = options.conditions === 'first-six' ? entry.args.slice(0, 6) : entry.args;
      addEntry(filter, { ...entry, args }, `syscalls[${index}]`, fallback, skipped);
    });
    return use(filter, [...skipped].sort());
  } finally {
    seccomp.seccomp_release(filter);
  }
}

function setArchitectures(
  filter: Filter,
  listed: readonly Architecture[],
  native: 'kept' | 'listed',
): void {
  const { seccomp } = library();
  const own = nativeArchitecture().token;
  const tokens = new Set(listed.map(({ token }) => token));
  for (const token of tokens) {
    if (token === own) continue;
    const result = seccomp.seccomp_arch_add(filter, token);
    if (result === -os.errno.EDOM) {
      throw new SysieveError(
        'input',
        'architectures-incompatible',
        'the profile lists an architecture of another byte order than this machine',
        { cause: 'seccomp_arch_add: EDOM', remedy: 'Compile it on such a machine.' },
      );
    }
    check('seccomp_arch_add', result);
  }
  if (native === 'listed' && tokens.size > 0 && !tokens.has(own)) {
    check('seccomp_arch_remove', seccomp.seccomp_arch_remove(filter, own));
  }
}

function setLayout(filter: Filter, profile: Profile, layout: 'auto' | 'list' | 'tree'): void {
  const names = profile.syscalls.reduce((sum, entry) => sum + entry.names.length, 0);
  // libseccomp ≤ 2.5.4 misbehaves on a tree without rules.
  if (names === 0 || layout === 'list' || (layout === 'auto' && names <= TREE_ABOVE)) return;
  check(
    'seccomp_attr_set',
    library().seccomp.seccomp_attr_set(filter, ATTRIBUTE_OPTIMISE, OPTIMISE_TREE),
  );
}

function addEntry(
  filter: Filter,
  entry: Rule,
  place: string,
  fallback: number,
  skipped: Set<string>,
): void {
  const action = actionWord(entry.action, entry.errnoRet, `${place}.action`);
  const rules = rulesOf(entry.args);
  for (const name of entry.names) {
    if (action === ACTIONS.SCMP_ACT_NOTIFY && name === 'write') {
      throw invalid(
        `${place}: SCMP_ACT_NOTIFY cannot be used for write`,
        'Leave it out: runc refuses it, too.',
      );
    }
    const number = library().seccomp.seccomp_syscall_resolve_name(name);
    if (number === UNKNOWN_NAME) skipped.add(name);
    else if (action !== fallback) {
      for (const rule of rules) addRule(filter, action, number, rule, `${place} ${name}`);
    }
  }
}

/** Each element is one rule: its conditions, ANDed, as packed struct scmp_arg_cmp. */
function rulesOf(args: readonly Condition[]): Buffer[] {
  const conditions = args.map(pack);
  const indexes = new Set(args.map(({ index }) => index));
  return indexes.size < args.length ? conditions : [Buffer.concat(conditions)];
}

const CONDITION_BYTES = 24;

/** struct scmp_arg_cmp: for SCMP_CMP_MASKED_EQ the mask comes first, as in OCI. */
function pack({ index, op, value, valueTwo }: Condition): Buffer {
  const bytes = Buffer.alloc(CONDITION_BYTES);
  bytes.writeUInt32LE(index, 0);
  bytes.writeUInt32LE(OPERATORS[op], 4);
  bytes.writeBigUInt64LE(value, 8);
  bytes.writeBigUInt64LE(valueTwo, 16);
  return bytes;
}

function addRule(
  filter: Filter,
  action: number,
  number: number,
  conditions: Buffer,
  place: string,
): void {
  const result = library().seccomp.seccomp_rule_add_array(
    filter,
    action,
    number,
    conditions.length / CONDITION_BYTES,
    conditions,
  );
  if (result < 0) {
    throw new SysieveError('input', 'rule-refused', `${place}: libseccomp refused the rule`, {
      cause: `seccomp_rule_add_array: ${errnoName(-result)}`,
      remedy: 'Correct the rule, or leave it out.',
    });
  }
}

function stubFor(
  profile: Profile,
  listed: readonly Architecture[],
  enosys: Exclude<CompileOptions['enosys'], undefined>,
): Buffer {
  if (enosys === false) return Buffer.alloc(0);
  // A tracer or the log is meant to see new calls, so runc leaves those defaults alone.
  if (/^SCMP_ACT_(ALLOW|LOG|TRACE)$/.test(profile.defaultAction)) return Buffer.alloc(0);
  const names = profile.syscalls.flatMap((entry) => entry.names);
  const answered = enosys === 'listed' ? listed : [...listed, nativeArchitecture()];
  const unique = new Map(answered.map((abi) => [abi.token, abi]));
  return enosysStub(
    [...unique.values()].map(({ token, audit, x32 }) => ({
      audit,
      x32,
      largest: names.reduce((max, name) => Math.max(max, resolveByToken(name, token)), 0),
    })),
  );
}

function exported(filter: Filter, how: 'seccomp_export_bpf' | 'seccomp_export_pfc'): Buffer {
  const { seccomp, libc, errno } = library();
  const MFD_CLOEXEC = 1;
  const fd = libc.memfd_create('sysieve-filter', MFD_CLOEXEC);
  if (fd < 0) check('memfd_create', -errno());
  try {
    check(how, seccomp[how](filter, fd));
    const program = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, program, 0, program.length, 0);
    return program;
  } finally {
    closeSync(fd);
  }
}

function checkLength(program: Buffer): void {
  const instructions = program.length / INSTRUCTION_BYTES;
  if (instructions <= MAX_INSTRUCTIONS) return;
  throw new SysieveError(
    'input',
    'filter-too-long',
    `the profile compiles to ${instructions} instructions, the kernel takes ${MAX_INSTRUCTIONS}`,
    { remedy: 'Use fewer argument conditions or architectures.' },
  );
}

function filterFlags(profile: Profile): number {
  let flags = 0;
  for (const name of profile.flags ?? []) {
    if (name === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') {
      throw invalid(`${name} is not supported`, 'Leave it out: runc refuses it, too.');
    }
    flags |= FILTER_FLAGS[name];
  }
  return flags;
}

const ERRNO_MAX = 0xffff;

function actionWord(action: Action, errnoRet: number | undefined, place: string): number {
  const word = ACTIONS[action];
  // runc ignores errnoRet on the other actions.
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE') return word;
  const data = errnoRet ?? EPERM;
  if (data > ERRNO_MAX) {
    throw invalid(
      `${place}: errno ${data} is beyond ${ERRNO_MAX}`,
      'Give an errno of at most 4095: a filter has 16 bits for it.',
    );
  }
  return (word | data) >>> 0;
}

function invalid(message: string, remedy: string): SysieveError {
  return new SysieveError('input', 'profile-not-compilable', message, { remedy });
}

function check(operation: string, result: number): void {
  if (result >= 0) return;
  throw new SysieveError('system', 'libseccomp-failed', 'libseccomp could not build the filter', {
    cause: `${operation}: ${errnoName(-result)}`,
    remedy: "Run 'sysieve doctor': it says which libseccomp compiles the filters.",
  });
}

function errnoName(number: number): string {
  const known = Object.entries(os.errno).find(([, value]) => value === number);
  return known?.[0] ?? `errno ${number}`;
}
