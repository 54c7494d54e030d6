/** What a review says: findings about a profile, or about what a change to one means. */
import type { Abi } from '../tables';

/** note: said, and no reason to fail. */
export const SEVERITIES = ['high', 'medium', 'low', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * widens: something passes that did not. narrows: something is refused that passed. denial: refused
 * before and after, in another way. handling: passes before and after, in another way (logged).
 * none: about the text of a profile, or a finding of lint.
 */
export type Effect = 'widens' | 'narrows' | 'denial' | 'handling' | 'none';

/**
 * Of what may pass. identical: the same text. equivalent: another text, and exactly the same calls may
 * pass (how the others are refused may differ, which findings of effect `denial` say).
 */
export const VERDICTS = ['identical', 'equivalent', 'narrows', 'widens', 'mixed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A call that shows the finding. */
export interface Witness {
  /** AUDIT_ARCH_* */
  readonly arch: number;
  /** As a filter sees it, the x32 bit included. */
  readonly nr: number;
  /** Six, 0x-prefixed hex. */
  readonly args: readonly string[];
}

/** What the evidence beside the profile says about the call. Paths and texts are untrusted. */
export interface Reasons {
  readonly why: readonly string[];
  readonly executables: readonly string[];
  readonly phases: readonly string[];
  readonly justification: string | null;
}

export interface Place {
  /** As the user named it; untrusted. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

export interface Waiver {
  readonly reason: string;
  /** The last day it holds, as YYYY-MM-DD. */
  readonly expires: string;
}

export interface Finding {
  /** Stable id, lower-case words joined by hyphens. */
  readonly rule: string;
  readonly severity: Severity;
  readonly effect: Effect;
  /** null: not about one ABI. */
  readonly abi: Abi | null;
  /** A call's name, or its number or a range of numbers where it has no name; null: not about one. */
  readonly call: string | null;
  /** What the filter answers, in words ("allow", "errno EPERM"); null where that is not the point. */
  readonly before: string | null;
  readonly after: string | null;
  /**
   * The argument values that pass now (`added`) or no longer (`removed`), one text for each
   * alternative; null: the finding holds whatever the arguments are.
   */
  readonly values: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
  } | null;
  readonly witness: Witness | null;
  /** One sentence, plain text. */
  readonly message: string;
  /** Why it has this severity; null: nothing to add. */
  readonly reason: string | null;
  readonly cves: { readonly opens: readonly string[]; readonly closes: readonly string[] };
  readonly evidence: Reasons | null;
  readonly place: Place | null;
  /** Where it holds: labels of Report.contexts. Empty: it is not about a context. */
  readonly contexts: readonly string[];
  /** 16 hex digits; the same after lines have moved. */
  readonly fingerprint: string;
  /** Someone accepted it, and that has not expired. */
  readonly waiver: Waiver | null;
}

/** The details of a finding that has none. */
export const NOTHING = {
  abi: null,
  call: null,
  before: null,
  after: null,
  values: null,
  witness: null,
  reason: null,
  cves: { opens: [], closes: [] },
  evidence: null,
  place: null,
} as const;

export interface ContextResult {
  /** In words, e.g. "in every context", "under runc and with CAP_SYS_ADMIN". Unique in the report. */
  readonly label: string;
  /** Of all that holds there; contexts may overlap. */
  readonly verdict: Verdict;
}

export interface Report {
  readonly subject: 'diff' | 'lint' | 'check' | 'inspect';
  /** As the user named them; untrusted. `before` is null for lint, check and inspect. */
  readonly before: string | null;
  readonly after: string;
  /** null for lint, check and inspect. */
  readonly verdict: Verdict | null;
  /** Plain sentences that stand above everything else; mostly none. */
  readonly headlines: readonly string[];
  /** Empty for lint, check and inspect. */
  readonly contexts: readonly ContextResult[];
  /** CVEs whose calls become reachable, or stop to be. */
  readonly cves: { readonly opens: readonly string[]; readonly closes: readonly string[] };
  /** In the order they are to be shown: by severity, then ABI and call. */
  readonly findings: readonly Finding[];
  /** What was assumed or left out, a sentence each. */
  readonly notes: readonly string[];
}
