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
} as const satisfies Record<ExitKind, number>;

/**
 * What an error is about, and which exit status the command ends with: `check` (1), a check failed;
 * `usage` (2), what was asked for makes no sense; `input` (3), a file, process or container is not what
 * it should be; `system` (4), privilege, kernel, engine or library; `incomplete` (5), a complete
 * recording was asked for; `defect` (70), of sysieve.
 *
 * @public
 */
export type ExitKind = 'done' | 'check' | 'usage' | 'input' | 'system' | 'incomplete' | 'defect';

/**
 * What goes with an error.
 *
 * @public
 */
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
 *
 * @public
 */
export class SysieveError extends Error {
  /** What it is about. */
  readonly kind: ExitKind;
  /** Stable. */
  readonly code: string;
  /** What can be done next, one sentence. */
  readonly remedy: string | undefined;
  /** What lies underneath, e.g. "openat: EACCES". */
  readonly reason: string | undefined;

  constructor(kind: ExitKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'SysieveError';
    this.kind = kind;
    this.code = code;
    this.remedy = details.remedy;
    this.reason = details.cause;
  }

  /** The exit status of the command. */
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
