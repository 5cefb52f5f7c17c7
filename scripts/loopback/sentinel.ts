import { fileURLToPath } from 'node:url';
import { type Child, type ChildOptions, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { waitUntil } from './wait.ts';

export interface SentinelOptions extends ChildOptions {
  heartbeatPath: string;
  stateFolder: string;
  /** A free one where it is left out. */
  port?: number;
  thresholdSeconds?: number;
  graceSeconds?: number;
  mode?: 'enforce' | 'observe';
}

export interface RunningSentinel extends Child {
  /** `127.0.0.1:PORT`, as nginx wants it. */
  address: string;
  port: number;
}

/** Starts the sentinel on loopback without a container; resolves when it listens. */
export async function startSentinel(options: SentinelOptions): Promise<RunningSentinel> {
  const port = options.port ?? (await freePort());
  const environment = {
    PATH: process.env['PATH'],
    SENTINEL_HOST: '127.0.0.1',
    SENTINEL_PORT: String(port),
    SENTINEL_HEARTBEAT_PATH: options.heartbeatPath,
    SENTINEL_STATE_DIR: options.stateFolder,
    SENTINEL_THRESHOLD_SECONDS: options.thresholdSeconds?.toString(),
    SENTINEL_BOOT_GRACE_SECONDS: options.graceSeconds?.toString(),
    SENTINEL_MODE: options.mode,
  };
  const child = startChild(process.execPath, [main], environment, options);
  await waitUntil('the sentinel to listen', () => {
    if (!child.isRunning()) throw new Error(`the sentinel ended:\n${child.output()}`);
    return child.output().includes('listening on');
  });
  return { ...child, port, address: `127.0.0.1:${port}` };
}

const main = fileURLToPath(new URL('../../sentinel/main.ts', import.meta.url));
