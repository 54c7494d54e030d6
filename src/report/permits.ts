/** What a profile permits, call by call, tier by tier and CVE by CVE, beside an engine's default. */
import { cveStates } from '../diff/cves';
import { resolved, type Subject } from '../explain/filters';
import { findCall, mayPass, type Policy, policyOfProfile, policyOfPrograms } from '../policy';
import type { Profile } from '../profile';
import {
  type Abi,
  abiOf,
  abisOfMachine,
  cves,
  ENGINE_CAPABILITIES,
  type Machine,
  names,
  type RiskTier,
  riskReason,
  riskTier,
  syscallNumber,
} from '../tables';
import type { Permits, Permitted, State } from './types';

/** Where gates are read. */
export interface Where {
  readonly machine: Machine;
  /** As `uname -r` prints it. */
  readonly kernelVersion: string;
}

/** One filter, ready to be asked. */
export interface Asked {
  readonly policy: Policy;
  /** What the engine hands to the runtime; null: the filter is installed on a process. */
  readonly plain: Profile | null;
}

/** Throws a SysieveError for a profile that means nothing certain. */
export function asked(subject: Subject, { machine, kernelVersion }: Where): Asked {
  if (subject.kind === 'unfiltered') return { policy: policyOfPrograms([]), plain: null };
  if (subject.kind === 'filters') return { policy: subject.policy, plain: null };
  const { profile, engine } = subject;
  const capabilities = ENGINE_CAPABILITIES[engine?.name ?? 'docker'];
  const plain =
    profile.format === 'oci'
      ? profile.value
      : resolved(profile.value, engine, { machine, capabilities, kernelVersion });
  return { policy: policyOfProfile(plain, { runtime: 'runc', machine }), plain };
}

/** null: the ABI has no such call. */
export function stateOf(policy: Policy, abi: Abi, name: string): State | null {
  const number = syscallNumber(abi, name);
  if (number === null) return null;
  const region = { abi, number, constraints: [] };
  if (findCall(policy, region, mayPass) === null) return 'closed';
  return findCall(policy, region, (answer) => !mayPass(answer)) === null ? 'open' : 'bounded';
}

const STATES: readonly State[] = ['open', 'bounded', 'closed'];

/** Under the ABI where it is widest. */
function widest(policy: Policy, abis: readonly Abi[], name: string): State {
  const states = abis.flatMap((abi) => stateOf(policy, abi, name) ?? []);
  return STATES.find((state) => states.includes(state)) ?? 'closed';
}

function permittedOf(policy: Policy, abi: Abi): Permitted {
  const states = names(abi).map((name) => stateOf(policy, abi, name));
  const bounded = states.filter((state) => state === 'bounded').length;
  return { permitted: bounded + states.filter((state) => state === 'open').length, bounded };
}

function tiersOf(profile: Policy, standard: Policy, abis: readonly Abi[]): Permits['tiers'] {
  const known = [...new Set(abis.flatMap(names))].sort();
  return ([1, 2, 3] as const satisfies readonly RiskTier[]).map((tier) => ({
    tier,
    calls: known
      .filter((name) => riskTier(name) === tier)
      .map((name) => ({
        name,
        reason: riskReason(name) ?? '',
        profile: widest(profile, abis, name),
        standard: widest(standard, abis, name),
      })),
  }));
}

function cvesOf(profile: Policy, standard: Policy): Permits['cves'] {
  // Of what no filter stops, the ones that this one does.
  const closedBy = (policy: Policy) =>
    new Set(cveStates(policyOfPrograms([]), policy, cves()).map(({ cve }) => cve.id));
  const byProfile = closedBy(profile);
  const byStandard = closedBy(standard);
  return cves().map(({ id, mode, calls }) => ({
    id,
    mode,
    calls: calls.map(({ name }) => name),
    profile: byProfile.has(id) ? 'closed' : 'open',
    standard: byStandard.has(id) ? 'closed' : 'open',
  }));
}

/** `standard`: the engine's default and what to call it. */
export function permitsOf(
  profile: Asked,
  standard: { readonly asked: Asked; readonly label: string },
  where: Where,
): Permits {
  const abis = abisOfMachine(where.machine) ?? [];
  const listed = (plain: Profile | null) =>
    plain === null ? abis : plain.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const shown = abis.filter(
    (abi, at) =>
      at === 0 || listed(profile.plain).includes(abi) || listed(standard.asked.plain).includes(abi),
  );
  const native = abis[0] as Abi;
  return {
    standard: standard.label,
    context: `${where.machine}, Linux ${where.kernelVersion}, a container without added capabilities`,
    abis: shown.map((abi) => ({
      abi,
      known: names(abi).length,
      profile: permittedOf(profile.policy, abi),
      standard: permittedOf(standard.asked.policy, abi),
    })),
    beyond: names(native)
      .filter(
        (name) =>
          stateOf(profile.policy, native, name) !== 'closed' &&
          stateOf(standard.asked.policy, native, name) === 'closed',
      )
      .sort(),
    tiers: tiersOf(profile.policy, standard.asked.policy, abis),
    cves: cvesOf(profile.policy, standard.asked.policy),
  };
}
