/** Draws sheets in a browser. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { type Browser, type Page, chromium } from 'playwright-core';

import type { Assets } from './assets';
import { PAGE_WIDTH } from './grid';
import type { Drawn } from './model';

/** No such host exists, so nothing can come from elsewhere. */
const ORIGIN = 'http://preview.invalid/';
/** In milliseconds: a slow machine is no failure. */
const PATIENCE = 300_000;

export interface Picture {
  png: Buffer;
  drawn: Drawn[];
}

/** Starts a browser, given as a path or as the name of a program. */
export function launch(program: string): Promise<Browser> {
  return chromium.launch({
    executablePath: find(program),
    chromiumSandbox: false,
    // Nothing but the page is to be loaded.
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--disable-sync',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  });
}

function find(program: string): string {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, program)).find(runs);
  if (found === undefined) {
    throw new Error(`there is no program ${program}: set CHROMIUM to a Chromium or Chrome`);
  }
  return found;
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Draws one sheet of at most that height. Whatever the page complains of is an error. */
export async function draw(browser: Browser, assets: Assets, height: number): Promise<Picture> {
  const page = await browser.newPage({
    // Everything has to be in view, as tables leave out what is not.
    viewport: { width: PAGE_WIDTH, height },
    timezoneId: 'UTC',
    locale: 'en-US',
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  try {
    await page.route('**/*', async (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      try {
        await route.fulfill(await assets(path));
      } catch (error) {
        complaints.push(String(error));
        await route.abort();
      }
    });
    return await Promise.race([failure(page, complaints), picture(page)]);
  } finally {
    await page.close();
  }
}

/** Ends when the page complains, and only then. */
function failure(page: Page, complaints: string[]): Promise<never> {
  return new Promise((_, fail) => {
    const complain = (text: string): void => fail(new Error([...complaints, text].join('; ')));
    page.on('pageerror', (error) => complain(`the page threw ${error.stack ?? error.message}`));
    page.on('crash', () => complain('the page crashed'));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        complain(`the page logged ${message.text()}`);
      }
    });
  });
}

async function picture(page: Page): Promise<Picture> {
  await page.goto(ORIGIN);
  await page.waitForFunction('window.drawn');
  const drawn = (await page.evaluate('window.drawn')) as Drawn[];
  return { png: await page.locator('main').screenshot(), drawn };
}
