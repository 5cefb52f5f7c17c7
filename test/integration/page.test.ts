import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, servePages } from '../helpers/browser.ts';
import { pageStates } from '../helpers/page-states.ts';
import { repositoryRoot } from '../helpers/stack.ts';

/** The pictures are for people to look at: every state, in both themes, on a phone and on a desk. */
const pictures = join(repositoryRoot, 'node_modules', '.cache', 'holdfast', 'page');

let browser: Browser;
let server: Awaited<ReturnType<typeof servePages>>;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  [browser, server] = await Promise.all([startBrowser(), servePages(pageStates)]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

it.each(Object.keys(pageStates))(
  '%s → no barrier that axe knows, nothing refused, nothing beyond the edge, in both themes',
  async (name) => {
    const { page, troubles, requests } = await open(name);
    await page.evaluate(axe.source);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await barriersOf(page), colorScheme).toEqual([]);

      for (const width of [380, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await widthOf(page), `at ${width} pixels`).toBe(width);
        const file = `${name.replaceAll(' ', '-')}-${colorScheme}-${width}.png`;
        await page.screenshot({ path: join(pictures, file), fullPage: true });
      }
    }
    expect(troubles).toEqual([]);
    expect(requests).toEqual([server.urlOf(name)]);
    await page.context().close();
  },
);

it('no JavaScript → the page is whole', async () => {
  const { page } = await open('failing', { javaScriptEnabled: false });
  expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('The last backup of shop failed.');
  expect(await page.getByRole('listitem').first().isVisible()).toBe(true);
  await page.context().close();
});

it('its policy → is in force: a style from elsewhere changes nothing', async () => {
  const { page, troubles } = await open('all good');
  const colour = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const before = await colour();
  await page.evaluate(
    `document.body.insertAdjacentHTML('beforeend', '<style>body{background:red}</style><img src="${server.urlOf('x')}">')`,
  );
  expect(await colour()).toBe(before);
  await expect.poll(() => troubles.length).toBe(2);
  await page.context().close();
});

/** A page of its own; what the browser complains about and asks for is kept. */
async function open(name: string, more: { javaScriptEnabled?: boolean } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...more });
  const page = await context.newPage();
  const troubles: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) requests.push(request.url());
  });
  await page.goto(server.urlOf(name));
  return { page, troubles, requests };
}

/** What axe finds, with where it finds it. */
async function barriersOf(page: Page): Promise<[rule: string, where: string[]][]> {
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** Of everything that is on it: wider than the window where something sticks out. */
const widthOf = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth');
