/**
 * Characters that untrusted names (paths, container names) must never carry raw to a terminal or
 * into a code review: C0, DEL and C1 controls, line separators, bidirectional and invisible
 * formatting, unpaired surrogates.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

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

/** The same for JSON text, whose own line breaks stay: the strings still mean what they meant. */
export function escapeUnsafeJson(json: string): string {
  return json.replace(UNSAFE, (match) => (match === '\n' ? match : unicodeEscape(match)));
}
