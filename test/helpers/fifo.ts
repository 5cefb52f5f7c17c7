import { execFileSync } from 'node:child_process';

/** Makes a FIFO: opening it for reading waits for ever unless the reader takes care. */
export function makeFifo(path: string): void {
  execFileSync('mkfifo', [path]);
}
