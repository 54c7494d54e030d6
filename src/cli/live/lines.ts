/** Lines of a live view: escaped, cut to the width of the terminal, dressed. No I/O. */
import { cut, widthOf } from '../../render/layout';
import { printable, type Screen, styled } from '../terminal';

export interface Layout {
  readonly columns: number;
  /** As many lines as there is room for. */
  readonly rows: number;
  /** What is styled, if it is. */
  readonly screen: Screen;
}

/** Narrower than this a line has one thing in it. */
export const NARROW = 40;

const MORE = '…';

/** `text` in at most `width` cells. */
export function cutTo(text: string, width: number): string {
  const safe = printable(text);
  if (widthOf(safe) <= width) return safe;
  if (width < 1) return '';
  const [head] = width === 1 ? [''] : cut(safe, width - 1);
  return `${widthOf(head) < width ? head : ''}${MORE}`;
}

/** The same with the end kept, which says more of a path. */
export function cutStart(text: string, width: number): string {
  const characters = [...printable(text)];
  let cells = characters.reduce((sum, character) => sum + widthOf(character), 0);
  if (cells <= width) return characters.join('');
  if (width < 1) return '';
  let from = 0;
  while (cells > width - 1) {
    cells -= widthOf(characters[from] ?? '');
    from += 1;
  }
  // What combines with a character that is gone would combine with ours.
  while (/^\p{M}$/u.test(characters[from] ?? '')) from += 1;
  return `${MORE}${characters.slice(from).join('')}`;
}

/** `text` in exactly `width` cells. */
export function padded(text: string, width: number): string {
  const shown = cutTo(text, width);
  return shown + ' '.repeat(Math.max(0, width - widthOf(shown)));
}

export function paddedStart(text: string, width: number): string {
  const shown = cutTo(text, width);
  return ' '.repeat(Math.max(0, width - widthOf(shown))) + shown;
}

/** "── recording process 4711 ─────────── 12m04s ──" */
export function title(what: string, right: string, { columns, screen }: Layout): string {
  const end = ` ${right} ──`;
  const head = `── ${cutTo(what, columns - widthOf(end) - 5)} `;
  const rule = '─'.repeat(Math.max(1, columns - widthOf(head) - widthOf(end)));
  return styled(cutTo(`${head}${rule}${end}`, columns), 'bold', screen);
}

/** "call by PATH" with the path cut first, and at its beginning. */
export function cutPath(text: string, width: number): string {
  const at = text.indexOf(' by ');
  if (at < 0 || widthOf(printable(text)) <= width) return cutTo(text, width);
  const head = text.slice(0, at + 4);
  const room = width - widthOf(printable(head));
  return room < 8 ? cutTo(text, width) : `${printable(head)}${cutStart(text.slice(at + 4), room)}`;
}
