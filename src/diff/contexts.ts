/**
 * The contexts in which two profiles have to be compared: what their gates can tell apart, for the
 * calls that they treat differently. Every other context gives the same answers as one of these.
 */
import { SysieveError } from '../errors';
import type { EngineContext, GatedProfile, GatedRule } from '../profile';
import { abisOfMachine, archOf } from '../tables';

export type Machine = 'x86_64' | 'aarch64';
export const MACHINES: readonly Machine[] = ['x86_64', 'aarch64'];
export type RuntimeName = 'runc' | 'crun';
export const RUNTIMES: readonly RuntimeName[] = ['runc', 'crun'];

export interface DiffContext {
  readonly machine: Machine;
  readonly runtime: RuntimeName;
  /** The bounding set, e.g. CAP_SYS_ADMIN. */
  readonly capabilities: readonly string[];
  /** As `uname -r` prints it. */
  readonly kernelVersion: string;
}

/** What the user fixed; the rest is taken from what the two sides mention. */
export interface ContextOptions {
  readonly machines?: readonly Machine[];
  readonly runtimes?: readonly RuntimeName[];
  readonly capabilities?: readonly string[];
  readonly kernelVersion?: string;
}

/** Docker's, for a container that asks for none; Podman's are among them (moby oci/caps/defaults.go). */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const NATIVE_NAMES: Record<Machine, readonly string[]> = {
  x86_64: ['amd64', 'x86', 'x32'],
  aarch64: ['arm64', 'arm'],
};

/** The machines whose architectures the profile names. */
export function mentionedMachines(profile: {
  architectures: readonly string[];
  archMap?: GatedProfile['archMap'];
  syscalls: readonly { includes?: GatedRule['includes']; excludes?: GatedRule['excludes'] }[];
}): Machine[] {
  const archs = new Set<string>([
    ...profile.architectures,
    ...(profile.archMap ?? []).flatMap((entry) => [entry.architecture, ...entry.subArchitectures]),
  ]);
  const gates = new Set(
    profile.syscalls.flatMap(({ includes, excludes }) => [
      ...(includes?.arches ?? []),
      ...(excludes?.arches ?? []),
    ]),
  );
  return MACHINES.filter(
    (machine) =>
      (abisOfMachine(machine) ?? []).some((abi) => archs.has(archOf(abi))) ||
      NATIVE_NAMES[machine].some((name) => gates.has(name)),
  );
}

/** What decides over some rules: capabilities that have to be tried together, kernels. */
export interface Gates {
  /** For each call the capabilities that its rules ask about. */
  readonly capabilities: readonly ReadonlySet<string>[];
  /** [version, major revision], ascending, each once. */
  readonly kernels: readonly (readonly [number, number])[];
}

/** Of the rules that name one of these calls. */
export function gatesOf(
  profiles: readonly GatedProfile[],
  concerns: (name: string) => boolean,
): Gates {
  const capabilities = new Map<string, Set<string>>();
  const kernels = new Map<number, readonly [number, number]>();
  for (const { names, includes, excludes } of profiles.flatMap(({ syscalls }) => syscalls)) {
    const caps = [...includes.caps, ...excludes.caps];
    const minimum = [includes.minKernel, excludes.minKernel].filter((one) => one !== undefined);
    if (caps.length === 0 && minimum.length === 0) continue;
    for (const name of names.filter(concerns)) {
      const known = capabilities.get(name) ?? new Set();
      for (const cap of caps) known.add(cap);
      capabilities.set(name, known);
      for (const one of minimum) kernels.set(one[0] * 1000 + one[1], one);
    }
  }
  const sets = [...capabilities.values()].filter((set) => set.size > 0);
  return {
    capabilities: [...new Map(sets.map((set) => [[...set].sort().join(), set])).values()],
    kernels: [...kernels].sort(([a], [b]) => a - b).map(([, one]) => one),
  };
}

/** Every kernel tells apart no more than these do. */
function kernelVersions({ kernels }: Gates): string[] {
  const all = kernels.map(([version, major]) => `${version}.${major}`);
  if (kernels.some(([version, major]) => version === 0 && major === 0)) return all;
  return ['0.0', ...all];
}

const CONTEXT_LIMIT = 1024;

function subsets(of: ReadonlySet<string>): string[][] {
  if (2 ** of.size > CONTEXT_LIMIT) throw tooMany();
  const names = [...of].sort();
  return Array.from({ length: 2 ** names.length }, (_, bits) =>
    names.filter((_name, at) => ((bits >> at) & 1) === 1),
  );
}

function tooMany(): SysieveError {
  return new SysieveError(
    'input',
    'contexts-too-many',
    `the gates of the profiles tell apart more than ${CONTEXT_LIMIT} contexts`,
    { remedy: 'Name the context that matters with --caps and --kernel.' },
  );
}

/** For each call every combination of the capabilities that it depends on; the others as by default. */
function capabilitySets(gates: Gates): string[][] {
  const made = new Map<string, string[]>();
  const add = (set: readonly string[]): void => {
    const sorted = [...set].sort();
    made.set(sorted.join(), sorted);
    if (made.size > CONTEXT_LIMIT) throw tooMany();
  };
  add(DEFAULT_CAPABILITIES);
  for (const asked of gates.capabilities) {
    const rest = DEFAULT_CAPABILITIES.filter((name) => !asked.has(name));
    for (const some of subsets(asked)) add([...rest, ...some]);
  }
  return [...made.values()];
}

export function contextsOf(
  gates: Gates,
  machines: readonly Machine[],
  options: ContextOptions,
): DiffContext[] {
  const capabilities = options.capabilities
    ? [[...options.capabilities].sort()]
    : capabilitySets(gates);
  const kernels = options.kernelVersion ? [options.kernelVersion] : kernelVersions(gates);
  const contexts = machines.flatMap((machine) =>
    (options.runtimes ?? RUNTIMES).flatMap((runtime) =>
      kernels.flatMap((kernelVersion) =>
        capabilities.map((set) => ({ machine, runtime, kernelVersion, capabilities: set })),
      ),
    ),
  );
  if (contexts.length > 8 * CONTEXT_LIMIT) throw tooMany();
  return contexts;
}

/** For src/profile, whose reading of a gated profile depends on the engine. */
export function engineContext(
  { machine, capabilities, kernelVersion }: DiffContext,
  engine: { name: EngineContext['engine']; version: string | null },
): EngineContext {
  return {
    engine: engine.name,
    engineVersion: engine.version ?? undefined,
    capabilities,
    kernelVersion,
    architecture: machine,
  };
}
