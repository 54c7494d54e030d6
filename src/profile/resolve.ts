/**
 * A gated profile to the plain OCI profile that an engine hands to its runtime. What the engines do
 * (moby/profiles seccomp_linux.go; Docker 20.10 the same file of moby/moby; containers/common
 * pkg/seccomp/seccomp_linux.go):
 * - `excludes` drops a rule when one of its capabilities is in the container's bounding set, when
 *   the architecture is listed, or when the kernel is at least minKernel;
 * - `includes` keeps it only when all of its capabilities are there, the architecture is listed (if
 *   any is) and the kernel is at least minKernel;
 * - the entry of `archMap` for the native architecture becomes `architectures`; without one the
 *   list stays empty, and the runtime filters the native architecture alone;
 * - Docker reads no errno names. Before 23.0 it has no defaultErrnoRet, flags or listener either;
 * - Podman reads no minKernel: rules with it hold on every kernel.
 */
import { SysieveError } from '../errors';
import { type Abi, archOf, errnoNumber } from '../tables';
import type { Gate, GatedProfile, GatedRule } from './gated';
import type { Profile, Rule } from './schema';

export interface EngineContext {
  engine: 'docker' | 'podman';
  /** Docker's own, e.g. "20.10.24"; without it a current one. Podman's makes no difference. */
  engineVersion?: string | undefined;
  /** The container's bounding set, e.g. CAP_SYS_ADMIN. */
  capabilities: readonly string[];
  /** As `uname -r` prints it; the first two numbers count. */
  kernelVersion: string;
  /** What the engine's own program is built for. */
  architecture: Abi;
}

/** The names that the engines give the architecture they are built for. Docker knows no x32. */
const NATIVE: Record<EngineContext['engine'], Record<Abi, string>> = {
  docker: { x86_64: 'amd64', i386: 'x86', x32: '', aarch64: 'arm64', arm: 'arm' },
  podman: { x86_64: 'amd64', i386: 'x86', x32: 'x32', aarch64: 'arm64', arm: 'arm' },
};

/** For which of them an entry of archMap is looked up. */
const MAPPED: Record<EngineContext['engine'], readonly Abi[]> = {
  docker: ['x86_64', 'i386', 'aarch64', 'arm'],
  podman: ['x86_64', 'aarch64'],
};

const DOCKER_READS_ALL_OF_OCI = [23, 0];

interface Facts {
  reads: { errnoNames: boolean; minKernel: boolean; allOfOci: boolean };
  native: string;
  capabilities: ReadonlySet<string>;
  kernel: readonly number[];
}

function invalid(what: string, remedy: string): SysieveError {
  return new SysieveError('input', 'context-invalid', what, { remedy });
}

/** The leading numbers of a version. */
export function versionNumbers(text: string, what: string): number[] {
  const found = /^v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?/.exec(text);
  if (found === null) {
    throw invalid(
      `${what} ${JSON.stringify(text)} is no version`,
      'Give it as numbers with dots, for example 6.1.',
    );
  }
  return found
    .slice(1)
    .filter((part) => part !== undefined)
    .map(Number);
}

/** Whether version `a` is `b` or a later one; missing numbers are 0. */
export function reaches(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function facts(context: EngineContext): Facts {
  const { engine, engineVersion, capabilities, kernelVersion, architecture } = context;
  const wrong = capabilities.find((name) => !/^CAP_[A-Z0-9_]+$/.test(name));
  if (wrong !== undefined) {
    throw invalid(
      `${JSON.stringify(wrong)} is no capability`,
      'Name capabilities in full, for example CAP_SYS_ADMIN.',
    );
  }
  const docker = engine === 'docker';
  return {
    reads: {
      errnoNames: !docker,
      minKernel: docker,
      allOfOci:
        !docker ||
        engineVersion === undefined ||
        reaches(versionNumbers(engineVersion, "Docker's version"), DOCKER_READS_ALL_OF_OCI),
    },
    native: NATIVE[engine][architecture],
    capabilities: new Set(capabilities),
    kernel: versionNumbers(kernelVersion, 'the kernel').slice(0, 2),
  };
}

function excludes({ caps, arches, minKernel }: Gate, context: Facts): boolean {
  return (
    arches.includes(context.native) ||
    caps.some((name) => context.capabilities.has(name)) ||
    (context.reads.minKernel && minKernel !== undefined && reaches(context.kernel, minKernel))
  );
}

function includes({ caps, arches, minKernel }: Gate, context: Facts): boolean {
  return (
    (arches.length === 0 || arches.includes(context.native)) &&
    caps.every((name) => context.capabilities.has(name)) &&
    (!context.reads.minKernel || minKernel === undefined || reaches(context.kernel, minKernel))
  );
}

/** `name` is checked by the parser. */
function errnoOf(
  name: string | undefined,
  number: number | undefined,
  context: Facts,
): number | undefined {
  if (!name || !context.reads.errnoNames) return number;
  return errnoNumber(name) ?? Number(name);
}

function architectures(profile: GatedProfile, context: EngineContext): Profile['architectures'] {
  const { engine, architecture } = context;
  if (!MAPPED[engine].includes(architecture)) return profile.architectures;
  const found = profile.archMap.find((entry) => entry.architecture === archOf(architecture));
  return found === undefined
    ? profile.architectures
    : [found.architecture, ...found.subArchitectures];
}

function plainRule(rule: GatedRule, context: Facts): Rule {
  const errnoRet = errnoOf(rule.errno, rule.errnoRet, context);
  return {
    names: rule.names,
    action: rule.action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    args: rule.args,
  };
}

/** Shares names and conditions with `profile`. Throws for a context that makes no sense. */
export function resolveGatedProfile(profile: GatedProfile, context: EngineContext): Profile {
  const known = facts(context);
  const { flags, listenerPath, listenerMetadata } = profile;
  const { allOfOci } = known.reads;
  const defaultErrnoRet = allOfOci
    ? errnoOf(profile.defaultErrno, profile.defaultErrnoRet, known)
    : undefined;
  return {
    defaultAction: profile.defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: architectures(profile, context),
    // An engine's own JSON leaves out what is empty.
    ...(allOfOci && flags.length > 0 ? { flags } : {}),
    ...(allOfOci && listenerPath !== '' ? { listenerPath } : {}),
    ...(allOfOci && listenerMetadata !== '' ? { listenerMetadata } : {}),
    syscalls: profile.syscalls
      .filter((rule) => !excludes(rule.excludes, known) && includes(rule.includes, known))
      .map((rule) => plainRule(rule, known)),
  };
}

/**
 * What the profile says and this engine does not read, as paths in the document: the profile means
 * something else there than where it was written for.
 */
export function unreadFields(profile: GatedProfile, context: EngineContext): string[] {
  const { reads } = facts(context);
  const out: string[] = [];
  const unread = (path: string, says: boolean, read: boolean) => {
    if (says && !read) out.push(path);
  };
  unread('defaultErrno', Boolean(profile.defaultErrno), reads.errnoNames);
  unread('defaultErrnoRet', profile.defaultErrnoRet !== undefined, reads.allOfOci);
  unread('flags', profile.flags.length > 0, reads.allOfOci);
  unread('listenerPath', profile.listenerPath !== '', reads.allOfOci);
  unread('listenerMetadata', profile.listenerMetadata !== '', reads.allOfOci);
  profile.syscalls.forEach((rule, index) => {
    const at = `syscalls[${index}]`;
    unread(`${at}.errno`, Boolean(rule.errno), reads.errnoNames);
    for (const gate of ['includes', 'excludes'] as const) {
      unread(`${at}.${gate}.minKernel`, rule[gate].minKernel !== undefined, reads.minKernel);
    }
  });
  return out;
}
