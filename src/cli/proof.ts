/** Compiling a profile for the proof, and saying what it showed. */
import { SysieveError } from '../errors';
import { compile } from '../libseccomp';
import type { Profile } from '../profile';
import { abiOf, abisOfMachine } from '../tables';
import type { Compiled, Finding, Proof } from '../verify';
import { say, warn } from './output';

/** The machine whose filter a profile is compiled to. */
export function machineOf(profile: Profile): 'x86_64' | 'aarch64' {
  const listed = profile.architectures.flatMap((arch) => abiOf(arch) ?? []);
  const arm = abisOfMachine('aarch64') ?? [];
  return listed.length > 0 && listed.every((abi) => arm.includes(abi)) ? 'aarch64' : 'x86_64';
}

/** What libseccomp makes of it for each runtime. Throws a SysieveError of kind system without it. */
export function compileForBoth(profile: Profile): Readonly<Record<'runc' | 'crun', Compiled>> {
  // A profile of another machine: this one's own architecture is not part of that filter.
  const native = process.arch === 'x64' && machineOf(profile) === 'aarch64' ? 'listed' : 'kept';
  return {
    runc: compile(profile, { native, enosys: 'listed' }),
    crun: compile(profile, { native, enosys: false }),
  };
}

/** null and a loud line: the machine has no libseccomp, or no way to call it. */
export function compileIfPossible(
  profile: Profile,
): Readonly<Record<'runc' | 'crun', Compiled>> | null {
  try {
    return compileForBoth(profile);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind !== 'system') throw thrown;
    warn(
      `not proved on the compiled filter: ${thrown.message}; proved only on what the profile means`,
    );
    return null;
  }
}

export function findingText({ verdict, runtime, message }: Finding): string {
  return `${verdict}${runtime === null ? '' : ` (${runtime})`}: ${message}`;
}

export function sayProof(proof: Proof): void {
  const how = proof.compiled ? 'on the filters of runc and crun' : 'on its meaning alone';
  for (const note of proof.notes) warn(note);
  if (proof.leftOut.length > 0) {
    warn(`recorded, and left out by the evidence's own account: ${proof.leftOut.join(', ')}`);
  }
  for (const finding of proof.findings) say(findingText(finding));
  say(`sufficient: ${proof.sufficient ? 'yes' : 'no'}, ${how}`);
  say(`minimal: ${proof.minimal ? 'yes' : 'no'}, ${how}`);
}

export function proofJson(proof: Proof): object {
  const { findings, ...rest } = proof;
  return {
    version: 1,
    ...rest,
    findings: findings.map(({ verdict, runtime, message, witness }) => ({
      verdict,
      runtime,
      message,
      witness:
        witness === null
          ? null
          : {
              arch: witness.arch,
              nr: witness.nr,
              args: (witness.args ?? []).map((value) => `0x${value.toString(16)}`),
            },
    })),
  };
}
