/** What a filter means, as programs ask for it: a facade over src/policy. No I/O. */
import { SysieveError } from '../errors';
import {
  type Answer,
  answerOf,
  type Call,
  contains,
  differences,
  equal,
  type Policy as Meaning,
  policyOfProfile,
} from '../policy';
import { resolveGatedProfile } from '../profile';
import {
  abiOfCall,
  abisOfMachine,
  auditArch,
  ENGINE_CAPABILITIES,
  syscallName,
  syscallNumber,
  X32_BIT,
} from '../tables';
import type { ProfileInput } from './profile';
import type { Abi } from './recording';
import { sideOf } from './side';

/**
 * Where a profile is loaded. It decides what it means: runc and crun read some entries in different
 * ways, and the gates of Docker's and Podman's formats ask for capabilities and kernel.
 *
 * @public
 */
export interface PolicyContext {
  /** Default: `runc`. */
  runtime?: 'runc' | 'crun';
  /** Default: `aarch64` for a profile of that alone, else `x86_64`. */
  machine?: 'x86_64' | 'aarch64';
  /** For gates: the container's bounding set, e.g. CAP_SYS_ADMIN. Default: Docker's. */
  capabilities?: readonly string[];
  /** For gates: as `uname -r` prints it. Default: newer than every gate. */
  kernelVersion?: string;
}

/**
 * One call with its arguments. A call is named, or given by its number.
 *
 * @public
 */
export interface SystemCall {
  /** Default: `x86_64`. */
  abi?: Abi;
  /** As the kernel has it. */
  name?: string;
  /** Without the x32 bit. */
  number?: number;
  /** The registers, up to six; those that are missing are 0. */
  args?: readonly (bigint | number)[];
}

/**
 * What a filter answers.
 *
 * @public
 */
export interface PolicyAnswer {
  /** As the kernel knows it, without SECCOMP_RET_. */
  action: 'kill_process' | 'kill_thread' | 'trap' | 'errno' | 'notify' | 'trace' | 'log' | 'allow';
  /** The errno under `errno`, 16 bits for the handler under `trap` and `trace`, otherwise 0. */
  data: number;
  /** The call is carried out, without anybody else being asked: `allow` and `log`. */
  passes: boolean;
}

/**
 * A call as evidence of an answer.
 *
 * @public
 */
export interface WitnessCall {
  /** null: an architecture that no table has. */
  abi: Abi | null;
  /** null: no table names it. */
  name: string | null;
  /** As a filter sees it, the x32 bit included. */
  number: number;
  /** Six; those that decide nothing are 0. */
  args: readonly bigint[];
}

/**
 * A range of numbers in which two policies answer differently, and a call that shows it. A range with
 * several pairs of answers has one element for each.
 *
 * @public
 */
export interface PolicyDifference {
  /** null: an architecture that no table has. */
  abi: Abi | null;
  /** As a filter sees them, the x32 bit included; both ends belong to it. */
  first: number;
  /** See `first`. */
  last: number;
  /** Of the first number. */
  witness: WitnessCall;
  /** What this policy answers to the witness. */
  before: PolicyAnswer;
  /** What the other one does. */
  after: PolicyAnswer;
}

/** Policies are made here alone. */
let make: (meaning: Meaning) => Policy;

/**
 * What a filter means: an answer for each of the 2³² numbers of every ABI with all values of all arguments.
 * Comparisons are decided exactly, never by samples or by names.
 *
 * @example
 * ```ts
 * import { parseProfile, policyOf } from 'sysieve';
 *
 * const policy = policyOf(
 *   parseProfile(`{
 *     "defaultAction": "SCMP_ACT_ERRNO",
 *     "architectures": ["SCMP_ARCH_X86_64"],
 *     "syscalls": [{ "names": ["read", "write"], "action": "SCMP_ACT_ALLOW" }]
 *   }`),
 * );
 * policy.answer({ name: 'read' }).passes; // true
 * policy.answer({ name: 'ptrace' }); // { action: 'errno', data: 1, passes: false }
 * ```
 *
 * @public
 */
export class Policy {
  readonly #meaning: Meaning;

  private constructor(meaning: Meaning) {
    this.#meaning = meaning;
  }

  static {
    make = (meaning) => new Policy(meaning);
  }

  /**
   * What the filter does with one call.
   *
   * @throws {@link SysieveError} of kind `usage` for a name that the ABI does not have.
   */
  answer(call: SystemCall): PolicyAnswer {
    return shown(answerOf(this.#meaning, callOf(call)));
  }

  /** Whether everything passes here that passes under `other`. */
  contains(other: Policy): boolean {
    return contains(this.#meaning, other.#meaning).holds;
  }

  /** A call that passes under `other` and not here; null: {@link Policy.contains} holds. */
  lacks(other: Policy): WitnessCall | null {
    const found = contains(this.#meaning, other.#meaning);
    return found.holds ? null : witnessOf(found.witness);
  }

  /** Whether both give the same answer to every call; how a call is refused counts as well. */
  equals(other: Policy): boolean {
    return equal(this.#meaning, other.#meaning);
  }

  /** Where the answers differ, by ABI and number; `before` is this policy's answer. */
  differences(other: Policy): PolicyDifference[] {
    return differences(this.#meaning, other.#meaning).map(
      ({ abi, first, last, witness, before, after }) => ({
        abi,
        first,
        last,
        witness: witnessOf(witness),
        before: shown(before),
        after: shown(after),
      }),
    );
  }
}

/**
 * The meaning of a profile: the filter that a runtime installs for it.
 *
 * @param profile - A profile, or its text in OCI's, Docker's or Podman's format.
 * @param context - Where it is loaded.
 * @throws {@link SysieveError} of kind `input` for what the runtime refuses, and for rules whose meaning
 * cannot be decided, since libseccomp compiles them to something else than they say.
 * @public
 */
export function policyOf(profile: ProfileInput, context: PolicyContext = {}): Policy {
  const side = sideOf(profile);
  const machine = context.machine ?? side.machine;
  const runtime = context.runtime ?? 'runc';
  if (side.profile.format === 'oci') {
    return make(policyOfProfile(side.profile.value, { runtime, machine }));
  }
  const engine = side.engine?.name ?? 'docker';
  const resolved = resolveGatedProfile(side.profile.value, {
    engine,
    engineVersion: side.engine?.version ?? undefined,
    capabilities: context.capabilities ?? ENGINE_CAPABILITIES[engine],
    kernelVersion: context.kernelVersion ?? NEWEST,
    architecture: (abisOfMachine(machine) as readonly Abi[])[0] as Abi,
  });
  return make(policyOfProfile(resolved, { runtime, machine }));
}

/** Beyond every gate. */
const NEWEST = '999.0.0';

function callOf({ abi = 'x86_64', name, number, args = [] }: SystemCall): Call {
  const nr = number ?? (name === undefined ? null : syscallNumber(abi, name));
  if (nr === null) {
    const what = name === undefined ? 'neither a name nor a number' : `no call ${name} in ${abi}`;
    throw new SysieveError('usage', 'policy-call-unknown', what, {
      remedy: 'Give the name as the kernel has it, or the number.',
    });
  }
  return {
    arch: auditArch(abi),
    nr: abi === 'x32' ? (nr | X32_BIT) >>> 0 : nr,
    args: args.map((value) => BigInt.asUintN(64, BigInt(value))),
  };
}

function witnessOf({ arch, nr, args }: Call): WitnessCall {
  const abi = abiOfCall(arch, nr);
  const number = abi === 'x32' ? (nr & ~X32_BIT) >>> 0 : nr;
  return {
    abi,
    name: abi === null ? null : syscallName(abi, number),
    number: nr,
    args: Array.from({ length: 6 }, (_, index) => args?.[index] ?? 0n),
  };
}

function shown({ action, data }: Answer): PolicyAnswer {
  return { action, data, passes: action === 'allow' || action === 'log' };
}
