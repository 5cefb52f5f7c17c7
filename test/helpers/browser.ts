import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { answerPage } from '../../sentinel/page/answers.ts';
import type { PageFacts } from '../../sentinel/page/facts.ts';

/** Debian's Chromium; `scripts/setup chromium` installs it. */
export function startBrowser(): Promise<Browser> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find(isExecutable);
  if (executablePath === undefined)
    throw new Error('there is no chromium on the PATH: scripts/setup chromium');
  // The sandbox wants a user that is not root; what it shows here is ours.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Serves the page of each state under its name, with the headers that the sentinel gives it. */
export async function servePages(states: Record<string, PageFacts>) {
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1));
    const facts = states[name];
    if (facts === undefined) return response.writeHead(404).end();
    const { headers, body } = answerPage(facts);
    return response.writeHead(200, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (name: string) => `http://127.0.0.1:${port}/${encodeURIComponent(name)}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
