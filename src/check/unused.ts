/** What a profile permits and its application was not seen to need. */
import { diff, type ProfileSide } from '../diff';
import type { Finding } from '../review';
import { finding } from './finding';
import type { CheckInput } from './types';

function needed({ need }: CheckInput): ProfileSide {
  return {
    kind: 'profile',
    label: 'what was recorded',
    notes: [],
    profile: { format: 'oci', value: need.profile },
    engine: null,
    text: null,
    places: () => null,
    evidence: null,
  };
}

/** What it permits, without the words of a comparison. */
function permitted({ call, values, message }: Finding): string {
  if (call === null) return message;
  const added = values?.added ?? [];
  return added.length === 0 ? call : `${call} with ${added.join('; or ')}`;
}

/**
 * Need is the profile that minimise would make: what was recorded, what is essential, in a baseline,
 * or added by the options of the app. What the committed one permits beyond it is what a diff of the
 * two calls wider.
 */
export function unusedCalls(input: CheckInput): { findings: Finding[]; notes: string[] } {
  const { app, side } = input;
  const report = diff(needed(input), side);
  const seen = new Map<string, Finding>();
  for (const wider of report.findings) {
    if (wider.effect !== 'widens') continue;
    const { abi, call, values, witness, reason, cves, evidence, place } = wider;
    const made = finding(app, {
      rule: call === null ? 'check-unused-rule' : 'check-unused-call',
      severity: 'note',
      abi,
      call,
      before: null,
      after: null,
      values,
      witness,
      message: `${app} was not seen to need: ${permitted(wider)}`,
      reason,
      cves,
      evidence,
      place,
    });
    // runc and crun differ in how they refuse, hardly ever in what they let pass.
    seen.set(made.fingerprint, made);
  }
  return { findings: [...seen.values()], notes: [...report.notes] };
}

/** How many calls they are: one of several ABIs is one, what is about no single call is one too. */
export function countUnused(findings: readonly Finding[]): number {
  const open = findings.filter(({ waiver }) => waiver === null);
  return new Set(open.map(({ call, fingerprint }) => call ?? fingerprint)).size;
}
