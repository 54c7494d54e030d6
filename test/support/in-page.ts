/** What tests ask of a page. As text: the DOM's types would stand for every test otherwise. */

/** How many rows of the tables can be seen. */
export const VISIBLE_ROWS = `[...document.querySelectorAll('table[data-rows] tbody tr')]
  .filter((row) => getComputedStyle(row).display !== 'none').length`;

/** Its width; more than the window's where it scrolls sideways. */
export const WIDTH = 'document.documentElement.scrollWidth';

/** When it was loaded and laid out, in ms from the request on. */
export const LOADED_MS = "performance.getEntriesByType('navigation')[0].loadEventEnd";

/** Texts of charts that reach beyond their chart. */
export const CUT_LABELS = `[...document.querySelectorAll('svg text')].flatMap((text) => {
  const box = text.getBoundingClientRect();
  const frame = text.ownerSVGElement.getBoundingClientRect();
  const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1 &&
    box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  return inside ? [] : [text.textContent];
})`;

/** Texts of charts that stand on each other. */
export const TOUCHING_LABELS = `[...document.querySelectorAll('svg')].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll('text')].map((text) => [text.getBoundingClientRect(), text.textContent]);
  return boxes.flatMap(([a, one], at) => boxes.slice(at + 1).flatMap(([b, other]) => {
    const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
    return apart ? [] : [one + ' on ' + other];
  }));
})`;

/** Every kind of element with the names of its attributes. */
export const SHAPE = `[...new Set([...document.querySelectorAll('*')].map((element) =>
  element.localName + '[' + [...element.attributes].map(({ name }) => name) + ']'))].sort()`;

/** The texts of a column of the table of calls, as numbers. */
export const ATTEMPTS = `(() => {
  const heads = [...document.querySelectorAll('#calls thead th')];
  const column = heads.findIndex((head) => head.textContent.includes('Attempts'));
  return [...document.querySelectorAll('#calls tbody tr')]
    .map((row) => row.cells[column].textContent)
    .filter((text) => text !== '')
    .map((text) => Number(text.replaceAll(',', '')));
})()`;

/** What axe has to complain of, after its own script has run. */
export const AXE = `axe.run().then(({ violations, passes }) => ({
  told: violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => id + ': ' + target.join(' ') + ': ' + failureSummary)),
  passed: passes.length,
}))`;
