/** The errors users see: a stable code, what happened and where, and what to do about it. */

/** Exit statuses of the command; see docs/INTERNALS.md. */
export const EXIT = {
  done: 0,
  check: 1,
  usage: 2,
  input: 3,
  system: 4,
  incomplete: 5,
  defect: 70,
} as const;

export type ExitKind = keyof typeof EXIT;

export interface ErrorDetails {
  /** What the user can do next, one sentence. */
  remedy?: string;
  /** What lies underneath, e.g. "openat: EACCES". */
  cause?: string;
}

/**
 * An expected failure. `kind` selects the exit status, `code` is stable for scripts
 * (lower-case words joined by hyphens, e.g. `recording-truncated`).
 * Anything thrown that is not a SysieveError is a defect of sysieve (exit 70).
 */
export class SysieveError extends Error {
  readonly kind: ExitKind;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly reason: string | undefined;

  constructor(kind: ExitKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'SysieveError';
    this.kind = kind;
    this.code = code;
    this.remedy = details.remedy;
    this.reason = details.cause;
  }

  get exitCode(): number {
    return EXIT[this.kind];
  }

  /** The shape `--json` prints. */
  toJSON(): {
    error: { code: string; message: string; cause: string | null; remedy: string | null };
  } {
    return {
      error: {
        code: this.code,
        message: this.message,
        cause: this.reason ?? null,
        remedy: this.remedy ?? null,
      },
    };
  }
}
