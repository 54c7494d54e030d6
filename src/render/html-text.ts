/** Text into HTML, for what stands between tags and in quoted attributes. */
import { escapeUnsafe } from '../errors/text';

const CHARACTERS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function htmlText(text: string): string {
  return escapeUnsafe(text).replace(/[&<>"']/g, (character) => CHARACTERS[character] as string);
}
