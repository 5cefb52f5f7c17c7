import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestServer } from './server.ts';
import { whenOver } from './when-over.ts';

/** A way to a database server on which a dump or a load can be met at a certain byte, for certain and without a clock. */
export interface Tap {
  readonly port: number;
  /** Bytes of rows that have passed since they were last asked for or announced. */
  passed(): number;
  /** Lets so many bytes of rows pass, and holds back the rest. */
  holdAt(bytes: number): void;
  isHolding(): boolean;
  /** Lets pass what was held back, and holds no more. */
  letGo(): void;
}

/**
 * `announcesRows` is how a client's question for the rows of the large table reads; where the rows are not `given` to the client and
 * `taken` from it, how it begins to send them.
 */
export async function startTap(
  server: TestServer,
  announcesRows: RegExp,
  rows: 'given' | 'taken' = 'given',
): Promise<Tap> {
  let [limit, passed] = [Infinity, 0];
  const held = new Set<() => void>();
  const sockets = new Set<Socket>();

  const listener = createServer((client) => {
    const upstream = connect(server.port, server.host);
    let isCounting = false;
    const carry = (from: Socket, to: Socket, counts: boolean) => {
      const pass = (chunk: Buffer) => {
        const now = counts && isCounting ? chunk.subarray(0, limit - passed) : chunk;
        if (counts && isCounting) passed += now.length;
        to.write(now);
        if (now.length === chunk.length) return;
        from.pause();
        held.add(() => {
          pass(chunk.subarray(now.length));
          from.resume();
        });
      };
      return pass;
    };
    const fromClient = carry(client, upstream, rows === 'taken');
    client.on('data', (chunk) => {
      if (announcesRows.test(chunk.toString('latin1'))) {
        if (rows === 'given' || !isCounting) passed = 0;
        isCounting = true;
      }
      fromClient(chunk);
    });
    upstream.on('data', carry(upstream, client, rows === 'given'));
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
  whenOver(() => {
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
