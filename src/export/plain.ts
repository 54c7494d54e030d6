/**
 * A profile for platforms whose engine reads the file itself (containerd: specs-go's LinuxSeccomp;
 * Docker, Podman and CRI-O: their own formats, of which OCI is a part) and hands what it read to runc
 * or crun. The bytes are those of the user's file, unless something would be lost on that way.
 */
import { SysieveError } from '../errors';
import { changes, equal, isPassing, mayPass, type Policy, policyOfProfile } from '../policy';
import { type Profile, serializeProfile } from '../profile';
import { abiOf, abisOfMachine, MACHINES, type Machine, syscallName } from '../tables';
import type { ExportOptions, NamedProfile } from './types';

type Runtime = 'runc' | 'crun';

/** The machines that the profile lists an ABI of; x86_64 for one that lists none. */
export function machinesOf({ architectures }: Profile): Machine[] {
  const listed = MACHINES.filter((machine) =>
    architectures.some((name) => onMachine(machine, name)),
  );
  return listed.length > 0 ? listed : ['x86_64'];
}

function onMachine(machine: Machine, name: string): boolean {
  const abi = abiOf(name);
  return abi !== null && (abisOfMachine(machine) ?? []).includes(abi);
}

/** What the profile means there. The ABIs of other machines are left out: a filter never has both. */
export function policyOn(profile: Profile, machine: Machine, runtime: Runtime): Policy {
  const architectures = profile.architectures.filter((name) => onMachine(machine, name));
  return policyOfProfile({ ...profile, architectures }, { runtime, machine });
}

/**
 * Whether `read`, what a platform makes of the profile, means the same; not where it cannot be decided
 * any more. For every runtime that the options leave.
 */
export function meansTheSame(
  profile: Profile,
  read: Profile,
  machine: Machine,
  { runtime }: ExportOptions,
): boolean {
  const runtimes = runtime === undefined ? (['runc', 'crun'] as const) : [runtime];
  return runtimes.every((each) => {
    const before = policyOn(profile, machine, each);
    try {
      return equal(before, policyOn(read, machine, each));
    } catch (thrown) {
      if (thrown instanceof SysieveError && thrown.kind === 'input') return false;
      throw thrown;
    }
  });
}

function policies({ source, profile }: NamedProfile, machine: Machine, runtime: Runtime): Policy {
  try {
    return policyOn(profile, machine, runtime);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError)) throw thrown;
    throw new SysieveError(
      thrown.kind,
      thrown.code,
      `${source}: under ${runtime} on ${machine}: ${thrown.message}`,
      {
        ...(thrown.reason === undefined ? {} : { cause: thrown.reason }),
        ...(thrown.remedy === undefined ? {} : { remedy: thrown.remedy }),
      },
    );
  }
}

/**
 * Throws for a profile that a runtime refuses, that cannot be decided, or under which runc and crun
 * let different calls pass, unless the options say which of them it is for.
 */
export function checkRuntimes(named: NamedProfile, { runtime }: ExportOptions): void {
  for (const machine of machinesOf(named.profile)) {
    if (runtime !== undefined) {
      policies(named, machine, runtime);
      continue;
    }
    const runc = policies(named, machine, 'runc');
    const crun = policies(named, machine, 'crun');
    const [first] = changes(runc, crun, (a, b) =>
      isPassing(a) === isPassing(b) && mayPass(a) === mayPass(b) ? null : 'passes',
    );
    if (first === undefined) continue;
    const name = first.abi === null ? null : syscallName(first.abi, first.first);
    throw new SysieveError(
      'input',
      'export-runtimes-differ',
      `${named.source}: runc and crun let different calls pass under it: ` +
        `${name ?? `number ${first.first}`} of ${first.abi ?? 'another architecture'}, for one`,
      {
        remedy:
          'Say with --runtime which of them the platform has, or write one rule for each ' +
          'alternative, with at most one condition for each argument.',
      },
    );
  }
}

/** What of the profile was not looked at, since there is no table for it. */
export function foreignNotes({ source, profile }: NamedProfile): string[] {
  const foreign = [...new Set(profile.architectures.filter((name) => abiOf(name) === null))];
  if (foreign.length === 0) return [];
  return [
    `${source}: what it means for ${foreign.join(', ')} was not checked: no table of its calls`,
  ];
}

/** The text to hand on, with what was changed in it. Checks as `checkRuntimes` does. */
export function plainFile(
  named: NamedProfile,
  options: ExportOptions,
): { text: string; notes: string[] } {
  checkRuntimes(named, options);
  const { flags, listenerPath, listenerMetadata, ...rest } = named.profile;
  const empty = [
    ...(flags?.length === 0 ? ['flags'] : []),
    ...(listenerPath === '' ? ['listenerPath'] : []),
    ...(listenerMetadata === '' ? ['listenerMetadata'] : []),
  ];
  const notes = foreignNotes(named);
  if (listenerPath) {
    notes.push(
      `${named.source}: a listener must wait at ${JSON.stringify(listenerPath)} wherever a container ` +
        'starts under it, or none starts',
    );
  }
  if (empty.length === 0) return { text: named.text, notes };
  const kept = {
    ...rest,
    ...(flags?.length ? { flags } : {}),
    ...(listenerPath ? { listenerPath } : {}),
    ...(listenerMetadata ? { listenerMetadata } : {}),
  };
  const says =
    flags?.length === 0 ? '; without flags of its own runc sets those that it prefers' : '';
  notes.push(
    `${named.source}: written without ${empty.join(', ')}: an engine drops what is empty${says}`,
  );
  return { text: serializeProfile(kept), notes };
}
