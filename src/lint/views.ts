/** Under which circumstances a profile is judged, and what it means in each. */
import { SysieveError } from '../errors';
import { type Policy, policyOfProfile, RULES_UNDECIDED } from '../policy';
import {
  type EngineContext,
  type GatedProfile,
  type Profile,
  resolveGatedProfile,
} from '../profile';
import {
  type Abi,
  abiOf,
  abisOfMachine,
  MACHINES,
  type Machine,
  machineOfArchitectures,
} from '../tables';
import type { Circumstance, Draft, LintInput, Runtime, Target, View } from './types';

/** Newer than every gate on a kernel: what such a rule says for the kernels in use. */
export const NEWEST_KERNEL = '255.255';

const RUNTIMES: Record<Target, readonly Runtime[]> = {
  docker: ['runc'],
  containerd: ['runc'],
  podman: ['crun', 'runc'],
  'cri-o': ['crun', 'runc'],
  spo: ['runc', 'crun'],
};

export function runtimesOf(target: Target | null): readonly Runtime[] {
  return target === null ? ['runc', 'crun'] : RUNTIMES[target];
}

/** Whose reading of gates holds; null: the target reads plain OCI. */
export function engineOf(
  gated: GatedProfile,
  target: Target | null,
): EngineContext['engine'] | null {
  if (target === 'containerd' || target === 'spo') return null;
  if (target !== null) return target === 'docker' ? 'docker' : 'podman';
  const errnoNames = Boolean(gated.defaultErrno) || gated.syscalls.some((rule) => rule.errno);
  return errnoNames ? 'podman' : 'docker';
}

/** As a reader of plain OCI takes it: every gate and every field of the engines' own is not there. */
export function withoutGates(gated: GatedProfile): Profile {
  const { defaultAction, defaultErrnoRet, architectures } = gated;
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures,
    syscalls: gated.syscalls.map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      args,
      ...(errnoRet === undefined ? {} : { errnoRet }),
    })),
  };
}

/** What gates call the machines. */
const GATE_NAMES: Record<Machine, string> = { x86_64: 'amd64', aarch64: 'arm64' };

export function machinesOf({ archMap, architectures, syscalls }: GatedProfile): readonly Machine[] {
  const mapped = MACHINES.filter((machine) =>
    archMap.some(({ architecture }) => abiOf(architecture) === machine),
  );
  if (mapped.length > 0) return mapped;
  const usual = machineOfArchitectures(architectures);
  const asked = new Set(
    syscalls.flatMap(({ includes, excludes }) => [...includes.arches, ...excludes.arches]),
  );
  return MACHINES.filter((machine) => machine === usual || asked.has(GATE_NAMES[machine]));
}

export interface Resolved {
  readonly profile: Profile;
  readonly sources: readonly number[];
}

/** The rules that hold, with their indexes in the file. */
export function resolveWithSources(gated: GatedProfile, context: EngineContext): Resolved {
  const whole = resolveGatedProfile({ ...gated, syscalls: [] }, context);
  const kept = gated.syscalls.flatMap((rule, index) =>
    resolveGatedProfile({ ...gated, syscalls: [rule] }, context).syscalls.map((made) => ({
      made,
      index,
    })),
  );
  return {
    profile: { ...whole, syscalls: kept.map(({ made }) => made) },
    sources: kept.map(({ index }) => index),
  };
}

/** Each capability that a gate names, and those that a rule asks for together. */
function capabilitiesOf(gated: GatedProfile): string[][] {
  const isName = (name: string) => /^CAP_[A-Z0-9_]+$/.test(name);
  const single = gated.syscalls
    .flatMap(({ includes, excludes }) => [...includes.caps, ...excludes.caps])
    .filter(isName);
  const together = gated.syscalls
    .map(({ includes }) => [...new Set(includes.caps)].sort())
    .filter((names) => names.length > 1 && names.every(isName));
  return [
    ...[...new Set(single)].sort().map((name) => [name]),
    ...new Map(together.map((names) => [names.join(), names])).values(),
  ];
}

/** The kernels with which a rule ends, each once. */
function kernelsOf(gated: GatedProfile): (readonly [number, number])[] {
  const ends = gated.syscalls.flatMap(({ excludes: { minKernel } }) =>
    minKernel === undefined ? [] : [minKernel],
  );
  return [...new Map(ends.map((end) => [end.join('.'), end])).values()];
}

function circumstancesOf(gated: GatedProfile): Circumstance[] {
  return [
    ...capabilitiesOf(gated).map((names) => ({ kind: 'capabilities', names }) as const),
    ...kernelsOf(gated).map((before) => ({ kind: 'kernel', before }) as const),
  ];
}

/** The newest kernel of the circumstance: one before the gate's. */
function kernelIn(circumstance: Circumstance | null): string {
  if (circumstance?.kind !== 'kernel') return NEWEST_KERNEL;
  const [version, major] = circumstance.before;
  return major > 0 ? `${version}.${major - 1}` : `${Math.max(0, version - 1)}.255`;
}

/** "in containers with CAP_SYS_ADMIN"; alike ones together. */
export function circumstanceWords(all: readonly Circumstance[]): string {
  const caps = all.flatMap((one) => (one.kind === 'capabilities' ? [one.names.join(' and ')] : []));
  const kernels = all.flatMap((one) => (one.kind === 'kernel' ? [one.before.join('.')] : []));
  return [
    ...(caps.length > 0 ? [`in containers with ${caps.join(' or ')}`] : []),
    ...(kernels.length > 0 ? [`on kernels before ${kernels.join(' or ')}`] : []),
  ].join(', or ');
}

interface Case extends Resolved {
  readonly machine: Machine;
  readonly circumstance: Circumstance | null;
}

function casesOf({ profile: { format, value }, target }: LintInput): Case[] {
  const whole = (profile: Profile): Case => ({
    profile,
    machine: machineOfArchitectures(profile.architectures),
    circumstance: null,
    sources: profile.syscalls.map((_, index) => index),
  });
  if (format === 'oci') return [whole(value)];
  const engine = engineOf(value, target);
  if (engine === null) return [whole(withoutGates(value))];
  return [null, ...circumstancesOf(value)].flatMap((circumstance) =>
    machinesOf(value).map((machine) => ({
      machine,
      circumstance,
      ...resolveWithSources(value, {
        engine,
        capabilities: circumstance?.kind === 'capabilities' ? circumstance.names : [],
        kernelVersion: kernelIn(circumstance),
        architecture: machine,
      }),
    })),
  );
}

/** The policy, or why there is none: as decided, else as the rules of each call say. */
function policyFor(
  profile: Profile,
  machine: Machine,
  runtime: Runtime,
): { policy: Policy | null; error: SysieveError | null } {
  let error: SysieveError | null = null;
  for (const asWritten of [false, true]) {
    try {
      return { policy: policyOfProfile(profile, { runtime, machine, asWritten }), error };
    } catch (thrown) {
      if (!(thrown instanceof SysieveError) || thrown.kind !== 'input') throw thrown;
      error ??= thrown;
      if (thrown.code !== RULES_UNDECIDED) break;
    }
  }
  return { policy: null, error };
}

/** Views to judge, without circumstances first, and the findings of those that could not be made. */
export function viewsOf(input: LintInput): { views: View[]; drafts: Draft[] } {
  const drafts: Draft[] = [];
  const runtimes = runtimesOf(input.target);
  const cases = casesOf(input);
  const bare = cases.filter(({ circumstance }) => circumstance === null);
  const everyAbi = [...new Set(bare.flatMap(abisOf))];
  const views = cases.map((one): View => {
    const { machine, circumstance } = one;
    const unknown = one.profile.architectures.filter((arch) => abiOf(arch) === null);
    if (unknown.length > 0) drafts.push(unjudged(input, unknown));
    const known = one.profile.architectures.filter((arch) => abiOf(arch) !== null);
    const profile = { ...one.profile, architectures: known };
    const made = (circumstance === null ? runtimes : runtimes.slice(0, 1)).map((runtime) => ({
      runtime,
      ...policyFor(profile, machine, runtime),
    }));
    const policies = made.flatMap(({ policy }) => policy ?? []);
    for (const { runtime, policy, error } of made) {
      if (error !== null) drafts.push(failed(one, runtime, error, policy, policies.length));
    }
    const base = bare.find((other) => other.machine === machine);
    const focus = circumstance === null || base === undefined ? null : changedNames(base, one);
    return { ...one, profile, abis: abisOf(one), everyAbi, focus, policies };
  });
  return { views, drafts };
}

function abisOf({ machine, profile }: Case): Abi[] {
  const native = (abisOfMachine(machine) as readonly Abi[])[0] as Abi;
  return [...new Set([native, ...profile.architectures.flatMap((arch) => abiOf(arch) ?? [])])];
}

/** The names in rules that hold in one of the two alone. */
function changedNames(a: Case, b: Case): ReadonlySet<string> {
  const only = ({ profile, sources }: Case, other: Case) =>
    profile.syscalls.filter((_, at) => !other.sources.includes(sources[at] as number));
  return new Set([...only(a, b), ...only(b, a)].flatMap(({ names }) => names));
}

function unjudged({ profile: { value } }: LintInput, unknown: readonly string[]): Draft {
  const at = value.architectures.map(String).indexOf(unknown[0] as string);
  return {
    rule: 'architecture-not-judged',
    severity: 'note',
    message: `what passes under ${unknown.join(', ')} was not judged: there is no table of their calls`,
    path: at < 0 ? ['archMap'] : ['architectures', at],
    key: unknown,
  };
}

export const NOT_JUDGED =
  'What passes was not judged: the rules about that found nothing because of this.';

function failed(
  { sources, circumstance }: Case,
  runtime: Runtime,
  error: SysieveError,
  policy: Policy | null,
  others: number,
): Draft {
  // The message begins with the entry, by its index in what the runtime is handed.
  const index = /^syscalls\[(\d+)\]/.exec(error.message)?.[1];
  const path = index === undefined ? ['defaultAction'] : ['syscalls', sources[Number(index)] ?? 0];
  const said = error.message.replace(/syscalls\[(\d+)\]/g, (_, at) => {
    return `syscalls[${sources[Number(at)] ?? at}]`;
  });
  const judged =
    policy !== null
      ? "What passes is judged by each call's own rules; the filter may let more pass."
      : others > 0
        ? 'What passes is judged for the other runtime alone.'
        : NOT_JUDGED;
  const refused = error.code !== RULES_UNDECIDED && error.code !== 'policy-too-large';
  return {
    rule: refused ? 'runtime-refuses' : 'rules-undecided',
    severity: 'high',
    message: refused ? `${runtime} refuses the profile: ${said}` : said,
    reason: [error.reason, judged].filter((text) => text !== undefined).join(' '),
    path,
    // The message names entries by index: the runtime and what is wrong, without the numbers.
    key: [
      ...(refused ? [runtime] : []),
      ...(circumstance === null ? [] : [circumstanceWords([circumstance])]),
      error.message.replace(/syscalls\[\d+\]/g, 'an entry'),
    ],
  };
}
