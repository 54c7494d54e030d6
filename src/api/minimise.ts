/** Recordings to a profile, and profiles held against recordings: as the commands do it, without files. */
import type { EngineDefaults } from '../minimise';
import { DEFAULT_OPTIONS, selectBaselines } from '../minimise';
import { EVIDENCE_VERSION } from '../profile';
import { mergeRecordings } from '../recording';
import { BASELINES_DIRECTORY, loadBaselines } from '../staging/baselines';
import { compileIfPossible, machineOf } from '../staging/compiled';
import { makeProfile } from '../staging/make-profile';
import { prove } from '../verify';
import type { Evidence, Profile } from './profile';
import type { Abi, Recording } from './recording';

/**
 * How a profile is made. Each has the default that the command has.
 *
 * @public
 */
export interface MinimiseOptions {
  /** Argument rules: none, by kinds of privilege (`safe`, the default), or as seen (`strict`). */
  args?: 'none' | 'safe' | 'strict';
  /** What a call gets that is not in the profile. Default: `errno`. */
  defaultAction?: 'errno' | 'log' | 'kill';
  /** That errno, 1 to 4095. Default: 1, EPERM. */
  denyErrno?: number;
  /** Recorded calls that are permitted although they were denied, or are in risk tier 1 or 2. */
  allow?: readonly string[];
  /** The same with a reason, which is kept in the evidence. */
  justifications?: Readonly<Record<string, string>>;
  /** Take recordings that missed something. */
  allowIncomplete?: boolean;
  /** Container runtimes to start under, e.g. `runc` or `runc@1.1.5`. Default: `all`. */
  runtimes?: 'all' | 'none' | readonly string[];
  /**
   * Default filters beyond which calls are left out; a version null: the newest known. Without it: those of
   * the engines that were recorded. Empty: none.
   */
  engineDefaults?: readonly { engine: 'docker' | 'podman'; version: string | null }[];
  /** Add what another libc, kernel or architecture calls instead. */
  portable?: boolean;
  /** Write for another ABI than the recorded ones. */
  arch?: Abi;
  /** Give up argument rules that cost more nanoseconds than this in a second of the recorded load. */
  maxCost?: number;
}

/**
 * A profile, why each call is in it, and what its making had to say.
 *
 * @public
 */
export interface Minimised {
  /** Permits what was recorded, and what is needed beside it. */
  profile: Profile;
  /** To be written beside the profile, with {@link serializeEvidence}. */
  evidence: Evidence;
  /** What must not be overlooked, a sentence each; names in them are untrusted. */
  warnings: string[];
  /** Always sufficient and minimal: what does not prove is thrown. */
  proof: Proof;
}

/**
 * What was proved of a profile.
 *
 * @public
 */
export interface Proof {
  /** All that was recorded passes, with all of its arguments. */
  sufficient: boolean;
  /** Nothing is permitted without a reason. */
  minimal: boolean;
  /** On the filters that libseccomp compiles for runc and crun; otherwise on what the profile means alone. */
  compiled: boolean;
  /** What fails, each with a call that shows it where there is one. */
  findings: {
    verdict: 'sufficient' | 'minimal';
    /** null: under both. */
    runtime: 'runc' | 'crun' | null;
    message: string;
  }[];
  /** Recorded, and left out by the evidence's own account. */
  leftOut: string[];
  /** What was assumed, a sentence each. */
  notes: string[];
}

/**
 * Makes a least-privilege profile of recordings, and proves it: on the compiled filters where libseccomp is
 * there, otherwise on what it means, with a warning.
 *
 * @param recordings - One, or several of one application: their union counts.
 * @throws {@link SysieveError}: kind `incomplete` for recordings that missed something (unless
 * `allowIncomplete`), `usage` for options that make no sense, `input` for runs that contradict each other.
 *
 * @example
 * ```ts
 * import { readFileSync, writeFileSync } from 'node:fs';
 * import { minimise, parseRecording, serializeEvidence, serializeProfile } from 'sysieve';
 *
 * const recordings = ['monday.json', 'tuesday.json'].map((file) =>
 *   parseRecording(readFileSync(file, 'utf8'), file),
 * );
 * const { profile, evidence, warnings } = await minimise(recordings, { runtimes: ['runc', 'crun'] });
 * for (const warning of warnings) console.error(warning);
 * writeFileSync('web.json', serializeProfile(profile));
 * writeFileSync('web.evidence.json', serializeEvidence(evidence));
 * ```
 *
 * @public
 */
export async function minimise(
  recordings: Recording | readonly Recording[],
  options: MinimiseOptions = {},
): Promise<Minimised> {
  const { maxCost, engineDefaults, runtimes = 'all', ...rest } = options;
  const warnings: string[] = [];
  const { result, proof } = makeProfile(
    {
      recording: mergeRecordings(Array.isArray(recordings) ? recordings : [recordings]),
      baselines: await baselinesFor(runtimes),
      options: {
        ...DEFAULT_OPTIONS,
        ...given(rest),
        runtimes,
        engineDefaults: (engineDefaults ?? null) satisfies EngineDefaults,
      },
      ...(maxCost === undefined ? {} : { maxCost }),
    },
    (text) => warnings.push(text),
  );
  const { profile, evidence: calls, excluded, unseen, report } = result;
  return {
    profile,
    evidence: {
      version: EVIDENCE_VERSION,
      calls,
      excluded,
      unseen,
      justifications: { ...options.justifications },
    },
    warnings: [...warnings, ...report.flatMap((pass) => pass.warnings)],
    proof: shown(proof),
  };
}

/**
 * What a profile is held against.
 *
 * @public
 */
export interface VerifyOptions {
  /** The profile's: what it accounts for need not have been recorded. */
  evidence?: Evidence;
  /** Container runtimes whose needs account for calls. Default: `all`. */
  runtimes?: 'all' | 'none' | readonly string[];
}

/**
 * Whether a profile lets all pass that was recorded, and nothing without a reason.
 *
 * @throws {@link SysieveError} of kind `input` for a profile whose meaning cannot be decided.
 * @public
 */
export async function verify(
  profile: Profile,
  recordings: Recording | readonly Recording[],
  options: VerifyOptions = {},
): Promise<Proof> {
  const { evidence, runtimes = 'all' } = options;
  const notes: string[] = [];
  const compiled = compileIfPossible(profile, (text) => notes.push(text));
  const proof = prove({
    profile,
    evidence: evidence ?? null,
    runs: mergeRecordings(Array.isArray(recordings) ? recordings : [recordings]).runs,
    baselines: selectBaselines(await baselinesFor(runtimes), runtimes),
    machine: machineOf(profile),
    compiled,
  });
  return shown({ ...proof, notes: [...notes, ...proof.notes] });
}

async function baselinesFor(runtimes: 'all' | 'none' | readonly string[]) {
  return runtimes === 'none' ? [] : loadBaselines(BASELINES_DIRECTORY, false);
}

/** Options that were given: `undefined` is none. */
function given<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}

function shown(proof: ReturnType<typeof prove>): Proof {
  const { sufficient, minimal, compiled, findings, leftOut, notes } = proof;
  return {
    sufficient,
    minimal,
    compiled,
    findings: findings.map(({ verdict, runtime, message }) => ({ verdict, runtime, message })),
    leftOut,
    notes,
  };
}
