/** What may be sent to a terminal, and how it may look there. */
import { escapeLineStart, escapeUnsafe } from '../errors/text';

/**
 * For every string sysieve did not write itself, a line at most: nothing in it can move, colour or
 * reorder text, or be a command to who reads the log.
 */
export function printable(text: string): string {
  return escapeLineStart(escapeUnsafe(text));
}

export interface Screen {
  isTTY?: boolean;
}

/** https://no-color.org: set and not empty means no colour, whatever the terminal can do. */
export function usesColour(screen: Screen, env: NodeJS.ProcessEnv = process.env): boolean {
  if ((env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return false;
  return screen.isTTY === true;
}

const STYLES = { bold: [1, 22], red: [31, 39], yellow: [33, 39], green: [32, 39] } as const;

/** Styles text for a stream; plain where that stream shows no colour. */
export function styled(text: string, style: keyof typeof STYLES, screen: Screen): string {
  if (!usesColour(screen)) return text;
  const [on, off] = STYLES[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
