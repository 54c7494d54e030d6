/** That a merged profile means the union of its parts, under each runtime and machine it may meet. */
import { SysieveError } from '../errors';
import {
  type Answer,
  type Context,
  type Difference,
  differences,
  type Policy,
  policyOfProfile,
  union,
} from '../policy';
import type { Profile } from '../profile';
import {
  ABIS,
  type Abi,
  abiOf,
  abisOfMachine,
  ENOSYS,
  syscallName,
  syscallNumber,
  X32_BIT,
} from '../tables';

const RUNTIMES = ['runc', 'crun'] as const;
const MACHINES = ['x86_64', 'aarch64'] as const;

interface Named {
  readonly source: string;
  readonly profile: Profile;
}

/** Those whose ABIs are listed; a profile without architectures is for any. */
function machinesFor(profiles: readonly Named[]): (typeof MACHINES)[number][] {
  const listed = new Set(profiles.flatMap(({ profile }) => profile.architectures.map(abiOf)));
  const some = MACHINES.filter((machine) => abisOfMachine(machine)?.some((abi) => listed.has(abi)));
  const any = profiles.some(({ profile }) => profile.architectures.length === 0);
  return any || some.length === 0 ? [...MACHINES] : some;
}

/** The policy of each; null: the runtime takes one of them not. */
function policies(profiles: readonly Named[], context: Context): Policy[] | SysieveError {
  const made: Policy[] = [];
  for (const { source, profile } of profiles) {
    try {
      made.push(policyOfProfile(profile, context));
    } catch (thrown) {
      if (!(thrown instanceof SysieveError)) throw thrown;
      const error = named(thrown, source);
      if (thrown.code === 'profile-refused') return error;
      throw error;
    }
  }
  return made;
}

function named({ kind, code, message, reason, remedy }: SysieveError, source: string) {
  const details = {
    cause: reason ?? 'it has no meaning of its own that a union could keep',
    ...(remedy === undefined ? {} : { remedy }),
  };
  return new SysieveError(kind, code, `${source}: ${message}`, details);
}

/** The parts have been decided: what cannot be is how their rules go together. */
function policyOfMerged(merged: Profile, context: Context): Policy {
  try {
    return policyOfProfile(merged, context);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError)) throw thrown;
    throw new SysieveError(
      'input',
      'merge-inexpressible',
      'no OCI profile says the union for sure',
      {
        cause: `of the merged profile: ${thrown.message}`,
        remedy: 'Keep the profiles apart, or give the call the same rule in both.',
      },
    );
  }
}

const DENYING: ReadonlySet<Answer['action']> = new Set([
  'kill_process',
  'kill_thread',
  'trap',
  'errno',
]);

function show({ action, data }: Answer): string {
  return data === 0 ? action : `${action} ${data}`;
}

/** All numbers that the profiles name, as a filter of the ABI sees them. */
function namedNumbers(profiles: readonly Named[]): Map<Abi, Set<number>> {
  const names = new Set(
    profiles.flatMap(({ profile }) => profile.syscalls.flatMap((rule) => rule.names)),
  );
  return new Map(
    ABIS.map((abi) => {
      const numbers = [...names].map((name) => syscallNumber(abi, name)).filter((n) => n !== null);
      return [abi, new Set(numbers.map((n) => (abi === 'x32' ? (n | X32_BIT) >>> 0 : n)))];
    }),
  );
}

function callName({ abi, first }: Difference): string {
  if (abi === null) return `number ${first} of an architecture without a table`;
  const number = abi === 'x32' ? first & ~X32_BIT : first;
  return `${abi} ${syscallName(abi, number) ?? `number ${number}`}`;
}

function refuse(found: Difference, profiles: readonly Named[], context: Context): SysieveError {
  const { abi, before, after } = found;
  const listing =
    abi === null
      ? []
      : profiles.filter(({ profile }) => profile.architectures.some((arch) => abiOf(arch) === abi));
  const partly = listing.length > 0 && listing.length < profiles.length;
  return new SysieveError(
    'input',
    'merge-inexpressible',
    `${callName(found)}: the union answers ${show(before)}, the merged profile would ${show(after)}`,
    {
      cause: partly
        ? `${abi} is listed by ${listing.map(({ source }) => source).join(', ')} alone, and an OCI ` +
          'profile permits names, not ABIs'
        : `under ${context.runtime} on ${context.machine}, one OCI profile does not say both`,
      remedy: partly
        ? 'List the same architectures in all profiles, or keep them apart.'
        : 'Keep the profiles apart, or give the call the same rule in both.',
    },
  );
}

/**
 * Throws unless the merged profile lets exactly those calls pass, be logged, traced or asked for
 * that the union does. What may differ is how a call is denied: the errno where profiles give
 * several, and above the largest number that a part names, where runc answers ENOSYS.
 */
export function proveUnion(profiles: readonly Named[], merged: Profile): string[] {
  const notes = new Set<string>();
  const allNumbers = namedNumbers(profiles);
  let proved = 0;
  let refusal: SysieveError | null = null;
  for (const runtime of RUNTIMES) {
    for (const machine of machinesFor(profiles)) {
      const context: Context = { runtime, machine };
      const parts = policies(profiles, context);
      if (parts instanceof SysieveError) {
        refusal = parts;
        notes.add(
          `not proved under ${runtime}, which refuses one of the profiles: ${parts.message}`,
        );
        continue;
      }
      const whole = parts.reduce(union);
      for (const found of differences(whole, policyOfMerged(merged, context))) {
        const { before, after, abi, first, last } = found;
        const denied = DENYING.has(before.action) && DENYING.has(after.action);
        const errnos = before.action === 'errno' && after.action === 'errno';
        const numbers = abi === null ? [] : [...(allNumbers.get(abi) ?? [])];
        const beyond =
          runtime === 'runc' &&
          before.action === 'errno' &&
          before.data === ENOSYS &&
          !numbers.some((number) => number >= first && number <= last);
        if (!denied || !(errnos || beyond)) throw refuse(found, profiles, context);
        if (errnos && !beyond) {
          notes.add(
            `${callName(found)}: denied with errno ${after.data}, in another profile ${before.data}`,
          );
        } else {
          notes.add(
            `under runc, calls newer than one of the profiles get ${show(after)} instead of ENOSYS ` +
              'where another one names newer calls',
          );
        }
      }
      proved += 1;
    }
  }
  if (proved === 0 && refusal !== null) throw refusal;
  return [...notes];
}
