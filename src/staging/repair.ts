/**
 * Folds the calls that a run was denied into the profile it was made under: the union of that
 * profile and of one minimised from these calls alone, proved. No I/O.
 */
import { SysieveError } from '../errors';
import { mergeEvidence, mergeProfiles } from '../merge';
import {
  type Baseline,
  DEFAULT_OPTIONS,
  type EngineDefaults,
  hasKinds,
  type MinimiseResult,
  minimise,
  type Tier,
} from '../minimise';
import { EVIDENCE_VERSION, type Evidence, type Profile, serializeProfile } from '../profile';
import type { Call, Run } from '../recording';
import { ENOSYS, riskTier, trackedArguments } from '../tables';
import { type Proof, type ProveInput, prove } from '../verify';
import { deniedArguments } from './denied';
import type { DeniedCall } from './types';

export interface RepairInput {
  profile: Profile;
  /** null: none lies beside it, and none will. */
  evidence: Evidence | null;
  /** Made under the profile. */
  run: Run;
  /** Those of the run that are no fallback. */
  denied: readonly DeniedCall[];
  /** What the profile came from, and earlier rounds; empty: only sufficiency can be proved. */
  recordings: readonly Run[];
  baselines: readonly Baseline[];
  machine: 'x86_64' | 'aarch64';
  compile(profile: Profile): ProveInput['compiled'];
  allow: readonly string[];
  args: Tier;
  engineDefaults: EngineDefaults;
}

/** A denied call that stays denied. */
interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export interface Repaired {
  readonly profile: Profile;
  readonly evidence: Evidence | null;
  /** Whether it differs from the one before. */
  readonly changed: boolean;
  /** Names that were folded in, sorted. */
  readonly added: readonly string[];
  readonly leftOut: readonly LeftOut[];
  readonly warnings: readonly string[];
  /** The denied calls that were folded in, as a run in which they passed. */
  readonly needed: Run;
}

const BEYOND = "beyond the engine's default filter";
/** Passes whose warnings are about whole recordings, or say what `leftOut` does. */
const TOLD = ['completeness', 'essentials', 'fallback', 'runtime', 'risk', 'engine-default'];

const labelOf = ({ name, number }: Pick<DeniedCall, 'name' | 'number'>) => name ?? `#${number}`;

/** Why a call is not even handed to minimise; null: it is. */
function unfit(call: Call, denied: DeniedCall, asked: boolean): string | null {
  if (denied.name === null) return 'no table names this number, so that no profile can permit it';
  if (asked) return null;
  const tier = riskTier(denied.name);
  if (tier === 1 || tier === 2) return `risk tier ${tier}`;
  if (!hasKinds(denied.name) || trackedArguments(call.abi, denied.name) === null) return null;
  const args = deniedArguments(call);
  // Permitted with every argument it would be wider than what was denied, and nobody would see it.
  if (args === null || args.tuples.length === 0) return 'its arguments are not known';
  const known = args.tuples.reduce((sum, { count }) => sum + count, 0);
  return known < call.denied.count ? 'not all of its arguments are known' : null;
}

function passed(call: Call): Call {
  const { denied, args, ...rest } = call;
  return {
    ...rest,
    count: denied.count,
    denied: { count: 0, errnos: {} },
    args: deniedArguments(call) ?? (args === null ? null : { ...args, tuples: [] }),
  };
}

/** The same answers as the profile's where nothing permits, so that a union changes none. */
function alike({ profile }: MinimiseResult, like: Profile): Profile {
  const { defaultAction, defaultErrnoRet, flags, listenerPath, listenerMetadata } = like;
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: profile.architectures,
    ...(flags === undefined ? {} : { flags }),
    ...(listenerPath === undefined ? {} : { listenerPath }),
    ...(listenerMetadata === undefined ? {} : { listenerMetadata }),
    syscalls: profile.syscalls,
  };
}

function unproved(what: string, findings: Proof['findings']): SysieveError {
  return new SysieveError('defect', 'proof-failed', `${what} does not prove, so none is written`, {
    cause: findings.map(({ verdict, message }) => `${verdict}: ${message}`).join(' | '),
    remedy: 'Please report this with the profile and its recordings.',
  });
}

/** A profile of the denied calls alone; null: none of them may enter. */
function profileOf(
  input: RepairInput,
  needed: Run,
): { result: MinimiseResult; profile: Profile } | null {
  const names = new Set(needed.calls.map(({ name }) => name));
  let result: MinimiseResult;
  try {
    result = minimise({
      recordings: [{ version: 1, runs: [needed] }],
      baselines: [],
      options: {
        ...DEFAULT_OPTIONS,
        // A few calls are no whole run, and nothing but they may enter.
        allowIncomplete: true,
        without: ['essentials', 'fallback'],
        runtimes: 'none',
        allow: input.allow.filter((name) => names.has(name)),
        justifications: input.evidence?.justifications ?? {},
        args: input.args,
        engineDefaults: input.engineDefaults,
      },
    });
  } catch (error) {
    if (error instanceof SysieveError && error.code === 'recording-empty') return null;
    throw error;
  }
  const proof = prove({
    profile: result.profile,
    evidence: { calls: result.evidence, excluded: result.excluded },
    runs: [needed],
    baselines: [],
    machine: input.machine,
    compiled: input.compile(result.profile),
  });
  if (!proof.sufficient || !proof.minimal) {
    throw unproved('the profile of the denied calls', proof.findings);
  }
  return { result, profile: alike(result, input.profile) };
}

/** clone3 has its flags in memory: told ENOSYS, the C library shows them in clone's register. */
function clone3Fallback(profile: Profile, call: Call, denied: DeniedCall) {
  const rule = { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, args: [] } as const;
  return {
    profile: { ...profile, syscalls: [{ ...rule, names: ['clone3'], args: [] }] },
    evidence: {
      abi: call.abi,
      name: 'clone3',
      action: rule.action,
      errnoRet: ENOSYS,
      why: ['fallback' as const],
      executables: [...denied.executables],
      phases: [...call.phases],
    },
  };
}

function merged(input: RepairInput, parts: readonly { source: string; profile: Profile }[]) {
  return mergeProfiles([{ source: 'the profile', profile: input.profile }, ...parts]).profile;
}

/** What was permitted without a reason before, the repair is not to blame for. */
function newFindings(input: RepairInput, before: Proof, after: Proof): Proof['findings'] {
  const known = new Set(before.findings.map(({ message }) => message));
  return after.findings.filter(
    ({ verdict, message }) =>
      verdict === 'sufficient' || (input.recordings.length > 0 && !known.has(message)),
  );
}

/** Throws a SysieveError where the result does not prove, or no OCI profile says it. */
export function repair(input: RepairInput): Repaired {
  const { profile, evidence, run, denied } = input;
  const justified = evidence?.justifications ?? {};
  const leftOut: LeftOut[] = [];
  const calls: Call[] = [];
  const parts: { source: string; profile: Profile }[] = [];
  const added: Evidence['calls'] = [];
  for (const one of denied) {
    const call = run.calls.find((c) => c.abi === one.abi && c.number === one.number);
    if (call === undefined) continue;
    const name = labelOf(one);
    const asked = input.allow.includes(name) || Object.hasOwn(justified, name);
    if (name === 'clone3' && !asked) {
      const fallback = clone3Fallback(profile, call, one);
      parts.push({ source: 'the answer to clone3', profile: fallback.profile });
      added.push(fallback.evidence);
      continue;
    }
    const reason = unfit(call, one, asked);
    if (reason === null) calls.push(passed(call));
    else leftOut.push({ name, reason });
  }
  const needed: Run = { ...run, calls };
  const made = calls.length === 0 ? null : profileOf(input, needed);
  const excluded = made?.result.excluded ?? [];
  if (made === null)
    for (const { name } of calls) leftOut.push({ name: name ?? '', reason: BEYOND });
  else {
    parts.push({ source: 'the profile of the denied calls', profile: made.profile });
    added.push(...made.result.evidence);
    for (const { name, reason } of excluded) leftOut.push({ name, reason });
  }
  const now = parts.length === 0 ? profile : merged(input, parts);
  const sum: Evidence | null =
    evidence === null
      ? null
      : mergeEvidence([
          evidence,
          { version: EVIDENCE_VERSION, calls: added, excluded: [], justifications: {} },
        ]);
  const proving = (which: Profile, by: Evidence | null, runs: readonly Run[]) =>
    prove({
      profile: which,
      evidence: { calls: [...(by?.calls ?? []), ...(by === null ? added : [])], excluded },
      runs,
      baselines: input.baselines,
      machine: input.machine,
      compiled: input.compile(which),
    });
  const before = proving(profile, evidence, input.recordings);
  // Of the same id as the run itself: a set of runs for the proof, not a recording.
  const after = proving(now, sum, [...input.recordings, run, ...(made === null ? [] : [needed])]);
  const problems = newFindings(input, before, after);
  if (problems.length > 0) throw unproved('the repaired profile', problems);
  return {
    profile: now,
    evidence: sum,
    changed: serializeProfile(now) !== serializeProfile(profile),
    added: [...new Set(added.map(({ name }) => name))].sort(),
    leftOut,
    warnings: (made?.result.report ?? [])
      .filter(({ pass }) => !TOLD.includes(pass))
      .flatMap(({ warnings }) => warnings),
    needed,
  };
}
