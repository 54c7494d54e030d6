/**
 * Characters that untrusted names (paths, container names) must never carry raw to a terminal or
 * into a code review: controls (C0, DEL, C1), bidirectional and other invisible formatting, line
 * and paragraph separators, unpaired surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

function unicodeEscape(match: string): string {
  let out = '';
  for (let index = 0; index < match.length; index += 1) {
    out += `\\u${match.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }
  return out;
}

/**
 * What GitHub's runner takes for a command wherever it stands in a line of a workflow's log, standard
 * error included (actions/runner, ActionCommand.TryParse).
 */
function withoutCommand(text: string): string {
  return text.replaceAll('##[', '#\\u0023[');
}

/** Replaces each unsafe character by \uXXXX; the rest is unchanged. */
export function escapeUnsafe(text: string): string {
  return withoutCommand(text.replace(UNSAFE, unicodeEscape));
}

/** The same where a line begins: there, behind blanks of any kind, `::` is a command too. */
export function escapeLineStart(text: string): string {
  return text.replace(/^(\s*)::/, '$1\\u003a:');
}

const UNSAFE_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same for JSON text, whose own line breaks stay: the strings still mean what they meant. */
export function escapeUnsafeJson(json: string): string {
  return withoutCommand(json.replace(UNSAFE_BUT_NEWLINE, unicodeEscape));
}
