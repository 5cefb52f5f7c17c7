import { readdirSync, readlinkSync, rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { serverFolder } from './server.ts';

/** A folder for throw-away servers that their users get to, gone when the test is over. */
export function throwawayFolder(): string {
  const folder = serverFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Processes that work in a folder or below it. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && workingFolder(pid).startsWith(folder));
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
