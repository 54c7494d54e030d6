/** All that is known of one call, and of its part in a profile. Data; text.ts puts it in words. */
import { policyOfPrograms } from '../policy';
import type { Evidence, GatedProfile, Profile } from '../profile';
import { gatedDefault } from '../profile';
import {
  ABIS,
  type Abi,
  abisOfMachine,
  type Cve,
  cves,
  describeSet,
  ENGINE_CAPABILITIES,
  EQUIVALENTS,
  type Equivalent,
  essentials,
  FALLBACKS,
  type Machine,
  names,
  type RiskTier,
  riskReason,
  riskTier,
  syscallNumber,
} from '../tables';
import { parametersOf, summaryOf } from '../tables/summaries';
import {
  type Filter,
  type Filters,
  filtersOf,
  type GateContext,
  passes,
  resolved,
  type Subject,
} from './filters';
import { unknownCall } from './near';
import { type Rule, rulesOf } from './rules';

/** What a capability changes: the rules with it where a container has it not, without it where it has. */
export interface CapabilityRules {
  readonly capability: string;
  /** Whether it is among those that the other rules hold for. */
  readonly held: boolean;
  readonly rules: readonly Rule[];
}

/** Why the call is in the profile, as its evidence says. Paths and texts are untrusted. */
export interface CallEvidence {
  readonly abi: Abi;
  readonly why: readonly string[];
  readonly executables: readonly string[];
  readonly phases: readonly string[];
  readonly alternatives: readonly {
    readonly covers: string;
    readonly why: readonly string[];
    readonly executables: readonly string[];
    readonly phases: readonly string[];
  }[];
  readonly note: string | null;
}

export interface InProfile {
  /** As the user named it; untrusted. */
  readonly label: string;
  readonly rules: readonly Rule[];
  readonly refusals: Filters['refusals'];
  readonly capabilities: readonly CapabilityRules[];
  /** null: there is no evidence. */
  readonly evidence: readonly CallEvidence[] | null;
  /** Recorded, and left out of the profile. */
  readonly excluded: readonly {
    readonly abi: Abi;
    readonly values: readonly string[] | null;
    readonly reason: string;
  }[];
  readonly justification: string | null;
  /** It was not seen, and the program's files can make it; null: they cannot, or nobody looked. */
  readonly unseen: { readonly likelihood: string; readonly chain: readonly string[] } | null;
}

/** A call that does the same. */
export interface Instead {
  readonly name: string;
  /** The arguments with which it does no more; null: it never does. */
  readonly only: string | null;
  /** Whether it may pass in the profile with such arguments; null: no profile was given. */
  readonly passes: boolean | null;
}

export interface CveOfCall {
  readonly id: string;
  readonly mode: Cve['mode'];
  /** The arguments that the exploit needs; null: any. */
  readonly with: string | null;
  readonly others: readonly string[];
  readonly source: string;
  /** Whether the profile lets the exploit make what it needs; null: no profile was given. */
  readonly reachable: boolean | null;
}

export interface InDefault {
  /** E.g. "docker 29.7.2", "docker 20.10.24 (Debian 12)". */
  readonly releases: readonly string[];
  readonly rules: readonly Rule[];
  readonly capabilities: readonly CapabilityRules[];
}

export interface Explanation {
  readonly version: 1;
  readonly call: string;
  readonly summary: string;
  /** null: not known. */
  readonly parameters: readonly string[] | null;
  /** Those of x32 without bit 30. */
  readonly numbers: readonly { readonly abi: Abi; readonly number: number }[];
  readonly risk: { readonly tier: RiskTier; readonly reason: string } | null;
  readonly machine: Machine;
  readonly profile: InProfile | null;
  readonly denying: {
    /** Why programs make it though they never ask for it; null: they do not. */
    readonly essential: string | null;
    readonly fallback: { readonly instead: string; readonly source: string } | null;
    readonly instead: readonly Instead[];
  };
  readonly cves: readonly CveOfCall[];
  readonly defaults: readonly InDefault[];
}

export interface ExplainOptions {
  readonly machine: Machine;
  /** A live process's bounding set; null: that of a container that asks for none. */
  readonly capabilities: readonly string[] | null;
}

type EngineName = 'docker' | 'podman';

const INT = 0xffff_ffffn;

/** A kernel with all that the gates of the known defaults ask for: Docker's want 4.8. */
const KERNEL = '6.1';

const DEFAULTS: readonly {
  engine: 'docker' | 'podman';
  version?: string;
  title: (version: string) => string;
}[] = [
  { engine: 'docker', title: (version) => `docker ${version}` },
  { engine: 'docker', version: '20.10.24', title: (version) => `docker ${version} (Debian 12)` },
  { engine: 'podman', title: (version) => `podman with containers/common ${version}` },
  {
    engine: 'podman',
    version: '0.50.1',
    title: (version) => `podman 4.3.1 with containers/common ${version} (Debian 12)`,
  },
];

function equivalentsOf(name: string): Equivalent[] {
  return EQUIVALENTS.filter(({ from }) => from === name);
}

/** The calls whose rules have to be looked at. */
function concerned(name: string, exploits: readonly Cve[]): Set<string> {
  return new Set([
    name,
    ...equivalentsOf(name).map(({ to }) => to),
    ...exploits.flatMap(({ calls }) => calls.map((call) => call.name)),
  ]);
}

/** Throws a SysieveError of kind input for a name that no ABI has, and for a profile without meaning. */
export function explainCall(
  call: string,
  subject: Subject | null,
  options: ExplainOptions,
): Explanation {
  const summary = summaryOf(call);
  if (summary === null) throw unknownCall(call);
  const { machine } = options;
  const exploits = cves().filter(({ calls }) => calls.some(({ name }) => name === call));
  const abis = abisOfMachine(machine) ?? [];
  const looked = subject === null ? null : lookUp(subject, concerned(call, exploits), options);
  const filters = looked?.made.filters ?? null;
  const reason = riskReason(call);
  const tier = riskTier(call);
  return {
    version: 1,
    call,
    summary,
    parameters: parametersOf(call),
    numbers: ABIS.flatMap((abi) => {
      const number = syscallNumber(abi, call);
      return number === null ? [] : [{ abi, number }];
    }),
    risk: tier === null || reason === null ? null : { tier, reason },
    machine,
    profile: subject === null || looked === null ? null : inProfile(call, subject, looked, options),
    denying: {
      essential: essentials(abis[0] as Abi).find(({ name }) => name === call)?.reason ?? null,
      fallback: fallbackOf(call),
      instead: insteadOf(call, filters, abis),
    },
    cves: exploits.map((cve) => cveOf(call, cve, filters, abis)),
    defaults: inDefaults(call, options),
  };
}

interface LookedUp {
  made: Filters;
  gated: GatedProfile | null;
}

function lookUp(subject: Subject, names: ReadonlySet<string>, options: ExplainOptions): LookedUp {
  if (subject.kind !== 'profile') {
    // No filter at all lets everything pass.
    const policy = subject.kind === 'filters' ? subject.policy : policyOfPrograms([]);
    const filter: Filter = { runtime: null, policy, stubbed: new Map(), abis: null };
    return { made: { filters: [filter], refusals: [] }, gated: null };
  }
  const { profile, engine } = subject;
  if (profile.format === 'oci') {
    return { made: filtersOf(profile.value, options.machine, names), gated: null };
  }
  const plain = resolved(profile.value, engine, gateContext(options, engine?.name));
  return { made: filtersOf(plain, options.machine, names), gated: profile.value };
}

function gateContext(
  { machine, capabilities }: ExplainOptions,
  engine: EngineName | undefined,
): GateContext {
  return {
    machine,
    capabilities: capabilities ?? ENGINE_CAPABILITIES[engine ?? 'docker'],
    kernelVersion: KERNEL,
  };
}

function inProfile(
  call: string,
  subject: Subject,
  { made, gated }: LookedUp,
  options: ExplainOptions,
): InProfile {
  const abis = abisOfMachine(options.machine) ?? [];
  const rules = rulesOf(call, made.filters, abis);
  const evidence = subject.kind === 'profile' ? subject.evidence : null;
  const engine = subject.kind === 'profile' ? subject.engine : null;
  return {
    label: subject.label,
    rules,
    refusals: made.refusals,
    capabilities: gated === null ? [] : capabilityRules(call, gated, engine, rules, options),
    ...evidenceOf(call, evidence),
  };
}

function evidenceOf(
  call: string,
  evidence: Evidence | null,
): Pick<InProfile, 'evidence' | 'excluded' | 'justification' | 'unseen'> {
  if (evidence === null) return { evidence: null, excluded: [], justification: null, unseen: null };
  const unseen = evidence.unseen?.find(({ name }) => name === call) ?? null;
  const { justifications } = evidence;
  return {
    evidence: evidence.calls
      .filter(({ name }) => name === call)
      .map(({ abi, why, executables, phases, alternatives, note }) => ({
        ...{ abi, why, executables, phases, note: note ?? null },
        alternatives: (alternatives ?? []).map(({ args: _, ...rest }) => rest),
      })),
    excluded: evidence.excluded
      .filter(({ name }) => name === call)
      .map(({ abi, values, reason }) => ({ abi, values, reason })),
    justification: Object.hasOwn(justifications, call) ? (justifications[call] ?? null) : null,
    unseen: unseen && { likelihood: unseen.likelihood, chain: unseen.chain },
  };
}

/** The capabilities that rules for the call ask about, as far as one alone makes a difference. */
function capabilityRules(
  call: string,
  gated: GatedProfile,
  engine: Extract<Subject, { kind: 'profile' }>['engine'],
  usual: readonly Rule[],
  options: ExplainOptions,
): CapabilityRules[] {
  const asked = new Set(
    gated.syscalls
      .filter(({ names }) => names.includes(call))
      .flatMap(({ includes, excludes }) => [...includes.caps, ...excludes.caps]),
  );
  const context = gateContext(options, engine?.name);
  const { capabilities, machine } = context;
  const abis = abisOfMachine(machine) ?? [];
  return [...asked].sort().flatMap((capability): CapabilityRules[] => {
    const held = capabilities.includes(capability);
    const others = capabilities.filter((name) => name !== capability);
    const changed = held ? others : [...others, capability];
    const plain = resolved(gated, engine, { ...context, capabilities: changed });
    const rules = rulesOf(call, filtersOf(plain, machine, new Set([call])).filters, abis);
    if (JSON.stringify(rules) === JSON.stringify(usual)) return [];
    return [{ capability, held, rules }];
  });
}

function fallbackOf(call: string): { instead: string; source: string } | null {
  const found = FALLBACKS.find(({ name }) => name === call);
  return found === undefined ? null : { instead: found.instead, source: found.source };
}

function insteadOf(
  call: string,
  filters: readonly Filter[] | null,
  abis: readonly Abi[],
): Instead[] {
  const here = new Set(abis.flatMap(names));
  return equivalentsOf(call)
    .filter(({ to }) => here.has(to))
    .map(({ to, only }) => ({
      name: to,
      only:
        only === null
          ? null
          : only
              .map(({ index, mask, value }) =>
                describeSet(to, index, { kind: 'bits', cubes: [{ mask, value }] }),
              )
              .join(' and '),
      passes: filters === null ? null : passes(filters, abis, to, only ?? []),
    }));
}

function cveOf(
  call: string,
  { id, mode, calls, source }: Cve,
  filters: readonly Filter[] | null,
  abis: readonly Abi[],
): CveOfCall {
  const own = calls.find(({ name }) => name === call)?.bits ?? null;
  const open = ({ name, bits }: Cve['calls'][number]): boolean =>
    passes(filters ?? [], abis, name, bits === null ? [] : [bits]);
  return {
    ...{ id, mode, source },
    with:
      own === null
        ? null
        : describeSet(
            call,
            own.index,
            // What the kernel reads of a parameter of 32 bits.
            own.mask === INT
              ? { kind: 'values', values: [own.value] }
              : { kind: 'bits', cubes: [{ mask: own.mask, value: own.value }] },
          ),
    others: calls.map(({ name }) => name).filter((name) => name !== call),
    reachable: filters === null ? null : mode === 'any_of' ? calls.some(open) : calls.every(open),
  };
}

function inDefaults(call: string, { machine }: ExplainOptions): InDefault[] {
  const usual = { machine, capabilities: null };
  const abis = abisOfMachine(machine) ?? [];
  const made = DEFAULTS.map(({ engine, version, title }) => {
    const found = gatedDefault(engine, version);
    const reader = { name: engine, version: engine === 'docker' ? found.version : null };
    const plain: Profile = resolved(found.profile, reader, gateContext(usual, engine));
    const rules = rulesOf(call, filtersOf(plain, machine, new Set([call])).filters, abis);
    const capabilities = capabilityRules(call, found.profile, reader, rules, usual);
    return { release: title(found.version), rules, capabilities };
  });
  const groups = new Map<string, InDefault>();
  for (const { release, ...rest } of made) {
    const key = JSON.stringify(rest);
    groups.set(key, { ...rest, releases: [...(groups.get(key)?.releases ?? []), release] });
  }
  return [...groups.values()];
}
