// A real browser on a real server: Chromium from the PATH, a page that notes what its policy refused and what failed in it.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser's program; undefined where there is none. */
export const program = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find(isProgram);

/** Of tests that need it. */
export const skip = program === undefined ? 'there is no Chromium: apt-get install chromium' : false;

export function launch(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0; // Chromium's own sandbox refuses root
  return chromium.launch({ executablePath: program, args: isRoot ? ['--no-sandbox'] : [] });
}

export interface OpenPage {
  page: Page;
  /** What should not be: errors, failed requests, what the page's policy refused, addresses elsewhere. */
  faults: string[];
  /** What the page wrote to the console. */
  said: string[];
  close(): Promise<void>;
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000); // of a machine that is busy
  const faults: string[] = [];
  const said: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => (message.type() === 'error' ? faults : said).push(message.text()));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults, said, close: () => context.close() };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
