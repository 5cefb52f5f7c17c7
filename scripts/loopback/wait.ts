import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until the answer is yes, every 20 ms; rejects after that many seconds, saying what it waited for.
 * An error thrown by `condition` ends the waiting.
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds = 10,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await pause(20);
  }
}

/** Whether somebody accepts connections on that port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
