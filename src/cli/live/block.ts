/**
 * Lines kept at the bottom of a terminal while everything else goes on above them.
 *
 * A scroll region (DECSTBM) ends above the lines, and the cursor stays in it: whatever is written to the
 * terminal meanwhile, by sysieve or by a command it runs there, scrolls above them and needs no word with
 * this. A frame saves the cursor, writes the lines that changed, and restores it, in one write. Since the
 * cursor is always above the lines, erasing from it to the end of the screen removes them wherever a
 * resize has put them, wrapped or cut.
 */

const SAVE = '\u001b7';
const RESTORE = '\u001b8';
const ERASE_TO_END = '\u001b[K';
const ERASE_LINE = '\u001b[2K';
const DOWN = '\u001b[B';
const PLAIN = '\u001b[m';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** A line that is wider than was thought is cut, and moves nothing. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';
/** Shown at once by terminals that know it, ignored by others: what is in between is one change. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/** Of the screen, what must remain for everything else. */
export const ROWS_ABOVE = 3;

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export class Block {
  private shown: readonly string[] = [];
  private size: Size | null = null;

  /** `shared`: a command has the same terminal, and the cursor is its own. */
  constructor(
    private readonly write: (text: string) => void,
    private readonly shared: boolean,
  ) {}

  /** Shows the lines, as many as there is room for. */
  draw(lines: readonly string[], size: Size): void {
    const fitting = lines.slice(0, Math.max(0, size.rows - ROWS_ABOVE));
    if (fitting.length === 0) {
      this.leave();
      return;
    }
    const { shown } = this;
    const anew =
      this.size?.rows !== size.rows ||
      this.size.columns !== size.columns ||
      shown.length !== fitting.length;
    const changed = fitting.flatMap((line, at) =>
      anew || line !== shown[at] ? [{ line, at }] : [],
    );
    if (changed.length === 0) return;
    const first = size.rows - fitting.length + 1;
    const text = changed
      .map(({ line, at }) => `\u001b[${first + at};1H${ERASE_LINE}${line}`)
      .join('');
    const reserve = anew
      ? `${this.release(size.rows)}${this.reserve(fitting.length, size.rows)}`
      : '';
    this.write(`${BEGIN}${reserve}${SAVE}${PLAIN}${NO_WRAP}${text}${WRAP}${RESTORE}${END}`);
    this.shown = fitting;
    this.size = size;
  }

  /** Removes the lines; the terminal is as it was. */
  leave(): void {
    if (this.size === null) return;
    const cursor = this.shared ? '' : SHOW_CURSOR;
    this.write(`${BEGIN}${this.release(this.size.rows)}${cursor}${END}`);
    this.size = null;
    this.shown = [];
  }

  /**
   * Setting a region moves the cursor, so it is saved. Line by line: tmux takes erasing all that is on a
   * screen for a reason to keep it, in what can be scrolled back to.
   */
  private release(rows: number): string {
    if (this.size === null) return '';
    // What a key has echoed (^C) is in the first cells; of a command it may be the output.
    const start = this.shared ? '' : '\r';
    const below = `${DOWN}${ERASE_LINE}`.repeat(rows - 1);
    return `${SAVE}\u001b[r${RESTORE}${start}${SAVE}${ERASE_TO_END}${below}${RESTORE}`;
  }

  /** IND moves down and scrolls at the bottom, in the same column. */
  private reserve(height: number, rows: number): string {
    const room = `${'\u001bD'.repeat(height)}\u001b[${height}A`;
    const region = `${SAVE}\u001b[1;${rows - height}r${RESTORE}`;
    return `${room}${region}${this.shared ? '' : HIDE_CURSOR}`;
  }
}
