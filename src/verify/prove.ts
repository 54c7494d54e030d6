/**
 * The two things a profile has to be, decided on what it means to runc and to crun:
 * sufficient: every recorded call that was not denied, with all of its arguments, passes, or is told
 * the errno upon which its caller is known to fall back;
 * minimal: whatever is permitted is accounted for by a recorded, essential or baseline call or by a
 * name in the evidence, and no alternative could be taken away without taking a call with it.
 */
import type { Baseline } from '../minimise';
import {
  type Answer,
  type Call,
  contains,
  equal,
  findCall,
  isPassing,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
} from '../policy';
import type { Condition, Evidence, Profile, Rule } from '../profile';
import type { Run } from '../recording';
import { abiOf, abiOfCall, ENOSYS, syscallName, syscallNumber, X32_BIT } from '../tables';
import { type Accounted, accountedFor } from './accounted';
import { provided, type Requirement, recorded } from './requirements';

export type Runtime = 'runc' | 'crun';
const RUNTIMES: readonly Runtime[] = ['runc', 'crun'];

/** The program libseccomp makes of the profile for a runtime, and the names it does not know. */
export interface Compiled {
  program: Uint8Array;
  skipped: readonly string[];
}

export interface ProveInput {
  profile: Profile;
  /** null: nothing but recordings and baselines accounts for what is permitted. */
  evidence: Pick<Evidence, 'calls' | 'excluded'> | null;
  runs: readonly Run[];
  baselines: readonly Baseline[];
  machine: 'x86_64' | 'aarch64';
  /** null: libseccomp is not there; what the profile means is then all that is proved. */
  compiled: Readonly<Record<Runtime, Compiled>> | null;
}

export interface Finding {
  verdict: 'sufficient' | 'minimal';
  /** null: under both. */
  runtime: Runtime | null;
  message: string;
  witness: Call | null;
}

export interface Proof {
  sufficient: boolean;
  minimal: boolean;
  /** On the compiled filters; otherwise on the profile's meaning alone. */
  compiled: boolean;
  findings: Finding[];
  /** Recorded calls that the evidence says were left out on purpose. */
  leftOut: string[];
  notes: string[];
}

function answerText({ action, data }: Answer): string {
  return action === 'errno' ? `errno ${data}` : action;
}

function nameOf({ arch, nr }: Call): string | null {
  const abi = abiOfCall(arch, nr);
  return abi === null ? null : syscallName(abi, abi === 'x32' ? nr & ~X32_BIT : nr);
}

/** "x86_64 socket(0x10, 0x3)" */
export function callText(call: Call): string {
  const abi = abiOfCall(call.arch, call.nr);
  const where = abi ?? `architecture 0x${call.arch.toString(16)}`;
  const args = [...(call.args ?? [])];
  while (args.length > 0 && args.at(-1) === 0n) args.pop();
  const shown = args.map((value) => `0x${value.toString(16)}`).join(', ');
  return `${where} ${nameOf(call) ?? `#${call.nr}`}(${shown})`;
}

interface Meaning {
  runtime: Runtime;
  policy: Policy;
  /** Names the library here is too old for, and what a newer one would make of the profile. */
  unknown: { names: readonly string[]; policy: Policy } | null;
}

function withoutNames(profile: Profile, names: readonly string[]): Profile {
  const syscalls = profile.syscalls.flatMap((rule): Rule[] => {
    const kept = rule.names.filter((name) => !names.includes(name));
    return kept.length === 0 ? [] : [{ ...rule, names: kept }];
  });
  return { ...profile, syscalls };
}

/** What the profile means to each runtime: by the compiled filter where there is one. */
function meanings(input: ProveInput, proof: Proof): Meaning[] {
  const { profile, compiled, machine } = input;
  // The program was made with runc's answer for the ABIs listed, not for the machine's own besides.
  const context = { machine, enosys: 'listed' } as const;
  return RUNTIMES.map((runtime) => {
    if (compiled === null) {
      return { runtime, policy: policyOfProfile(profile, { ...context, runtime }), unknown: null };
    }
    const { program, skipped } = compiled[runtime];
    const policy = policyOfPrograms([program]);
    if (skipped.length > 0) {
      const note = `libseccomp here does not know ${skipped.join(', ')}, so its filter refuses them; a newer one makes of the profile what is proved here`;
      if (!proof.notes.includes(note)) proof.notes.push(note);
    }
    const meant = policyOfProfile(withoutNames(profile, skipped), { ...context, runtime });
    if (!equal(policy, meant)) {
      proof.findings.push({
        verdict: 'sufficient',
        runtime,
        message: "libseccomp's filter differs from what the profile means",
        witness: null,
      });
    }
    const whole = policyOfProfile(profile, { ...context, runtime });
    const unknown = skipped.length === 0 ? null : { names: skipped, policy: whole };
    return { runtime, policy, unknown };
  });
}

/** The errno a caller falls back upon: nothing of the region gets any other refusal. */
function fallsBack(
  policy: Policy,
  required: Requirement,
  evidence: ProveInput['evidence'],
): boolean {
  const listed = evidence?.calls.some(
    (call) => call.name === required.name && call.why.includes('fallback'),
  );
  if (listed !== true) return false;
  const other = (answer: Answer) =>
    !isPassing(answer) && !(answer.action === 'errno' && answer.data === ENOSYS);
  if (findCall(policy, required, other) !== null) return false;
  return required.name !== 'clone3' || cloneInstead(policy, required);
}

/** The flags clone and clone3 have in common; clone's low byte is a signal. */
const SHARED_FLAGS = 0xffff_ff00n;

function cloneInstead(policy: Policy, { abi, constraints }: Requirement): boolean {
  const number = syscallNumber(abi, 'clone');
  if (number === null) return false;
  const flags = constraints.map(({ value }) => ({
    index: 0,
    // No libc sets what lies above them, and the low byte is free.
    mask: ~0xffn & 0xffff_ffff_ffff_ffffn,
    value: value & SHARED_FLAGS,
  }));
  return findCall(policy, { abi, number, constraints: flags }, (a) => !isPassing(a)) === null;
}

function proveSufficient(
  meaning: Meaning,
  required: readonly Requirement[],
  evidence: ProveInput['evidence'],
): Finding[] {
  const { runtime, unknown } = meaning;
  return required
    .filter(({ passed }) => passed)
    .flatMap((call): Finding[] => {
      if (call.number < 0) return [];
      const old = call.name !== null && unknown?.names.includes(call.name) === true;
      const policy = old ? unknown.policy : meaning.policy;
      const refused = findCall(policy, call, (answer) => !isPassing(answer));
      if (refused === null || fallsBack(policy, call, evidence)) return [];
      return [
        {
          verdict: 'sufficient',
          runtime,
          message: `recorded, but answered ${answerText(refused.answer)}: ${callText(refused.call)}`,
          witness: refused.call,
        },
      ];
    });
}

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
  const proof: Proof = {
    sufficient: false,
    minimal: false,
    compiled: input.compiled !== null,
    findings: [],
    leftOut,
    notes: [],
  };
  const nameless = required.filter(({ passed, number }) => passed && number < 0);
  if (nameless.length > 0) proof.notes.push(`${nameless.length} recorded numbers have no name`);
  for (const meaning of meanings(input, proof)) {
    proof.findings.push(...proveSufficient(meaning, required, evidence));
  }
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
