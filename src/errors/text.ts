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

/** Replaces each unsafe character by \uXXXX; the rest is unchanged. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, unicodeEscape);
}

const UNSAFE_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same for JSON text, whose own line breaks stay: the strings still mean what they meant. */
export function escapeUnsafeJson(json: string): string {
  return json.replace(UNSAFE_BUT_NEWLINE, unicodeEscape);
}
