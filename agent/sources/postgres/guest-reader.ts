/** What is to become of the bytes that a guest has sent. */
export interface Passed {
  toServer: Buffer[];
  toGuest: Buffer[];
}

/**
 * Reads what a program of libpq says on a connection that is not its own (lend-connection.ts), in any pieces. It is greeted without the
 * server; what begins, ends or leaves a transaction is answered in the server's place, for that is its host's, and so is how long it waits for
 * locks, which pg_restore would do for ever; all else goes on to the server.
 */
export function createGuestReader(greeting: Buffer): { push(chunk: Buffer): Passed } {
  let isGreeted = false;
  let kept: Buffer = Buffer.alloc(0);
  /** Of a message whose beginning was passed on. */
  let passing = 0;
  return {
    push: (chunk) => {
      const passed: Passed = { toServer: [], toGuest: [] };
      let rest = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      for (;;) {
        if (passing > 0) {
          const piece = rest.subarray(0, passing);
          if (piece.length > 0) passed.toServer.push(piece);
          passing -= piece.length;
          rest = rest.subarray(piece.length);
          if (passing > 0) break;
        }
        const head = isGreeted ? 5 : 8;
        if (rest.length < head) break;
        const size = isGreeted ? 1 + rest.readUInt32BE(1) : rest.readUInt32BE(0);
        const type = rest[0];
        if (isGreeted && type !== QUERY && type !== TERMINATE) {
          passing = size;
          continue;
        }
        if (rest.length < size) break;
        const message = rest.subarray(0, size);
        rest = rest.subarray(size);
        if (!isGreeted) {
          isGreeted = !ENCRYPTION.includes(message.readUInt32BE(4));
          passed.toGuest.push(isGreeted ? greeting : Buffer.from('N'));
        } else if (type === QUERY) {
          const [, bracket, set] = HOSTS_OWN.exec(message.toString('latin1', 5)) ?? [];
          const word = bracket ?? set;
          if (word === undefined) passed.toServer.push(message);
          else passed.toGuest.push(messageOf('C', `${word}\0`), READY);
        }
      }
      kept = rest;
      return passed;
    },
  };
}

/** One message of the server's. */
export function messageOf(type: string, body: string | Buffer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(4 + bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** The server waits for a statement, in a transaction. */
export const READY = messageOf('Z', 'T');

const QUERY = 'Q'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
/** Requests for TLS and for GSSAPI, instead of a beginning. */
const ENCRYPTION = [80877103, 80877104];
const HOSTS_OWN = /^\s*(?:(BEGIN|COMMIT)|(SET) lock_timeout = 0)\s*;?\s*\0$/;
