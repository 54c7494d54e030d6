/**
 * The contexts in which two profiles have to be compared: what their gates can tell apart, for the
 * calls that they treat differently. Every other context gives the same answers as one of these.
 */
import { SysieveError } from '../errors';
import { largestOf } from '../policy';
import type { EngineContext, GatedProfile, GatedRule } from '../profile';
import {
  ABIS,
  abisOfMachine,
  archOf,
  ENGINE_CAPABILITIES,
  MACHINES,
  type Machine,
} from '../tables';

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

/** Of a container that asks for none: Docker's; Podman's are among them. */
export const DEFAULT_CAPABILITIES = ENGINE_CAPABILITIES.docker;

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

/** What the rules of a call ask about. */
export interface Gate {
  readonly capabilities: ReadonlySet<string>;
  /** [version, major revision], ascending, each once. */
  readonly kernels: readonly (readonly [number, number])[];
}

/** Each distinct gate of the calls that `concerns` names. */
export function gatesOf(
  profiles: readonly GatedProfile[],
  concerns: (name: string) => boolean,
): Gate[] {
  const asked = new Map<string, { caps: Set<string>; kernels: Set<string> }>();
  for (const { names, includes, excludes } of profiles.flatMap(({ syscalls }) => syscalls)) {
    const caps = [...includes.caps, ...excludes.caps];
    const minimum = [includes.minKernel, excludes.minKernel].filter((one) => one !== undefined);
    if (caps.length === 0 && minimum.length === 0) continue;
    for (const name of names.filter(concerns)) {
      const known = asked.get(name) ?? { caps: new Set(), kernels: new Set() };
      for (const cap of caps) known.caps.add(cap);
      for (const one of minimum) known.kernels.add(one.join('.'));
      asked.set(name, known);
    }
  }
  const made = new Map<string, Gate>();
  for (const { caps, kernels } of asked.values()) {
    const versions = ascending(kernels);
    made.set(JSON.stringify([[...caps].sort(), versions]), {
      capabilities: caps,
      kernels: versions,
    });
  }
  return [...made.values()];
}

function isGated({ includes, excludes }: GatedRule): boolean {
  return [includes, excludes].some(
    ({ caps, arches, minKernel }) => caps.length + arches.length > 0 || minKernel !== undefined,
  );
}

/**
 * runc answers ENOSYS above the largest number that is named, so that a gate on one call decides over
 * others: everything that the gates of calls above the names that are always there ask, together.
 * null: no call in `changed` (null: any) can move that boundary, or no gate decides over it.
 */
export function boundaryGate(
  profiles: readonly GatedProfile[],
  changed: ReadonlySet<string> | null,
): Gate | null {
  const gated = profiles.flatMap(({ syscalls }) => syscalls.filter(isGated));
  if (gated.length === 0) return null;
  const boundaries = ABIS.map((abi) => ({
    abi,
    lowest: Math.min(
      ...profiles.map(({ syscalls }) =>
        syscalls.reduce(
          (last, rule) => (isGated(rule) ? last : Math.max(last, largestOf(rule.names, abi))),
          0,
        ),
      ),
    ),
  }));
  const isAbove = (names: readonly string[]): boolean =>
    boundaries.some(({ abi, lowest }) => largestOf(names, abi) > lowest);
  if (changed !== null && !isAbove([...changed])) return null;
  const capabilities = new Set<string>();
  const kernels = new Set<string>();
  for (const { names, includes, excludes } of gated) {
    if (!isAbove(names)) continue;
    for (const cap of [...includes.caps, ...excludes.caps]) capabilities.add(cap);
    for (const one of [includes.minKernel, excludes.minKernel]) {
      if (one !== undefined) kernels.add(one.join('.'));
    }
  }
  if (capabilities.size === 0 && kernels.size === 0) return null;
  return { capabilities, kernels: ascending(kernels) };
}

function ascending(kernels: ReadonlySet<string>): [number, number][] {
  const versions = [...kernels].map((one) => one.split('.').map(Number) as [number, number]);
  return versions.sort(([a, b], [c, d]) => a - c || b - d);
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

/** Where no gate asks: any version does. */
const SOME_KERNEL = '0.0';

/** Every kernel is told apart from others by no more than these. */
function kernelVersions(kernels: Gate['kernels']): string[] {
  const all = kernels.map(([version, major]) => `${version}.${major}`);
  return all[0] === SOME_KERNEL ? all : [SOME_KERNEL, ...all];
}

type Circumstances = Pick<DiffContext, 'capabilities' | 'kernelVersion'>;

/**
 * For each call every combination of what its rules ask about, with the rest as by default: calls are
 * answered one by one, so combinations for several calls show nothing that these do not.
 */
function circumstances(gates: readonly Gate[], options: ContextOptions): Circumstances[] {
  // Each call that asks about a kernel is seen on all of them: one left out between two of them could
  // be told by either's name.
  const every = kernelVersions(
    ascending(new Set(gates.flatMap(({ kernels }) => kernels.map((one) => one.join('.'))))),
  );
  const newest = every.at(-1) as string;
  const made = new Map<string, Circumstances>();
  const add = (some: readonly string[], version: string): void => {
    const capabilities = [...(options.capabilities ?? some)].sort();
    const kernelVersion = options.kernelVersion ?? version;
    made.set(`${kernelVersion} ${capabilities.join()}`, { capabilities, kernelVersion });
    if (made.size > CONTEXT_LIMIT) throw tooMany();
  };
  add(DEFAULT_CAPABILITIES, newest);
  for (const { capabilities, kernels } of gates) {
    const rest = DEFAULT_CAPABILITIES.filter((name) => !capabilities.has(name));
    const versions = kernels.length === 0 ? [newest] : every;
    for (const some of options.capabilities ? [[]] : subsets(capabilities)) {
      for (const version of versions) add([...rest, ...some], version);
    }
  }
  return [...made.values()];
}

export function contextsOf(
  gates: readonly Gate[],
  machines: readonly Machine[],
  options: ContextOptions,
): DiffContext[] {
  const all = circumstances(gates, options);
  return machines.flatMap((machine) =>
    (options.runtimes ?? RUNTIMES).flatMap((runtime) =>
      all.map((one) => ({ machine, runtime, ...one })),
    ),
  );
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
