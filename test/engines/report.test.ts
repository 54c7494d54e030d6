/** The page of a report in headless Chromium. Needs Debian's chromium. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import type { Model } from '../../src/report';
import { page as pageOf } from '../../src/report';
import { launch, type Opened, open } from '../support/browser';
import {
  ATTEMPTS,
  AXE,
  CUT_LABELS,
  LOADED_MS,
  SHAPE,
  TOUCHING_LABELS,
  VISIBLE_ROWS,
  WIDTH,
} from '../support/in-page';
import { longRecording } from '../support/long-recording';
import { makeRecording, makeRun } from '../support/recordings';
import { hostileModel, madeSide, model, PAYLOADS } from '../support/report';

const AXE_SCRIPT = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let long: string;
/** With everything that a page can hold. */
let whole: Model;
beforeAll(async () => {
  browser = await launch();
  long = pageOf(model({ recording: longRecording() }));
  const recording = makeRecording(
    makeRun(
      ['read', 'write', 'execve', 'exit_group', 'clone', { call: 'mount', denied: { '1': 3 } }],
      { missed: { callsBeforeStart: 12, blindSpots: ['io-uring-operations'] } },
    ),
    makeRun([{ call: 'socket', tuples: [[1n, 1n, 0n]], executables: [1] }, 'read'], {
      ...{ id: '00000000-0000-4000-8000-000000000002', start: '2026-02-02T03:04:05Z' },
      missed: { callsLost: 2 },
    }),
  );
  const costs = [{ name: 'socket', callsPerSecond: 12, instructions: 40, nsPerSecond: 1200 }];
  const made = model({ recording, against: madeSide(longRecording()), costs, notes: ['a note'] });
  const { permits, diff } = made;
  if (permits === null || diff === null) throw new Error('not reached');
  // Of each kind some rows: axe looks at every one.
  const tiers = permits.tiers.map((tier) => ({ ...tier, calls: tier.calls.slice(0, 3) }));
  whole = {
    ...made,
    permits: { ...permits, tiers, cves: permits.cves.slice(0, 4) },
    diff: { ...diff, findings: diff.findings.slice(0, 8) },
    calls: made.calls.slice(0, 20),
  };
});
afterAll(() => browser.close());

let opened: Opened | undefined;
async function show(html: string, options: Parameters<typeof open>[2] = {}): Promise<Page> {
  opened = await open(browser, html, options);
  return opened.page;
}
afterEach(async () => {
  const { trouble = [], close } = opened ?? {};
  opened = undefined;
  await close?.();
  expect(trouble).toEqual([]);
});

const visible = (page: Page) => page.evaluate<number>(VISIBLE_ROWS);
const squeezed = (text: string | null) => text?.replace(/\s+/g, ' ');

describe('500 calls, 60 executables, 24 hours', () => {
  it('opens in a moment, without a request', async () => {
    const page = await show(long);
    const ms = await page.evaluate<number>(LOADED_MS);
    process.stderr.write(
      `report of 500 calls, 60 executables, 24 h: opened in ${ms.toFixed(0)} ms\n`,
    );
    expect(ms).toBeGreaterThan(0);
    // A machine at work; bench/report measures.
    expect(ms).toBeLessThan(10_000);
  });

  it.each([1280, 360])('does not scroll sideways at %i px, and cuts no label', async (width) => {
    const page = await show(long, { viewport: { width, height: 800 } });
    expect(await page.evaluate(WIDTH)).toBe(width);
    expect(await page.evaluate(CUT_LABELS)).toEqual([]);
    expect(await page.evaluate(TOUCHING_LABELS)).toEqual([]);
  });

  it('is searched from the keyboard', async () => {
    const page = await show(long);
    const all = await visible(page);
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('To the summary');
    await page.keyboard.press('Tab');
    await page.keyboard.type('accept4');
    const some = await visible(page);
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(all / 4);
    expect(await page.locator('output').textContent()).toBe(`${some} of ${all} rows`);
    const texts = await page.locator('table[data-rows] tbody tr:not(.out)').allTextContents();
    expect(texts.every((text) => text.toLowerCase().includes('accept4'))).toBe(true);
    await page.keyboard.press('Escape');
    expect(await visible(page)).toBe(all);
    await page.locator('body').click({ position: { x: 2, y: 2 } });
    await page.keyboard.press('/');
    await page.keyboard.type('no such thing');
    expect(await visible(page)).toBe(0);
  });

  it('is sorted from the keyboard', async () => {
    const page = await show(long);
    const attempts = page.locator('#calls thead button', { hasText: 'Attempts' });
    const numbers = () => page.evaluate<number[]>(ATTEMPTS);
    const ascending = [...(await numbers())].sort((a, b) => a - b);
    await attempts.focus();
    await page.keyboard.press('Enter');
    expect(await numbers()).toEqual([...ascending].reverse());
    const state = () => page.locator('#calls th[aria-sort]').getAttribute('aria-sort');
    expect(await state()).toBe('descending');
    await page.keyboard.press('Space');
    expect(await numbers()).toEqual(ascending);
    expect(await state()).toBe('ascending');
  });

  it('on paper has all rows and what is folded, and no controls', async () => {
    const page = await show(long, { viewport: { width: 718, height: 1000 } });
    const all = await visible(page);
    await page.locator('#filter').fill('accept4');
    expect(await visible(page)).toBeLessThan(all);
    await page.emulateMedia({ media: 'print' });
    expect(await visible(page)).toBe(all);
    for (const control of ['#filter', 'nav', '.skip']) {
      expect(await page.locator(control).isVisible()).toBe(false);
    }
    expect(await page.locator('#executables details .mono').first().isVisible()).toBe(true);
    expect(await page.evaluate(WIDTH)).toBe(718);
  });
});

it('says the same with scripts off, and offers nothing that needs them', async () => {
  const html = pageOf(whole);
  const text = async (page: Page) => squeezed(await page.locator('main').textContent());
  const on = await text(await show(html));
  expect(opened?.trouble).toEqual([]);
  await opened?.close();
  const page = await show(html, { javaScriptEnabled: false });
  expect(await text(page)).toBe(on);
  expect(await page.locator('button, input').count()).toBe(0);
  await page.locator('#executables summary').first().click();
  expect(await page.locator('#executables details .mono').first().isVisible()).toBe(true);
});

it('its links lead to what is there, in the order of the page', async () => {
  const page = await show(pageOf(whole));
  const ids = await page
    .locator('nav a')
    .evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  const sections = await page
    .locator('main section')
    .evaluateAll((all) => all.map(({ id }) => `#${id}`));
  expect(ids).toEqual(sections);
  expect(sections).toHaveLength(11 - Number(whole.leftOut.length === 0));
});

const LOOKS = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [1280, 360].map((width) => ({ colorScheme, width })),
);

it.each(LOOKS)('axe finds nothing: $colorScheme, $width px', async ({ colorScheme, width }) => {
  const page = await show(pageOf(whole), { colorScheme, viewport: { width, height: 800 } });
  await page.evaluate(AXE_SCRIPT);
  const found = await page.evaluate<{ told: string[]; passed: number }>(AXE);
  expect(found.told).toEqual([]);
  expect(found.passed).toBeGreaterThan(20);
});

describe('names that somebody in a container made up', () => {
  let plain: string[];
  beforeAll(async () => {
    const { page, close } = await open(browser, pageOf(hostileModel('plain')));
    await page.locator('#filter').fill('plain');
    await page.locator('#calls thead button').first().click();
    plain = await page.evaluate(SHAPE);
    await close();
  });

  it.each(PAYLOADS.map((text, n) => [n, text] as const))(
    'payload %i is text: nothing runs, loads or comes into being',
    async (_n, text) => {
      const html = pageOf(hostileModel(text));
      const page = await show(html, { viewport: { width: 360, height: 800 } });
      await page.locator('#filter').fill('plain');
      await page.locator('#calls thead button').first().click();
      expect(await page.evaluate(SHAPE)).toEqual(plain);
      expect(await page.evaluate(WIDTH)).toBe(360);
    },
  );

  it('the policy would hold where a script got in after all', async () => {
    const html = pageOf(hostileModel('plain')).replace(
      '</main>',
      '<script>document.title = "owned"</script><p onclick="document.title = \'owned\'">x</p></main>',
    );
    const page = await show(html);
    await page.locator('main > p').last().click();
    expect(await page.title()).not.toContain('owned');
    expect(opened?.trouble.length).toBeGreaterThanOrEqual(2);
    expect(opened?.trouble.every((one) => /Content Security Policy/.test(one))).toBe(true);
    opened?.trouble.splice(0);
  });
});

it('a profile compared with itself says so', async () => {
  const recording = makeRecording(makeRun(['read']));
  const side = madeSide(recording);
  const page = await show(pageOf(model({ recording, against: side })));
  expect(await page.locator('#changes').textContent()).toMatch(/equivalent|identical/);
});
