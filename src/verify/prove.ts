/**
 * The two things a profile has to be, decided on what it means to runc and to crun:
 * sufficient: every recorded call that was not denied, with all of its arguments, passes, or is told
 * the errno upon which its caller is known to fall back;
 * minimal: whatever is permitted is accounted for by a recorded, essential or baseline call or by a
 * name in the evidence, and no alternative could be taken away without taking a call with it.
 */
import { contains, equal, findCall, isPassing, type Policy, policyOfProfile } from '../policy';
import type { Condition, Profile, Rule } from '../profile';
import { abiOf } from '../tables';
import { type Accounted, accountedFor } from './accounted';
import { provided, type Requirement, recorded } from './requirements';
import { sufficiency } from './sufficient';
import { type Finding, type Proof, type ProveInput, RUNTIMES, type Runtime } from './types';
import { callText, nameOf } from './words';

/** What these rules alone permit in the profile's ABIs, as they say it. */
function permittedBy(
  { profile: { architectures }, machine }: ProveInput,
  runtime: Runtime,
  syscalls: readonly Rule[],
): Policy {
  const denying: Profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures,
    syscalls: [...syscalls],
  };
  return policyOfProfile(denying, { runtime, machine, asWritten: true });
}

function permits({ action }: Rule): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

interface Permission {
  name: string;
  rule: Rule;
}

function conditionText({ index, op, value, valueTwo }: Condition): string {
  const hex = (n: bigint) => `0x${n.toString(16)}`;
  const operator = op.replace('SCMP_CMP_', '');
  return op === 'SCMP_CMP_MASKED_EQ'
    ? `arg${index} & ${hex(value)} == ${hex(valueTwo)}`
    : `arg${index} ${operator} ${hex(value)}`;
}

function permissionText({ name, rule }: Permission): string {
  return rule.args.length === 0 ? name : `${name} with ${rule.args.map(conditionText).join(', ')}`;
}

function permissionsByName(profile: Profile): Map<string, Permission[]> {
  const byName = new Map<string, Permission[]>();
  for (const rule of profile.syscalls.filter(permits)) {
    for (const name of rule.names) {
      byName.set(name, [...(byName.get(name) ?? []), { name, rule: { ...rule, names: [name] } }]);
    }
  }
  return byName;
}

const MAX_WITNESSES = 20;

function unaccounted(input: ProveInput, runtime: Runtime, accounted: Accounted): Finding[] {
  const narrow = permittedBy(input, runtime, input.profile.syscalls);
  const findings: Finding[] = [];
  const known = [...accounted.rules];
  while (findings.length < MAX_WITNESSES) {
    const wide = permittedBy(input, runtime, known);
    const answer = contains(wide, narrow);
    if (answer.holds) break;
    const { witness } = answer;
    findings.push({
      verdict: 'minimal',
      runtime,
      message: `permitted, and nothing accounts for it: ${callText(witness)}`,
      witness,
    });
    const name = nameOf(witness);
    if (name === null) break;
    // On to the next name.
    known.push({ names: [name], action: 'SCMP_ACT_ALLOW', args: [] });
  }
  return findings;
}

/** Alternatives without which nothing would change, and such as no call has a use for. */
function idle(input: ProveInput, runtime: Runtime, accounted: Accounted): Finding[] {
  const findings: Finding[] = [];
  const report = (permission: Permission, message: string) =>
    findings.push({
      verdict: 'minimal',
      runtime,
      message: `${permissionText(permission)}: ${message}`,
      witness: null,
    });
  for (const [name, permissions] of permissionsByName(input.profile)) {
    const rules = permissions.map(({ rule }) => rule);
    const whole = rules.length > 1 ? permittedBy(input, runtime, rules) : null;
    for (const [at, permission] of permissions.entries()) {
      if (whole !== null) {
        const others = rules.filter((_, other) => other !== at);
        if (equal(whole, permittedBy(input, runtime, others))) {
          report(permission, 'permits nothing that others do not');
          continue;
        }
      }
      if (accounted.names(permission.rule)) continue;
      const uses = accounted.uses.get(name) ?? [];
      if (uses.length === 0) report(permission, 'nothing recorded needs it');
      else if (permission.rule.args.length > 0) {
        const alone = permittedBy(input, runtime, [permission.rule]);
        const used = uses.some((use) => findCall(alone, use, isPassing) !== null);
        if (!used) report(permission, 'no recorded call has these arguments');
      }
    }
  }
  return findings;
}

function unusedArchitectures(input: ProveInput, required: readonly Requirement[]): Finding[] {
  const used = new Set(required.filter(({ passed }) => passed).map(({ abi }) => abi));
  return input.profile.architectures.flatMap((arch): Finding[] => {
    const abi = abiOf(arch);
    if (abi !== null && used.has(abi)) return [];
    const message = `${arch} is listed, and nothing was recorded under it`;
    return [{ verdict: 'minimal', runtime: null, message, witness: null }];
  });
}

/** Both runtimes find the same thing most of the time: then it is said once. */
function joined(findings: readonly Finding[]): Finding[] {
  const byText = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.verdict} ${finding.message}`;
    const known = byText.get(key);
    const both = known !== undefined && known.runtime !== finding.runtime;
    byText.set(key, both ? { ...known, runtime: null } : finding);
  }
  return [...byText.values()];
}

/** Throws SysieveError for a profile whose meaning cannot be decided. */
export function prove(input: ProveInput): Proof {
  const { profile, evidence, runs, baselines } = input;
  const { required, leftOut } = recorded(runs, profile, evidence?.excluded ?? []);
  const { findings, notes } = sufficiency(input, required);
  const proof: Proof = {
    sufficient: false,
    minimal: false,
    compiled: input.compiled !== null,
    findings: [...findings],
    leftOut,
    notes: [],
  };
  const nameless = required.filter(({ passed, number }) => passed && number < 0);
  if (nameless.length > 0) proof.notes.push(`${nameless.length} recorded numbers have no name`);
  proof.notes.push(...notes);
  const machines = [...new Set(runs.map((run) => run.host.machine))];
  const accounted = accountedFor(evidence, required, provided(profile, baselines, machines));
  for (const runtime of RUNTIMES) {
    proof.findings.push(
      ...unaccounted(input, runtime, accounted),
      ...idle(input, runtime, accounted),
    );
  }
  proof.findings.push(...unusedArchitectures(input, required));
  proof.findings = joined(proof.findings);
  proof.sufficient = !proof.findings.some(({ verdict }) => verdict === 'sufficient');
  proof.minimal = !proof.findings.some(({ verdict }) => verdict === 'minimal');
  return proof;
}
