/** The filters that a profile becomes, as far as some calls are concerned. */
import { SysieveError } from '../errors';
import {
  type Answer,
  family,
  findCall,
  mayPass,
  type Policy,
  policyOfProfile,
  refuseUndecidedProfile,
  stubbedAbove,
} from '../policy';
import type { Evidence, GatedProfile, Profile } from '../profile';
import { type EngineContext, resolveGatedProfile } from '../profile';
import {
  type Abi,
  abiOf,
  abisOfMachine,
  auditArch,
  ENOSYS,
  type Machine,
  syscallNumber,
  X32_BIT,
} from '../tables';

export type Runtime = 'runc' | 'crun';
export const RUNTIMES: readonly Runtime[] = ['runc', 'crun'];

/** What a call is looked up in. The sides of a comparison are such. */
export type Subject =
  | {
      readonly kind: 'profile';
      readonly label: string;
      readonly profile:
        | { readonly format: 'oci'; readonly value: Profile }
        | { readonly format: 'gated'; readonly value: GatedProfile };
      readonly engine: {
        readonly name: EngineContext['engine'];
        readonly version: string | null;
      } | null;
      readonly evidence: Evidence | null;
    }
  | { readonly kind: 'filters'; readonly label: string; readonly policy: Policy }
  | { readonly kind: 'unfiltered'; readonly label: string };

/** What one runtime, or an existing filter, does with the calls it was made for. */
export interface Filter {
  /** null: the filter is installed already. */
  readonly runtime: Runtime | null;
  readonly policy: Policy;
  /** Beyond these numbers everything is answered ENOSYS. */
  readonly stubbed: ReadonlyMap<Abi, number>;
  /** The ABIs it lets in at all; null: not known. */
  readonly abis: ReadonlySet<Abi> | null;
}

/** A runtime does not take the profile. */
export interface Refusal {
  readonly runtime: Runtime;
  readonly message: string;
}

export interface Filters {
  readonly filters: readonly Filter[];
  readonly refusals: readonly Refusal[];
}

/**
 * The filters for `profile`, of which only the rules for `names` are built: nothing else decides over
 * these calls. Throws for a profile whose meaning is not decided.
 */
export function filtersOf(profile: Profile, machine: Machine, names: ReadonlySet<string>): Filters {
  const families = new Set([...names].map(family));
  const syscalls = profile.syscalls.flatMap((rule) => {
    const kept = rule.names.filter((name) => names.has(name) || families.has(family(name)));
    return kept.length === 0 ? [] : [{ ...rule, names: kept }];
  });
  const listed = profile.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const native = abisOfMachine(machine)?.[0] as Abi;
  const filters: Filter[] = [];
  const refusals: Refusal[] = [];
  for (const runtime of RUNTIMES) {
    const context = { runtime, machine };
    try {
      refuseUndecidedProfile(profile, context);
    } catch (thrown) {
      if (!(thrown instanceof SysieveError) || thrown.code !== 'profile-refused') throw thrown;
      refusals.push({ runtime, message: thrown.message });
      continue;
    }
    filters.push({
      runtime,
      policy: policyOfProfile(
        { ...profile, syscalls },
        { ...context, stubbed: new Map(), asWritten: true },
      ),
      stubbed: stubbedAbove(profile, context),
      abis: new Set([native, ...listed]),
    });
  }
  return { filters, refusals };
}

export interface GateContext {
  readonly machine: Machine;
  readonly capabilities: readonly string[];
  readonly kernelVersion: string;
}

/** What the engine hands to the runtime; Docker's reading unless the profile is Podman's. */
export function resolved(
  profile: GatedProfile,
  engine: { readonly name: EngineContext['engine']; readonly version: string | null } | null,
  { machine, capabilities, kernelVersion }: GateContext,
): Profile {
  const podman =
    Boolean(profile.defaultErrno) || profile.syscalls.some(({ errno }) => Boolean(errno));
  return resolveGatedProfile(profile, {
    engine: engine?.name ?? (podman ? 'podman' : 'docker'),
    engineVersion: engine?.version ?? undefined,
    capabilities,
    kernelVersion,
    architecture: machine,
  });
}

type Bits = { readonly index: number; readonly mask: bigint; readonly value: bigint };

/** Whether the call may pass under some of the filters and ABIs, with arguments that have these bits. */
export function passes(
  filters: readonly Filter[],
  abis: readonly Abi[],
  name: string,
  bits: readonly Bits[] = [],
): boolean {
  return filters.some((filter) =>
    abis.some((abi) => {
      const number = syscallNumber(abi, name);
      if (number === null || number > (filter.stubbed.get(abi) ?? number)) return false;
      return findCall(filter.policy, { abi, number, constraints: bits }, mayPass) !== null;
    }),
  );
}

/** Every answer that the call gets, with which arguments; ENOSYS where the runtime puts it in front. */
export function answersOf(filter: Filter, abi: Abi, number: number): Answer[] {
  if (number > (filter.stubbed.get(abi) ?? number)) return [{ action: 'errno', data: ENOSYS }];
  const found: Answer[] = [];
  const known = (answer: Answer): boolean =>
    found.some(({ action, data }) => action === answer.action && data === answer.data);
  for (;;) {
    const next = findCall(filter.policy, { abi, number, constraints: [] }, (a) => !known(a));
    if (next === null) return found;
    found.push(next.answer);
  }
}

/** As a filter sees the call. */
export function placeOf(abi: Abi, number: number): { arch: number; nr: number } {
  return { arch: auditArch(abi), nr: abi === 'x32' ? (number | X32_BIT) >>> 0 : number };
}
