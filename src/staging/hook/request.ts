/** What a runtime tells its hooks, and what the annotations of the container ask for. */
import * as z from 'zod';
import { SysieveError } from '../../errors';

/** What people write today for oci-seccomp-bpf-hook: the profile to make, and one to extend. */
export const PROFILE_ANNOTATION = 'io.containers.trace-syscall';
/** The recording itself; `fail:closed` too. */
export const RECORD_ANNOTATION = 'io.sysieve.record';

const STATE_BYTES = 1 << 20;

/** The state of the runtime specification, as far as it is needed. */
const StateSchema = z.object({
  id: z.string().min(1).max(1024),
  status: z.string().max(64),
  pid: z.number().int().nonnegative().optional(),
  bundle: z.string().startsWith('/').max(4096),
  annotations: z.record(z.string(), z.string()).nullish(),
});
export type State = z.infer<typeof StateSchema>;

export interface Request {
  /** Where the profile goes, and the one that it extends. */
  profile: { output: string; input: string | null } | null;
  recording: { output: string } | null;
  /** A container that cannot be recorded must not start. */
  failClosed: boolean;
}

export function parseState(text: string): State {
  const refused = (cause: string): SysieveError =>
    new SysieveError('input', 'hook-state', 'standard input is no state of a container', {
      cause,
      remedy: "Install it, and let the runtime call it: 'sysieve hook --print-config' prints how.",
    });
  if (text.length > STATE_BYTES) throw refused('it is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refused((error as Error).message);
  }
  const parsed = StateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refused(`${issue?.path.join('.')}: ${issue?.message}`);
}

/** `of:FILE;if:FILE`: each part once, in any order. */
function parts(annotation: string, value: string, known: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of value.split(';').filter((text) => text.trim() !== '')) {
    const colon = part.indexOf(':');
    const name = part.slice(0, Math.max(0, colon)).trim();
    if (!known.includes(name) || found.has(name)) {
      throw new SysieveError('input', 'hook-annotation', `${annotation}: cannot read ${part}`, {
        remedy: `Write ${known.map((one) => `${one}:…`).join(' and ')}, each once, with ";" between.`,
      });
    }
    found.set(name, part.slice(colon + 1).trim());
  }
  if (!found.has('of')) {
    throw new SysieveError('input', 'hook-annotation', `${annotation}: it names no output`, {
      remedy: 'Write of:FILE, an absolute path.',
    });
  }
  return found;
}

/** Throws for an annotation that asks for something else than it can have. */
export function requestOf({ annotations }: State): Request {
  const request: Request = { profile: null, recording: null, failClosed: false };
  const profile = annotations?.[PROFILE_ANNOTATION];
  if (profile !== undefined) {
    const found = parts(PROFILE_ANNOTATION, profile, ['of', 'if']);
    request.profile = { output: found.get('of') ?? '', input: found.get('if') ?? null };
  }
  const record = annotations?.[RECORD_ANNOTATION];
  if (record !== undefined) {
    const found = parts(RECORD_ANNOTATION, record, ['of', 'fail']);
    const fail = found.get('fail') ?? 'open';
    if (fail !== 'open' && fail !== 'closed') {
      throw new SysieveError('input', 'hook-annotation', `${RECORD_ANNOTATION}: fail:${fail}`, {
        remedy: 'Write fail:open or fail:closed.',
      });
    }
    request.recording = { output: found.get('of') ?? '' };
    request.failClosed = fail === 'closed';
  }
  return request;
}

/** Asked for before the rest can be read: a container that asks to fail must not start by a mistake. */
export function wantsFailClosed({ annotations }: State): boolean {
  return /(?:^|;)\s*fail\s*:\s*closed\s*(?:;|$)/.test(annotations?.[RECORD_ANNOTATION] ?? '');
}
