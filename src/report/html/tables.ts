/** Tables that the script can search and sort; without it they are as they are. */
import { type Html, html, type Value } from './html';

export interface Column {
  readonly head: string;
  readonly kind?: 'num' | 'name' | 'path';
}

export interface Cell {
  readonly content: Value;
  /** What it is sorted by; its text, unless said. */
  readonly sort?: number;
}

const cellOf = (cell: Cell | Value): Cell =>
  typeof cell === 'object' && cell !== null && 'content' in cell ? cell : { content: cell };

/** The first cell of a row names it. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Cell | Value)[])[],
  width: 'full' | 'fit' = 'full',
): Html {
  const heads = columns.map(
    ({ head, kind }) => html`<th scope="col" class="${kind ?? ''}">${head}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, at) => {
      const { content, sort } = cellOf(cell);
      const kind = columns[at]?.kind ?? '';
      const by = sort === undefined ? null : html` data-sort="${sort}"`;
      return at === 0
        ? html`<th scope="row" class="${kind}"${by}>${content}</th>`
        : html`<td class="${kind}"${by}>${content}</td>`;
    });
    return html`<tr>${cells}</tr>\n`;
  });
  return html`<div class="scroll ${width}" role="group" tabindex="0" aria-label="${caption}"><table data-rows=""><caption class="hidden">${caption}</caption><thead><tr>${heads}</tr></thead><tbody>
${body}</tbody></table></div>
`;
}

/** What does not fit is folded, and still there for a search and for paper. */
export function folded(items: readonly Value[], shown: number, noun: string): Html {
  const list = (some: readonly Value[]) =>
    some.map((item, at) => (at === 0 ? html`${item}` : html`, ${item}`));
  if (items.length <= shown + 1) return html`${list(items)}`;
  return html`${list(items.slice(0, shown))}, <details><summary>${items.length - shown} more ${noun}</summary>${list(items.slice(shown))}</details>`;
}

/** The same of plain names, which may be many: as little markup as can be. */
export function foldedNames(names: readonly string[], shown: number, noun: string): Html | null {
  if (names.length === 0) return null;
  if (names.length <= shown + 1) return html`<span class="mono">${names.join(', ')}</span>`;
  const rest = names.slice(shown);
  return html`<span class="mono">${names.slice(0, shown).join(', ')}</span> <details><summary>${rest.length} more ${noun}</summary><span class="mono">${rest.join(', ')}</span></details>`;
}

export function list(items: readonly Value[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

/** A section of the page: an anchor, its heading and what it says. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

export function sectionHtml({ id, title, content }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}</section>
`;
}
