import { AsyncLocalStorage } from 'node:async_hooks';
import { onTestFinished } from 'vitest';

export type Release = () => unknown;

const lasting = new AsyncLocalStorage<Release[]>();

/** Releases something when the test is over; within `outliving`, when its releases are run. */
export function whenOver(release: Release): void {
  const releases = lasting.getStore();
  if (releases === undefined)
    onTestFinished(async () => {
      await release();
    });
  else releases.push(release);
}

/** What is made within outlives the test: it goes when `releases` are run. */
export function outliving<T>(releases: Release[], make: () => Promise<T>): Promise<T> {
  return lasting.run(releases, make);
}

/** Runs them, the last one first. */
export async function releaseAll(releases: Release[]): Promise<void> {
  for (const release of releases.splice(0).toReversed()) await release();
}
