/**
 * A terminal that knows what `Block` sends and a command's plain output, and refuses everything else: what
 * stands on its screen after all of it, and what has scrolled out of it.
 */

export interface Screen {
  lines: string[];
  history: string[];
  cursor: { row: number; column: number; shown: boolean };
}

export function screenAfter(
  writes: readonly string[],
  { rows, columns }: { rows: number; columns: number },
): Screen {
  const lines: string[][] = Array.from({ length: rows }, () => []);
  const history: string[] = [];
  const textOf = (line: readonly string[]): string =>
    Array.from(line, (cell) => cell ?? ' ')
      .join('')
      .trimEnd();
  let row = 0;
  let column = 0;
  let saved = { row, column };
  let bottom = rows - 1;
  let shown = true;

  const down = (): void => {
    if (row === bottom) {
      const [top] = lines.splice(0, 1);
      history.push(textOf(top ?? []));
      lines.splice(bottom, 0, []);
    } else if (row < rows - 1) row += 1;
  };
  const sequence = (parameters: string, final: string): void => {
    const [first = 0, second = 0] = parameters.split(';').map(Number);
    if (parameters.startsWith('?')) {
      if (parameters === '?25') shown = final === 'h';
      else if (!['?7', '?2026'].includes(parameters)) throw new Error(`mode ${parameters}`);
    } else if (final === 'H') {
      row = first - 1;
      column = second - 1;
    } else if (final === 'A') row = Math.max(0, row - Math.max(1, first));
    else if (final === 'B') row = Math.min(rows - 1, row + Math.max(1, first));
    else if (final === 'K') lines[row]?.splice(first === 2 ? 0 : column);
    else if (final === 'r') {
      bottom = (second || rows) - 1;
      row = 0;
      column = 0;
    } else if (final !== 'm') throw new Error(`CSI ${parameters}${final}`);
  };

  const known = /\u001b\[([?\d;]*)([A-Za-z])|\u001b(.)|([^\u001b])/gsu;
  for (const [, parameters, final, single, character] of writes.join('').matchAll(known)) {
    if (final !== undefined) sequence(parameters ?? '', final);
    else if (single === '7') saved = { row, column };
    else if (single === '8') ({ row, column } = saved);
    else if (single === 'D') down();
    else if (single !== undefined) throw new Error(`ESC ${single}`);
    else if (character === '\n') {
      down();
      column = 0;
    } else if (character === '\r') column = 0;
    else if (character !== undefined) {
      if (column >= columns) throw new Error('a line is too long');
      (lines[row] as string[])[column] = character;
      column += 1;
    }
  }
  return { lines: lines.map(textOf), history, cursor: { row, column, shown } };
}
