/** What a change of a profile means, and what is wrong in one. No I/O but libseccomp, asked for names. */
import { diff as compare } from '../diff';
import { knownNames } from '../libseccomp';
import { lint as findIn } from '../lint';
import type { ProfileInput } from './profile';
import type { Abi } from './recording';
import { sideOf } from './side';

/**
 * How much a finding weighs. `note`: said, and no reason to fail.
 *
 * @public
 */
export type Severity = 'high' | 'medium' | 'low' | 'note';

/**
 * What a change comes to, by what may pass. `identical`: the same text; `equivalent`: another text, and
 * the same calls may pass.
 *
 * @public
 */
export type Verdict = 'identical' | 'equivalent' | 'narrows' | 'widens' | 'mixed';

/**
 * One thing that a change means, or that is wrong in a profile. Texts that come from a profile, its
 * evidence or its label are untrusted.
 *
 * @public
 */
export interface Finding {
  /** Stable: lower-case words joined by hyphens. */
  readonly rule: string;
  /** How much it weighs. */
  readonly severity: Severity;
  /**
   * `widens`: something passes that did not; `narrows`: something is refused that passed; `denial`:
   * refused before and after, in another way; `handling`: passes before and after, in another way;
   * `none`: about the text, or a finding of {@link lint}.
   */
  readonly effect: 'widens' | 'narrows' | 'denial' | 'handling' | 'none';
  /** null: not about one ABI. */
  readonly abi: Abi | null;
  /** A name, or a number or range of numbers that has none; null: not about one call. */
  readonly call: string | null;
  /** What the filter answers, in words, e.g. "allow", "errno EPERM". */
  readonly before: string | null;
  /** The same of the other profile, or of the one that was looked at. */
  readonly after: string | null;
  /** What passes now, and what no longer, in words; null: whatever the arguments are. */
  readonly values: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
  } | null;
  /** A call that shows it: AUDIT_ARCH_*, number with the x32 bit, six arguments in hex. */
  readonly witness: {
    readonly arch: number;
    readonly nr: number;
    readonly args: readonly string[];
  } | null;
  /** One sentence. */
  readonly message: string;
  /** Why it weighs so much. */
  readonly reason: string | null;
  /** CVEs whose exploits can, or can no longer, make the calls they need. */
  readonly cves: { readonly opens: readonly string[]; readonly closes: readonly string[] };
  /** What the evidence says about the call. */
  readonly evidence: {
    readonly why: readonly string[];
    readonly executables: readonly string[];
    readonly phases: readonly string[];
    readonly justification: string | null;
  } | null;
  /** Counted from 1; null: the profile was given without its text. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number } | null;
  /** Labels of {@link DiffReport.contexts}. */
  readonly contexts: readonly string[];
  /** 16 hex digits; the same after lines have moved. */
  readonly fingerprint: string;
}

/**
 * What a change means.
 *
 * @public
 */
export interface DiffReport {
  /** Of this shape. */
  readonly version: 1;
  /** What the change comes to. */
  readonly verdict: Verdict;
  /** The label of the first profile; untrusted. */
  readonly before: string;
  /** The label of the second one. */
  readonly after: string;
  /** Sentences that stand above everything else; mostly none. */
  readonly headlines: readonly string[];
  /** Where findings hold, in words. */
  readonly contexts: readonly { readonly label: string; readonly verdict: Verdict }[];
  /** CVEs whose calls become reachable, or stop to be. */
  readonly cves: { readonly opens: readonly string[]; readonly closes: readonly string[] };
  /** By severity, then ABI and call. */
  readonly findings: readonly Finding[];
  /** What was assumed or left out, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * In which contexts two profiles are compared. Without them: in all that their gates tell apart.
 *
 * @public
 */
export interface DiffOptions {
  /** Default: those whose architectures the profiles name. */
  machines?: readonly ('x86_64' | 'aarch64')[];
  /** Default: both. */
  runtimes?: readonly ('runc' | 'crun')[];
  /** The container's bounding set, e.g. CAP_SYS_ADMIN. */
  capabilities?: readonly string[];
  /** As `uname -r` prints it. */
  kernelVersion?: string;
  /** Whose reading of the gated format holds for text that does not say. */
  engine?: 'docker' | 'podman';
}

/**
 * What may a process do under `after` that it could not under `before`, and what no longer? Decided
 * exactly, for every call of every ABI and every argument.
 *
 * @throws {@link SysieveError} of kind `input` where something cannot be read, decided or installed: there
 * is no report then, and never one that says "no change".
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { diff } from 'sysieve';
 *
 * const label = 'profiles/web.json';
 * const report = diff(
 *   { default: 'docker' },
 *   { text: readFileSync(label, 'utf8'), label },
 *   { capabilities: ['CAP_NET_BIND_SERVICE'] }, // as the container has them
 * );
 * if (report.verdict === 'widens' || report.verdict === 'mixed') {
 *   for (const { place, message } of report.findings) console.log(place?.line, message);
 * }
 * ```
 *
 * @public
 */
export function diff(
  before: ProfileInput,
  after: ProfileInput,
  options: DiffOptions = {},
): DiffReport {
  const { engine, ...contexts } = options;
  const report = compare(sideOf(before, 'before'), sideOf(after, 'after'), {
    ...contexts,
    ...(engine === undefined ? {} : { engine: { name: engine, version: null } }),
  });
  return {
    version: 1,
    // A comparison has both.
    verdict: report.verdict as Verdict,
    before: report.before as string,
    after: report.after,
    headlines: report.headlines,
    contexts: report.contexts,
    cves: report.cves,
    findings: report.findings.map(withoutWaiver),
    notes: report.notes,
  };
}

/**
 * What is wrong in a profile.
 *
 * @public
 */
export interface LintReport {
  /** Of this shape. */
  readonly version: 1;
  /** By their place in the profile. */
  readonly findings: readonly Finding[];
  /** What was left out, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * For whom a profile is looked at.
 *
 * @public
 */
export interface LintOptions {
  /** Who will load it. Default: any of them, or the engine whose format it is. */
  target?: 'docker' | 'podman' | 'containerd' | 'cri-o' | 'spo';
}

/**
 * What is dangerous, void or mistaken in a profile, judged by what passes under it. Names are held to the
 * libseccomp of this machine; where there is none, a note says so.
 *
 * @throws {@link SysieveError} of kind `input` for what cannot be read.
 *
 * @example
 * ```ts
 * import { lint } from 'sysieve';
 *
 * const { findings } = lint({ text: '{"defaultAction": "SCMP_ACT_ALLOW"}', label: 'web.json' });
 * for (const { severity, rule, message } of findings) console.log(severity, rule, message);
 * ```
 *
 * @public
 */
export function lint(profile: ProfileInput, options: LintOptions = {}): LintReport {
  const side = sideOf(profile);
  const { resolves, notes } = knownNames();
  const findings = findIn({
    profile: side.profile,
    places: side.places,
    evidence: side.evidence,
    target: options.target ?? side.engine?.name ?? null,
    resolves,
  });
  return { version: 1, findings: findings.map(withoutWaiver), notes };
}

/** Waivers are a matter of the command, which reads their file. */
function withoutWaiver({ waiver: _, ...finding }: Finding & { waiver: unknown }): Finding {
  return finding;
}
