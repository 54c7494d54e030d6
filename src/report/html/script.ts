/**
 * What the page can do beyond being read: search in all tables, and sort each. It moves and hides rows
 * that are there; text goes in by textContent alone.
 */
export const SCRIPT = `
'use strict';
(() => {
  const tables = [...document.querySelectorAll('table[data-rows]')];
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const bar = document.querySelector('.tools .wide');

  const label = document.createElement('label');
  label.htmlFor = 'filter';
  label.textContent = 'Filter';
  const input = document.createElement('input');
  input.type = 'search';
  input.id = 'filter';
  input.placeholder = 'call, executable, phase …';
  input.autocomplete = 'off';
  input.spellcheck = false;
  const shown = document.createElement('output');
  shown.htmlFor = 'filter';
  const box = document.createElement('form');
  box.className = 'filter';
  box.setAttribute('role', 'search');
  box.append(label, input, shown);
  box.addEventListener('submit', (event) => event.preventDefault());
  bar.prepend(box);

  const filter = () => {
    const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    let left = 0;
    for (const row of rows) {
      const text = texts.get(row);
      const fits = words.every((word) => text.includes(word));
      row.classList.toggle('out', !fits);
      if (fits) left += 1;
    }
    shown.textContent = words.length === 0 ? '' : left + ' of ' + rows.length + ' rows';
  };
  input.addEventListener('input', filter);
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
    if (event.key === 'Escape' && event.target === input) {
      input.value = '';
      filter();
    }
  });

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const sort = cell.dataset.sort;
    return sort === undefined ? cell.textContent.trim().toLowerCase() : Number(sort);
  };
  const compare = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a) < String(b) ? -1 : Number(String(a) > String(b));
  };
  for (const table of tables) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        // Numbers are asked for from the greatest on.
        const first = head.classList.contains('num') ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const order = head.getAttribute('aria-sort') === first ? other : first;
        for (const one of heads) one.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', order);
        const sign = order === 'ascending' ? 1 : -1;
        const keyed = [...body.rows].map((row) => [keyOf(row, column), row]);
        keyed.sort(([a], [b]) => sign * compare(a, b));
        body.append(...keyed.map(([, row]) => row));
      });
    });
  }
})();
`;
