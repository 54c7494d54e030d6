/** What a report says: plain data, which `--json` prints and the page shows. Texts are untrusted. */
import type { Phase } from '../recording';
import type { Report as Review } from '../review';
import type { Abi, Machine, RiskTier } from '../tables';

/** A call in a filter: with any arguments, with some only, never. */
export type State = 'open' | 'bounded' | 'closed';

export interface Permitted {
  /** May pass, `bounded` of them with certain arguments only. */
  readonly permitted: number;
  readonly bounded: number;
}

export interface AbiPermits {
  readonly abi: Abi;
  /** Calls that the tables name. */
  readonly known: number;
  readonly profile: Permitted;
  readonly standard: Permitted;
}

export interface RiskyCall {
  readonly name: string;
  /** To be read after "it". */
  readonly reason: string;
  readonly profile: State;
  readonly standard: State;
}

export interface CveState {
  readonly id: string;
  readonly calls: readonly string[];
  /** Every one of the calls is needed, or each alone is enough. */
  readonly mode: 'any_of' | 'all_of';
  /** Whether an exploit can still make the calls it needs. */
  readonly profile: 'open' | 'closed';
  readonly standard: 'open' | 'closed';
}

/** What the profile permits, held against an engine's default. */
export interface Permits {
  /** The default by engine and version: "the default of Docker 29.7.2". */
  readonly standard: string;
  /** Where the default's gates were read: capabilities, kernel, machine. */
  readonly context: string;
  /** The machine's own first. */
  readonly abis: readonly AbiPermits[];
  /** Permitted by the profile and not by the default. */
  readonly beyond: readonly string[];
  readonly tiers: readonly { readonly tier: RiskTier; readonly calls: readonly RiskyCall[] }[];
  readonly cves: readonly CveState[];
}

export interface CallCost {
  readonly callsPerSecond: number;
  readonly instructions: number;
  readonly nsPerSecond: number;
}

/** What argument rules cost the recorded load, or why that is not known. */
export type Cost =
  | { readonly known: true; readonly callsPerSecond: number; readonly nsPerSecond: number }
  | { readonly known: false; readonly reason: string };

export interface RecordedRun {
  readonly id: string;
  readonly target: string;
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly durationMs: number;
  readonly tracer: string;
  readonly calls: number;
}

export interface DiscoveryRun {
  readonly id: string;
  readonly start: string;
  readonly durationMs: number;
  /** Distinct calls that the application made and that passed. */
  readonly calls: number;
  readonly newCalls: number;
  readonly newTuples: number;
  /** From the run's beginning; null: nothing was new. */
  readonly lastNewMs: number | null;
}

/** How calls came to be known, over the recorded time: the runs one after another. */
export interface Discovery {
  readonly saturation: string;
  readonly notes: readonly string[];
  readonly runs: readonly DiscoveryRun[];
  readonly totalMs: number;
  /** How many calls were known from `atMs` on. */
  readonly curve: readonly { readonly atMs: number; readonly calls: number }[];
  /** When that share of all calls was known. */
  readonly reached: readonly {
    readonly percent: number;
    readonly calls: number;
    readonly atMs: number;
  }[];
}

export interface CallRow {
  readonly abi: Abi;
  /** A number without a name is "#1234". */
  readonly name: string;
  /** What it does, a sentence; null: not known. */
  readonly summary: string | null;
  readonly tier: RiskTier | null;
  /** null: there is no profile. */
  readonly profile: State | null;
  /** As the evidence names it; "recorded" where there is no evidence. */
  readonly why: readonly string[];
  /** What its rule, or the lack of one, leaves open, as the evidence says; null: nothing. */
  readonly note: string | null;
  readonly phases: readonly Phase[];
  /** Places in `executables`. */
  readonly executables: readonly number[];
  /** Attempts, denied ones included; null: not recorded. */
  readonly count: number | null;
  readonly denied: number;
  /** By the first run that had it, in the order they began (1 is the first), and the ms in it. */
  readonly firstSeen: { readonly run: number; readonly ms: number } | null;
}

export interface ExecutableRow {
  readonly path: string;
  /** Places in `calls`. */
  readonly calls: readonly number[];
  /** Those of them that no other executable makes. */
  readonly alone: readonly number[];
}

export interface PhaseRow {
  readonly phase: Phase;
  readonly calls: number;
  readonly only: readonly string[];
}

export interface RuleRow {
  readonly name: string;
  readonly abis: readonly string[];
  /** Empty: under every runtime alike. */
  readonly runtimes: readonly string[];
  /** E.g. "passes with", and the values. */
  readonly cases: readonly { readonly lead: string; readonly values: readonly string[] }[];
  /** What happens otherwise. */
  readonly end: string;
  readonly executables: readonly number[];
  readonly note: string | null;
  readonly cost: CallCost | null;
}

export interface DeniedRow {
  readonly abi: Abi;
  readonly name: string;
  readonly attempts: number;
  /** Of all attempts; the rest passed. */
  readonly of: number;
  /** "EPERM", "killed or trapped". */
  readonly errnos: readonly string[];
  readonly executables: readonly number[];
  /** What the profile answers now; null: there is none. */
  readonly profile: State | null;
}

export interface Completeness {
  readonly runs: number;
  readonly complete: number;
  readonly incomplete: readonly { readonly run: string; readonly reasons: readonly string[] }[];
  /** Counters that are not zero. */
  readonly counters: readonly {
    readonly field: string;
    readonly text: string;
    readonly total: number;
    readonly runs: number;
  }[];
  readonly blindSpots: readonly {
    readonly spot: string;
    readonly text: string;
    readonly runs: number;
  }[];
  readonly remarks: readonly string[];
}

export interface LeftOut {
  readonly name: string;
  readonly abi: Abi;
  readonly values: readonly string[] | null;
  readonly reason: string;
}

export interface Model {
  readonly version: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly title: string;
  readonly sources: readonly string[];
  readonly machine: Machine;
  readonly runs: readonly RecordedRun[];
  /** `made`: of the recording, with the default options. */
  readonly profile: { readonly label: string; readonly origin: 'given' | 'made' } | null;
  /** Why there is none. */
  readonly withoutProfile: string | null;
  readonly permits: Permits | null;
  readonly cost: Cost | null;
  readonly discovery: Discovery | null;
  readonly calls: readonly CallRow[];
  readonly executables: readonly ExecutableRow[];
  readonly phases: readonly PhaseRow[];
  readonly rules: readonly RuleRow[];
  readonly denied: readonly DeniedRow[];
  readonly leftOut: readonly LeftOut[];
  readonly justifications: readonly { readonly name: string; readonly reason: string }[];
  readonly completeness: Completeness | null;
  readonly diff: Review | null;
  readonly notes: readonly string[];
}
