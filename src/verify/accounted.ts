/** All that recordings, baselines, essentials and evidence together account for. */
import { cubeKey, cubeOf, hasKinds } from '../minimise';
import type { Region } from '../policy';
import type { Evidence, EvidenceCall, Rule, Why } from '../profile';
import { ABIS, type Abi, syscallNumber } from '../tables';
import type { Constraints, Requirement } from './requirements';

export interface Accounted {
  /** As rules that permit it. */
  rules: Rule[];
  /** By name: the calls that have a use for a permission. */
  uses: ReadonlyMap<string, readonly Region[]>;
  /** Whether the evidence says of this very permission that no recorded call needs it. */
  names(rule: Rule): boolean;
}

/** Permitted for a reason that no recording shows. */
const BEYOND_RECORDED: readonly Why[] = ['generalised', 'equivalent', 'reachable', 'fallback'];

function beyond(why: readonly Why[]): boolean {
  return why.some((reason) => BEYOND_RECORDED.includes(reason));
}

function ruleOf(name: string, constraints: Constraints): Rule {
  return {
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: constraints.map(({ index, mask, value }) => ({
      index,
      op: 'SCMP_CMP_MASKED_EQ',
      value: mask,
      valueTwo: value,
    })),
  };
}

function evidenceRules(call: EvidenceCall): Rule[] {
  if (call.action !== 'SCMP_ACT_ALLOW') return [];
  if (call.alternatives === undefined) return beyond(call.why) ? [ruleOf(call.name, [])] : [];
  return call.alternatives
    .filter(({ why }) => beyond(why))
    .map(({ args }) =>
      ruleOf(
        call.name,
        args.map(({ index, mask, value }) => ({
          index,
          mask: BigInt(mask),
          value: BigInt(value),
        })),
      ),
    );
}

function key(rule: Rule): string {
  const cube = cubeOf(rule.args);
  return `${rule.names[0]} ${cube === null ? 'of another form' : cubeKey(cube)}`;
}

/** clone3's flags as clone's first argument, whose low byte is a signal. */
function asClone(constraints: Constraints): Constraints {
  return constraints.map(({ value }) => ({
    index: 0,
    mask: 0xffff_ffff_ffff_ff00n,
    value: value & 0xffff_ff00n,
  }));
}

const LOWER_HALF = 0xffff_ffffn;

/** A call of which nobody claims to bound the arguments is accounted for with all of them. */
function fromUse(name: string, constraints: Constraints): Rule {
  return ruleOf(name, hasKinds(name) ? constraints : []);
}

export function accountedFor(
  evidence: Pick<Evidence, 'calls'> | null,
  required: readonly Requirement[],
  provided: readonly { name: string; constraints: Constraints }[],
): Accounted {
  const named = (evidence?.calls ?? []).flatMap(evidenceRules);
  const namedKeys = new Set(named.map(key));
  const rules = new Map<string, Rule>();
  const uses = new Map<string, Region[]>();
  const use = (abi: Abi, name: string, number: number, constraints: Constraints) => {
    // An entry is for every ABI: what a 32-bit one has no registers for, it leaves open.
    const narrow = abi === 'i386' || abi === 'arm';
    const rule = fromUse(
      name,
      constraints.map((bits) => (narrow ? { ...bits, mask: bits.mask & LOWER_HALF } : bits)),
    );
    rules.set(key(rule), rule);
    const known = uses.get(name) ?? [];
    known.push({ abi, number, constraints });
    uses.set(name, known);
  };
  for (const { abi, name, number, constraints, passed } of required) {
    // Only ever denied: permitted by request, which is in the evidence.
    const asked = evidence?.calls.some(
      (call) => call.name === name && call.why.includes('observed'),
    );
    if (name !== null && (passed || asked === true)) use(abi, name, number, constraints);
    const clone = syscallNumber(abi, 'clone');
    // Told ENOSYS, its callers use clone with the same flags.
    if (name === 'clone3' && passed && clone !== null)
      use(abi, 'clone', clone, asClone(constraints));
  }
  for (const { name, constraints } of provided) {
    for (const abi of ABIS) {
      const number = syscallNumber(abi, name);
      if (number !== null) use(abi, name, number, constraints);
    }
  }
  for (const rule of named) rules.set(key(rule), rule);
  return {
    rules: [...rules.values()],
    uses,
    names: (rule) => namedKeys.has(key(rule)),
  };
}
