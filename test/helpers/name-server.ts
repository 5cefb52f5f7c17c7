import { createSocket } from 'node:dgram';

export interface NameServer {
  /** `127.0.0.1:PORT` */
  address: string;
  /** What every name resolves to: an address, `unknown`, or `silent` for no answer at all. */
  answer: string;
  stop(): void;
}

/** A name server on loopback that gives one answer to every question, to be kept for ten minutes. */
export async function startNameServer(answer: string): Promise<NameServer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const server = { address: `127.0.0.1:${socket.address().port}`, answer, stop: () => void socket.close() };

  socket.on('message', (question, from) => {
    if (server.answer !== 'silent') socket.send(reply(question, server.answer), from.port, from.address);
  });
  return server;
}

// RFC 1035: the question comes back, with a header that counts one answer and the answer behind it.
function reply(question: Buffer, answer: string): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(answer === 'unknown' ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(answer === 'unknown' ? 0 : 1, 6);
  if (answer === 'unknown') return Buffer.concat([header, question.subarray(12)]);

  const record = Buffer.from([
    0xc0,
    0x0c,
    0,
    1,
    0,
    1,
    0,
    0,
    0x02,
    0x58,
    0,
    4,
    ...answer.split('.').map(Number),
  ]);
  return Buffer.concat([header, question.subarray(12), record]);
}
