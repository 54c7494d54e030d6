/** What an application was recorded to need and its profile refuses. */
import { answerText } from '../policy';
import { type Finding, NOTHING, type Place, type Witness } from '../review';
import { ABIS, type Abi, describeSet } from '../tables';
import { type Refused, recordedAndRefused } from '../verify';
import { finding } from './finding';
import type { CheckInput } from './types';

interface Missing {
  readonly abi: Abi;
  /** A number without a name is "#1234". */
  readonly name: string;
  /** null: the call as a whole, whatever its arguments. */
  values: Set<string> | null;
  readonly answers: Set<string>;
  readonly executables: Set<string>;
  readonly phases: Set<string>;
  readonly witness: Witness;
}

const INT = 0xffff_ffffn;

function argumentsText({ requirement: { name, abi, constraints } }: Refused): string | null {
  if (name === null || constraints.length === 0) return null;
  // The upper half of their registers is empty, which goes without saying.
  const narrow = abi === 'i386' || abi === 'arm';
  return constraints
    .map(({ index, mask, value }) => {
      const cube = { mask: narrow ? mask & INT : mask, value };
      return describeSet(name, index, { kind: 'bits', cubes: [cube] });
    })
    .join(' and ');
}

function witnessOf({ call: { arch, nr, args = [] } }: Refused): Witness {
  const words = Array.from({ length: 6 }, (_, at) => args[at] ?? 0n);
  return { arch, nr, args: words.map((word) => `0x${word.toString(16)}`) };
}

function byCall(refused: readonly Refused[]): Missing[] {
  const calls = new Map<string, Missing>();
  for (const one of refused) {
    const { abi, name, number, executables, phases } = one.requirement;
    const shown = name ?? `#${number}`;
    const key = `${abi} ${shown}`;
    const known = calls.get(key) ?? {
      abi,
      name: shown,
      values: new Set<string>(),
      answers: new Set<string>(),
      executables: new Set<string>(),
      phases: new Set<string>(),
      witness: witnessOf(one),
    };
    calls.set(key, known);
    const text = argumentsText(one);
    if (text === null) known.values = null;
    else known.values?.add(text);
    known.answers.add(answerText(one.answer));
    for (const path of executables) known.executables.add(path);
    for (const phase of phases) known.phases.add(phase);
  }
  const order = ({ abi }: Missing) => ABIS.indexOf(abi);
  return [...calls.values()].sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
}

/** The rule that permits the call with other arguments; else where the rules are. */
function placeOf({ profile, side }: CheckInput, name: string): Place | null {
  const at = profile.syscalls.findIndex(
    ({ names, action }) => names.includes(name) && action === 'SCMP_ACT_ALLOW',
  );
  if (at === -1) return side.places(['syscalls']);
  const position = profile.syscalls[at]?.names.indexOf(name) ?? 0;
  return side.places(['syscalls', at, 'names', position]);
}

/** Why the profile would not permit it when made anew either; null: it would. */
function obstacle({ need }: CheckInput, { abi, name }: Missing): string | null {
  const left = need.excluded.find((one) => one.abi === abi && one.name === name);
  if (left === undefined) return null;
  return `a profile made of this recording leaves it out as well: ${left.reason}`;
}

const SHOWN = 3;

function listed(texts: Iterable<string>): string {
  const all = [...texts].sort();
  const more = all.length - SHOWN;
  return `${all.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** "web needs: rename by /usr/sbin/nginx, in steady" */
function messageOf(app: string, { name, abi, values, executables, phases }: Missing): string {
  return [
    `${app} needs: ${abi === 'x86_64' ? name : `${abi} ${name}`}`,
    values === null ? '' : ` with ${[...values].sort().slice(0, SHOWN).join('; or ')}`,
    values !== null && values.size > SHOWN ? ` and ${values.size - SHOWN} more` : '',
    executables.size === 0 ? ' by an unknown executable' : ` by ${listed(executables)}`,
    phases.size === 0 ? '' : `, in ${listed(phases)}`,
  ].join('');
}

function missingCall(input: CheckInput, missing: Missing): Finding {
  const { app, side } = input;
  const { abi, name, values, answers, executables, phases, witness } = missing;
  const justifications = side.evidence?.justifications ?? {};
  return finding(app, {
    ...NOTHING,
    rule: 'check-missing-call',
    severity: 'high',
    abi,
    call: name,
    before: [...answers].sort().join(' or '),
    after: 'allow',
    values: values === null ? null : { added: [...values].sort(), removed: [] },
    witness,
    message: messageOf(app, missing),
    reason: obstacle(input, missing),
    evidence: {
      why: ['observed'],
      executables: [...executables].sort(),
      phases: [...phases],
      justification: Object.hasOwn(justifications, name) ? (justifications[name] ?? null) : null,
    },
    place: placeOf(input, name),
  });
}

/** Decided on the filters of runc and crun, as `verify` decides what is sufficient. */
export function missingCalls(input: CheckInput): { findings: Finding[]; notes: string[] } {
  const { app, side, profile, runs, compiled, machine } = input;
  const { evidence } = side;
  const proof = recordedAndRefused({ profile, evidence, runs, machine, compiled });
  const findings = byCall(proof.refused).map((missing) => missingCall(input, missing));
  // Said of the filter as a whole, and so of no call.
  const whole = proof.findings.filter(({ witness }) => witness === null);
  for (const message of new Set(whole.map((one) => one.message))) {
    findings.push(
      finding(app, {
        ...NOTHING,
        rule: 'check-filter-differs',
        severity: 'high',
        message: `${app}: ${message}`,
        place: side.places([]),
      }),
    );
  }
  const left = proof.leftOut;
  const said = `recorded, and left out by the evidence's own account: ${left.join(', ')}`;
  return { findings, notes: [...proof.notes, ...(left.length > 0 ? [said] : [])] };
}
