import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer is not undefined or false, and gives it; after the deadline an error that tells the last trouble. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (let [trouble, waitMs] = ['it never was', 10]; ; waitMs = Math.min(waitMs * 2, 200)) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      trouble = String(error);
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s until ${what}: ${trouble}`);
    await pause(waitMs);
  }
}
