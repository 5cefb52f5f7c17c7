import { expect, test } from 'vitest';
import { createGuestReader, messageOf, READY } from '../../../agent/sources/postgres/guest-reader.ts';

const GREETING = Buffer.from('greeting');

/** As libpq sends it: without a type, and with a version or a request. */
function opening(code: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(8, 0);
  bytes.writeUInt32BE(code, 4);
  return bytes;
}

const SAID = [
  opening(80877103),
  opening(196608),
  messageOf('Q', 'BEGIN\0'),
  messageOf('Q', 'SET lock_timeout = 0;\n\0'),
  messageOf('Q', 'CREATE TABLE t (id int)\0'),
  messageOf('Q', 'COPY t FROM stdin;\0'),
  messageOf('d', 'COMMIT\n'),
  messageOf('d', Buffer.alloc(70_000, 'x')),
  messageOf('c', ''),
  messageOf('Q', "SELECT 'COMMIT'\0"),
  messageOf('Q', ' COMMIT;\0'),
  messageOf('X', ''),
];

test.each([1, 3, 7, 64, 100_000])(
  'what a guest says, in pieces of %i bytes → greeted; its work goes to the server; what begins or ends a transaction, and waits without limit, does not',
  (size) => {
    const reader = createGuestReader(GREETING);
    const all = Buffer.concat(SAID);
    const [toServer, toGuest]: [Buffer[], Buffer[]] = [[], []];
    for (let at = 0; at < all.length; at += size) {
      const passed = reader.push(all.subarray(at, at + size));
      toServer.push(...passed.toServer);
      toGuest.push(...passed.toGuest);
    }
    expect(Buffer.concat(toServer).equals(Buffer.concat(SAID.slice(4, 10)))).toBe(true);
    const answers = [
      Buffer.from('N'),
      GREETING,
      ...[messageOf('C', 'BEGIN\0'), READY],
      ...[messageOf('C', 'SET\0'), READY],
      ...[messageOf('C', 'COMMIT\0'), READY],
    ];
    expect(Buffer.concat(toGuest).toString('latin1')).toBe(Buffer.concat(answers).toString('latin1'));
  },
);
