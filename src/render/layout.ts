/** Text for a terminal: escaped, wrapped, coloured. */
import { escapeLineStart, escapeUnsafe } from '../errors/text';

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  alarm: ['1;31', '22;39'],
} as const;
export type Style = keyof typeof STYLES;

/** A piece of text that looks one way; may hold anything. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
  /** Stands on one line if a line is long enough. */
  readonly whole?: boolean;
}

/** East Asian wide and fullwidth characters, and emoji: two cells on a terminal. */
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const PLAIN = /^[ -~]*$/;

function cellsOf(character: string): number {
  if (/^\p{M}$/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Of text that is escaped already. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

/** The beginning of `text` that fits in `width` cells, at least one character; and the rest. */
export function cut(text: string, width: number): [string, string] {
  if (text.length <= width && PLAIN.test(text)) return [text, ''];
  let end = 0;
  let cells = 0;
  for (const character of text) {
    cells += cellsOf(character);
    if (cells > width && end > 0) break;
    end += character.length;
  }
  return [text.slice(0, end), text.slice(end)];
}

export interface Layout {
  readonly columns: number;
  readonly colour: boolean;
}

function painted({ text, style }: Span, colour: boolean): string {
  if (!colour || style === undefined) return text;
  const [on, off] = STYLES[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Words of the spans, each with its look; a `whole` span is one word. */
function wordsOf(spans: readonly Span[]): Span[] {
  return spans.flatMap(({ text, style, whole }) => {
    const safe = escapeUnsafe(text);
    const words = whole === true ? [safe] : safe.split(' ');
    return words
      .filter((word) => word !== '')
      .map((word) => ({ text: escapeLineStart(word), style }));
  });
}

/**
 * Lines of at most `columns` cells: `lead` (sysieve's own words, taken as they are) before the first
 * one, as many blanks before the others. Spans are parted by a blank; a word longer than a line is
 * broken.
 */
export function wrap(
  lead: readonly Span[],
  spans: readonly Span[],
  { columns, colour }: Layout,
): string[] {
  const hanging = lead.reduce((width, { text }) => width + widthOf(text), 0);
  const room = columns - hanging;
  const lines: Span[][] = [];
  let line: Span[] = [];
  let used = 0;
  const end = () => {
    lines.push(line);
    line = [];
    used = 0;
  };
  const add = (text: string, style: Style | undefined) => {
    const last = line.at(-1);
    const blank = last === undefined ? '' : ' ';
    if (last !== undefined && last.style === style) line.pop();
    const before = last !== undefined && last.style === style ? last.text : '';
    line.push({ text: `${before}${blank}${text}`, style });
    used += blank.length + widthOf(text);
  };
  for (const { text, style } of wordsOf(spans)) {
    if (used > 0 && used + 1 + widthOf(text) > room) end();
    let [head, rest] = cut(text, room);
    while (rest !== '') {
      add(head, style);
      end();
      [head, rest] = cut(escapeLineStart(rest), room);
    }
    add(head, style);
  }
  if (used > 0 || lines.length === 0) end();
  return lines.map((parts, index) => {
    const text = parts.map((part) => painted(part, colour)).join('');
    return index === 0
      ? `${lead.map((span) => painted(span, colour)).join('')}${text}`
      : `${' '.repeat(hanging)}${text}`;
  });
}
