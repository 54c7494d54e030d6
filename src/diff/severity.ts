/** How much a change matters, and why. */
import type { Answer, Area, Change } from '../policy';
import type { Severity } from '../review';
import {
  type Abi,
  CLONE_NAMESPACES,
  ENOSYS,
  essentials,
  FALLBACKS,
  NAMESPACE_FLAGS,
  riskReason,
  riskTier,
  SOCKET_DOMAINS,
} from '../tables';

export interface Judged {
  severity: Severity;
  reason: string | null;
}

type Subject = Pick<Change<string>, 'abi' | 'areas' | 'before' | 'after'>;

/** Whether some value of the argument in one of the areas may have one of these bits; cautious. */
function mayHave(areas: readonly Area[] | null, index: number, bits: bigint): boolean {
  if (areas === null) return true;
  return areas.some((area) => {
    const found = area.find((word) => word.index === index);
    return found === undefined || setMayHave(found.set, bits);
  });
}

function setMayHave(set: Area[number]['set'], bits: bigint): boolean {
  switch (set.kind) {
    case 'values':
      return set.values.some((value) => (value & bits) !== 0n);
    case 'bits':
      return set.cubes.some(({ mask, value }) => (bits & ~(mask & ~value)) !== 0n);
    case 'ranges':
      return set.ranges.some(([, last]) => last >= (bits & -bits));
    case 'except':
      // "Other than those with one of these very bits" leaves none of them.
      return !(
        set.set.kind === 'bits' &&
        bits === (bits & -bits) &&
        set.set.cubes.some(({ mask, value }) => mask === bits && value === bits)
      );
  }
}

/** SYS_SOCKET and SYS_SOCKETPAIR (include/uapi/linux/net.h). */
const SOCKET_CODES = [1n, 8n];

/** Whether the argument may be one of these in one of the areas; cautious. */
function mayBe(areas: readonly Area[] | null, index: number, values: readonly bigint[]): boolean {
  if (areas === null) return true;
  return areas.some((area) => {
    const set = area.find((word) => word.index === index)?.set;
    return set?.kind !== 'values' || values.some((value) => set.values.includes(value));
  });
}

/** Domains that nearly every program uses. */
const ORDINARY_DOMAINS = ['AF_UNIX', 'AF_INET', 'AF_INET6'].map((name) =>
  BigInt(SOCKET_DOMAINS[name] ?? 0),
);

function onlyOrdinaryDomains(areas: readonly Area[] | null): boolean {
  return (
    areas?.every((area) => {
      const set = area.find(({ index }) => index === 0)?.set;
      if (set?.kind === 'values')
        return set.values.every((value) => ORDINARY_DOMAINS.includes(value));
      return (
        set?.kind === 'bits' &&
        set.cubes.every(
          ({ mask, value }) => mask === 0xffff_ffffn && ORDINARY_DOMAINS.includes(value),
        )
      );
    }) ?? false
  );
}

const NEWUSER = BigInt(NAMESPACE_FLAGS.CLONE_NEWUSER ?? 0);

/** Something may pass that did not. `cves`: how many exploits' calls become reachable by it. */
export function widening(name: string, { areas }: Subject, cves: number): Judged {
  const opened: Judged | null =
    cves === 0 ? null : { severity: 'medium', reason: 'a published exploit can make its calls' };
  if (name === 'clone') {
    if (!mayHave(areas, 0, CLONE_NAMESPACES)) return opened ?? { severity: 'low', reason: null };
    return mayHave(areas, 0, NEWUSER)
      ? { severity: 'high', reason: 'it can make user namespaces, which most kernel exploits need' }
      : { severity: 'medium', reason: 'it can make namespaces' };
  }
  if (name === 'clone3') {
    return {
      severity: 'high',
      reason:
        'its flags lie behind a pointer, where no filter looks: it can make user namespaces, which most kernel exploits need',
    };
  }
  if (name === 'socket' || name === 'socketpair') {
    if (onlyOrdinaryDomains(areas)) return { severity: 'low', reason: null };
    return { severity: 'medium', reason: 'sockets of rarely used protocols are attack surface' };
  }
  if (name === 'socketcall' && mayBe(areas, 0, SOCKET_CODES)) {
    return {
      severity: 'medium',
      reason: 'sockets of every protocol: the domain lies behind a pointer, where no filter looks',
    };
  }
  const tier = riskTier(name);
  if (tier === null) return opened ?? { severity: 'low', reason: null };
  const reason = `risk tier ${tier}: ${riskReason(name)}`;
  return { severity: tier === 3 ? 'medium' : 'high', reason };
}

/** Something is refused that passed. `why`: what the evidence says about the call. */
export function narrowing(name: string, abi: Abi | null, why: readonly string[]): Judged {
  const needed = abi === null ? undefined : essentials(abi).find((one) => one.name === name);
  if (needed !== undefined) return { severity: 'high', reason: needed.reason };
  if (name === 'execve') return { severity: 'high', reason: 'no container starts without it' };
  if (why.includes('observed')) {
    return { severity: 'medium', reason: 'the application was seen to make this call' };
  }
  if (why.includes('runtime')) {
    return { severity: 'medium', reason: 'a container runtime makes this call as it starts' };
  }
  return { severity: 'low', reason: null };
}

function isEnosys({ action, data }: Answer): boolean {
  return action === 'errno' && data === ENOSYS;
}

/** Refused before and after. */
export function denial(name: string, { before, after }: Subject): Judged & { rule: string } {
  const fallback = FALLBACKS.find((one) => one.name === name);
  if (fallback !== undefined && before.some(isEnosys) && !after.every(isEnosys)) {
    return {
      rule: 'fallback-errno',
      severity: 'medium',
      reason: `callers use ${fallback.instead} instead only after ENOSYS`,
    };
  }
  const ends = ({ action }: Answer): boolean => action !== 'errno';
  if (after.some(ends) && !before.every(ends)) {
    return {
      rule: 'denial-changed',
      severity: 'medium',
      reason: 'the call no longer fails: it ends the process, or the thread',
    };
  }
  return { rule: 'denial-changed', severity: 'low', reason: null };
}
