import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The app behind the gate. */
export interface TestApp {
  /** `127.0.0.1:PORT` */
  address: string;
  /** `METHOD /path BYTES` of every request that got through, in order. */
  requests: string[];
  stop(): Promise<void>;
}

/** Answers 200 to everything, NNN to `/answer/NNN`, and gives back what comes through a WebSocket's connection. */
export async function startApp(): Promise<TestApp> {
  const requests: string[] = [];
  const server = createServer(
    { maxHeaderSize: 65_536 },
    (request, response) => void answer(request, response),
  );
  async function answer(request: IncomingMessage, response: ServerResponse) {
    const bytes = await count(request);
    requests.push(`${request.method} ${request.url} ${bytes}`);
    const wanted = /^\/answer\/(\d{3})$/.exec(request.url ?? '');
    response
      .writeHead(wanted ? Number(wanted[1]) : 200, { 'content-type': 'text/plain' })
      .end('the app itself');
  }
  server.on('upgrade', (request, socket) => {
    requests.push(`UPGRADE ${request.url} 0`);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function count(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  return bytes;
}
