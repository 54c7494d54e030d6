/** Data to standard output, everything else to standard error; how errors end the process. */
import { SysieveError } from '../errors';
import { LIMITS } from '../errors/limits';
import { escapeUnsafeJson } from '../errors/text';
import { writeFileAtomic } from '../io';
import { widthOf, wrap } from '../render/layout';
import { printable, styled } from './terminal';

/** Below this nothing reads well. */
const NARROWEST = 20;

/** `text` as lines that fit `stream`, where that is a screen. */
function onScreen(text: string, { isTTY, columns }: { isTTY?: boolean; columns?: number }): string {
  const safe = printable(text);
  if (isTTY !== true || columns === undefined || widthOf(safe) <= columns) return `${safe}\n`;
  const lead = /^ */.exec(safe)?.[0] ?? '';
  const hanging = `${lead}  `;
  const layout = { columns: Math.max(NARROWEST, columns - hanging.length), colour: false };
  const lines = wrap([], [{ text }], layout);
  return lines.map((line, at) => `${at === 0 ? lead : hanging}${line}\n`).join('');
}

/** Writes data and waits until it is gone, so that ending the process cuts nothing off. */
export async function emit(data: string | Uint8Array): Promise<void> {
  await writeFileAtomic('-', data);
}

export async function emitJson(value: unknown): Promise<void> {
  await emit(escapeUnsafeJson(`${JSON.stringify(value, null, 2)}\n`));
}

/**
 * One line for the user on standard error; whatever untrusted text is in it cannot make it two. On a
 * screen it is wrapped, and what follows is indented, so that no part looks like a line of its own. A
 * log keeps one message a line, to be searched.
 */
export function say(text: string): void {
  process.stderr.write(onScreen(text, process.stderr));
}

export function warn(text: string): void {
  const shown = onScreen(`${WARNING} ${text}`, process.stderr).slice(WARNING.length);
  process.stderr.write(`${styled(WARNING, 'yellow', process.stderr)}${shown}`);
}

const WARNING = 'warning:';

/** Any file may be the one too many, also one of sysieve's own that is loaded where it is needed. */
function tooManyFiles(thrown: unknown): SysieveError | null {
  if (!(thrown instanceof Error)) return null;
  const { code, message }: NodeJS.ErrnoException = thrown;
  const limit = code === 'EMFILE' || code === 'ENFILE' ? LIMITS[code] : undefined;
  if (limit === undefined) return null;
  return new SysieveError('system', 'limit', `sysieve ran into a limit: ${limit.what}`, {
    cause: message,
    remedy: limit.remedy,
  });
}

function defect(thrown: unknown): SysieveError {
  return new SysieveError('defect', 'defect', 'sysieve failed in a way it should not', {
    cause: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown),
    remedy: 'Report this with the command you ran; SYSIEVE_DEBUG=1 prints where it failed.',
  });
}

/** Prints an error as the user wants it and returns the exit status. */
export async function reportError(thrown: unknown, json: boolean): Promise<number> {
  const known = thrown instanceof SysieveError;
  const error = known ? thrown : (tooManyFiles(thrown) ?? defect(thrown));
  if (json) {
    await emitJson(error.toJSON());
  } else {
    say(`sysieve: ${error.message}`);
    if (error.reason !== undefined) say(`  cause: ${error.reason}`);
    if (error.remedy !== undefined) say(`  remedy: ${error.remedy}`);
  }
  if (!known && process.env.SYSIEVE_DEBUG === '1' && thrown instanceof Error) {
    for (const line of (thrown.stack ?? '').split('\n')) say(line);
  }
  return error.exitCode;
}

/** The reader went away (`sysieve … | head`): no error of ours. */
export function isBrokenPipe(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException | null)?.code === 'EPIPE';
}
