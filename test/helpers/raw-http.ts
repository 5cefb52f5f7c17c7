import { connect, type Socket } from 'node:net';
import { waitUntil } from '../../scripts/loopback/wait.ts';

/** A connection on which a test says what no HTTP client would. */
export interface RawConnection {
  socket: Socket;
  /** Everything that came back so far. */
  received(): string;
  /** Waits until that came back. */
  expect(text: string): Promise<void>;
}

/** Connects to that port of 127.0.0.1 and sends these lines as the head of a request. */
export function sendHead(port: number, lines: string[]): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.on('error', () => undefined); // closed in our face: what was received says enough
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return {
    socket,
    received: () => received,
    expect: (text) => waitUntil(JSON.stringify(text), () => received.includes(text)),
  };
}
