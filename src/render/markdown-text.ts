/**
 * Text in GitHub's markdown that means nothing but itself. GitHub turns mentions, issue references,
 * commit ids and links into links after it has parsed the text, whatever is escaped in it, but not
 * inside code. So only words of letters stand in the open; everything else becomes code.
 */
import { escapeUnsafe } from '../errors/text';

/** Nothing that markdown or GitHub could take for anything else. */
const WORD = /^[("]?\p{L}+(?:['’-]\p{L}+)*[)"]?[.,;:!?]?$/u;
const NUMBER = /^\(?\d{1,6}\)?[,;:]?$/;
/** GitHub links a commit's id from seven digits on. */
const COMMIT = /^\W?[0-9a-f]{7,40}\W*$/i;

function isPlain(word: string): boolean {
  return (WORD.test(word) || NUMBER.test(word)) && !COMMIT.test(word);
}

/** A code span, also inside a table. */
export function code(text: string): string {
  const safe = escapeUnsafe(text);
  if (safe.trim() === '') return '<code>&#32;</code>';
  // Parsers differ in what a backslash does to a bar in a table's cell.
  if (safe.includes('|')) return `<code>${entities(safe)}</code>`;
  const runs = safe.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map((run) => run.length)) + 1);
  const pad = /^[` ]|[` ]$/.test(safe) ? ' ' : '';
  return `${fence}${pad}${safe}${pad}${fence}`;
}

function entities(safe: string): string {
  return safe.replace(/[^\p{L}\p{N} ]/gu, (character) => `&#${character.codePointAt(0)};`);
}

/** What may stand around a name in a sentence. */
const AROUND = /^([("]?)(.*?)([)"]?[.,;:!?]?)$/su;

/** A sentence: words as they are, everything else as code, and `name` where it is one of the words. */
export function prose(text: string, name: string | null = null): string {
  const parts: string[] = [];
  let open = '';
  let strange: string[] = [];
  const flush = (close = '') => {
    if (strange.length > 0) parts.push(`${open}${code(strange.join(' '))}${close}`);
    strange = [];
  };
  for (const word of escapeUnsafe(text).split(' ')) {
    if (word === '') continue;
    const [, before = '', core = '', after = ''] = AROUND.exec(word) ?? [];
    if (isPlain(word) && core !== name) {
      flush();
      parts.push(word);
      continue;
    }
    // Strange words in a row are one code span; punctuation between them belongs to it.
    if (core === '' || (strange.length > 0 && before !== '')) {
      if (strange.length === 0) open = '';
      strange.push(word);
      continue;
    }
    if (strange.length === 0) open = before;
    strange.push(core);
    if (after !== '') flush(after);
  }
  flush();
  return parts.length === 0 ? code('') : parts.join(' ');
}
