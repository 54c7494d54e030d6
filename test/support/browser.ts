/** Pages in headless Chromium, without a network: what goes wrong on one is kept, and must be nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

export function launch(): Promise<Browser> {
  // Only root has to go without Chromium's own sandbox.
  const args = process.geteuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

export interface Opened {
  readonly page: Page;
  /** Requests but for the page itself, messages, errors, dialogs, breaches of the policy, new windows. */
  readonly trouble: string[];
  readonly close: () => Promise<void>;
}

export async function open(
  browser: Browser,
  html: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-page-'));
  const file = join(directory, 'report.html');
  writeFileSync(file, html);
  const url = pathToFileURL(file).href;
  const context = await browser.newContext({ offline: true, ...options });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('request', (request) => {
    if (request.url() !== url) trouble.push(`request: ${request.url()}`);
  });
  // A breach of the policy is a message of the console, too.
  page.on('console', (message) => trouble.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`));
  page.on('popup', () => trouble.push('popup'));
  page.on('dialog', async (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(url);
  return {
    page,
    trouble,
    close: async () => {
      await context.close();
      rmSync(directory, { recursive: true });
    },
  };
}
