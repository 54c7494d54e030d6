/** What a profile permits, in numbers. */
import { release } from 'node:os';
import type { ProfileSide } from '../diff';
import { resolved } from '../explain/filters';
import { findCall, isPassing, type Policy, policyOfProfile } from '../policy';
import type { Profile } from '../profile';
import {
  type Abi,
  abiOf,
  abisOfMachine,
  archOf,
  ENGINE_CAPABILITIES,
  MACHINES,
  type Machine,
  names,
  syscallNumber,
} from '../tables';

function abisOf(machine: Machine): readonly Abi[] {
  return abisOfMachine(machine) ?? [];
}

/** The plain profile; what gates leave of one in a container without options. */
function plain({ profile, engine }: ProfileSide, machine: Machine): Profile {
  if (profile.format === 'oci') return profile.value;
  const kernelVersion = release();
  const capabilities = ENGINE_CAPABILITIES[engine?.name ?? 'docker'];
  return resolved(profile.value, engine, { machine, capabilities, kernelVersion });
}

function sentence(policy: Policy, abi: Abi): string {
  let all = 0;
  let some = 0;
  const known = names(abi);
  for (const name of known) {
    const number = syscallNumber(abi, name) as number;
    const region = { abi, number, constraints: [] };
    if (findCall(policy, region, isPassing) === null) continue;
    some += 1;
    if (findCall(policy, region, (answer) => !isPassing(answer)) === null) all += 1;
  }
  const bounded = some - all;
  const of = `${abi}: ${some} of ${known.length} calls may pass`;
  return bounded === 0 ? of : `${of}, ${bounded} of them with certain arguments only`;
}

/**
 * A sentence for each ABI that the profile lists, and for the machine's own where it lists none.
 * Throws a SysieveError for a profile that means nothing certain.
 */
export function permitted(side: ProfileSide): string[] {
  const sentences: string[] = [];
  const foreign = new Set<string>();
  for (const machine of MACHINES) {
    const profile = plain(side, machine);
    const listed = abisOf(machine).filter((abi) =>
      profile.architectures.some((name) => abiOf(name) === abi),
    );
    for (const name of profile.architectures) if (abiOf(name) === null) foreign.add(name);
    const here = machine === (process.arch === 'arm64' ? 'aarch64' : 'x86_64');
    if (listed.length === 0 && !(here && profile.architectures.length === 0)) continue;
    const policy = policyOfProfile(
      { ...profile, architectures: listed.map(archOf) as Profile['architectures'] },
      { runtime: 'runc', machine },
    );
    // A filter always has the machine's own ABI.
    for (const abi of new Set([...abisOf(machine).slice(0, 1), ...listed])) {
      sentences.push(sentence(policy, abi));
    }
  }
  for (const name of foreign) sentences.push(`${name}: there is no table of its calls`);
  return sentences;
}
