import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { TestServer } from './server.ts';

/** A way to a database server on which a dump can be met at a certain byte, for certain and without a clock. */
export interface Tap {
  readonly port: number;
  /** Bytes of rows that the last dump has been given. */
  passed(): number;
  /** Gives further dumps so many bytes of rows, and holds back the rest. */
  holdAt(bytes: number): void;
  isHolding(): boolean;
  /** Gives what was held back, and holds no more. */
  letGo(): void;
}

/** `asksForRows` is how a client's question for the rows of the large table reads. */
export async function startTap(server: TestServer, asksForRows: RegExp): Promise<Tap> {
  let [limit, passed] = [Infinity, 0];
  const held = new Set<() => void>();
  const sockets = new Set<Socket>();

  const listener = createServer((client) => {
    const upstream = connect(server.port, server.host);
    let givesRows = false;
    client.on('data', (chunk) => {
      if (asksForRows.test(chunk.toString('latin1'))) [givesRows, passed] = [true, 0];
      upstream.write(chunk);
    });
    const pass = (chunk: Buffer) => {
      const now = givesRows ? chunk.subarray(0, limit - passed) : chunk;
      if (givesRows) passed += now.length;
      client.write(now);
      if (now.length === chunk.length) return;
      upstream.pause();
      held.add(() => {
        pass(chunk.subarray(now.length));
        upstream.resume();
      });
    };
    upstream.on('data', pass);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      // Whoever cannot reach the other side is told at once, and not by a silence.
      one.on('error', () => other.destroy());
      one.on('end', () => other.end());
      one.on('close', () => {
        sockets.delete(one);
        if (one === client) other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });

  return {
    port: (listener.address() as AddressInfo).port,
    passed: () => passed,
    holdAt: (bytes) => void (limit = bytes),
    isHolding: () => held.size > 0,
    letGo: () => {
      limit = Infinity;
      for (const release of held) release();
      held.clear();
    },
  };
}
