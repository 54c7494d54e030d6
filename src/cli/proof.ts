/** Saying what a proof showed. */
import { findingText } from '../staging/compiled';
import type { Proof } from '../verify';
import { say, warn } from './output';

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
