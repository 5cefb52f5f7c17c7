import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubSentinel {
  address: string;
  port: number;
  /** The headers of every question. */
  asked: IncomingHttpHeaders[];
  stop(): Promise<void>;
}

/** Something in the sentinel's place that answers as the test says. */
export async function startStubSentinel(
  answer: RequestListener,
  host = '127.0.0.1',
  port = 0,
): Promise<StubSentinel> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    address: `${host}:${bound}`,
    port: bound,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
