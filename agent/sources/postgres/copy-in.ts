import { once } from 'node:events';
import type pg from 'pg';

/**
 * Runs one `COPY … FROM stdin` on a connection, with these bytes as its rows. Throws what the server says, or what `rows` threw: the
 * server was told then that the rows end badly, and keeps none of them.
 */
export async function copyIn(client: pg.Client, sql: string, rows: AsyncIterable<Buffer>): Promise<void> {
  const copy = new CopyIn(sql, rows);
  client.query(copy);
  await copy.done;
}

/** What the driver's connection can do for a COPY, which its types leave out. */
interface CopyConnection {
  stream: NodeJS.WritableStream & { writableNeedDrain: boolean };
  query(sql: string): void;
  sendCopyFromChunk(bytes: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(why: string): void;
}

/** A query in the driver's queue; the `handle…` methods are the driver's to call. */
class CopyIn {
  readonly #sql: string;
  readonly #rows: AsyncIterable<Buffer>;
  readonly #end = Promise.withResolvers<true>();
  /** Why the rows broke off: that is told, and not what the server says to it. */
  #broken: unknown = null;
  #ended = false;

  constructor(sql: string, rows: AsyncIterable<Buffer>) {
    this.#sql = sql;
    this.#rows = rows;
    this.#end.promise.catch(() => undefined);
  }

  get done(): Promise<true> {
    return this.#end.promise;
  }

  submit(connection: unknown): void {
    (connection as CopyConnection).query(this.#sql);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    void this.#send(connection);
  }

  handleError(error: unknown): void {
    this.#ended = true;
    this.#end.reject(this.#broken ?? error);
  }

  handleReadyForQuery(): void {
    this.#ended = true;
    this.#end.resolve(true);
  }

  handleCommandComplete(): void {
    // The answer that counts is that the server is ready again.
  }

  async #send(connection: CopyConnection): Promise<void> {
    const ended = this.#end.promise.catch(() => undefined);
    try {
      for await (const bytes of this.#rows) {
        if (this.#ended) return;
        connection.sendCopyFromChunk(bytes);
        // A server that has refused the rows, or is gone, drains nothing any more.
        if (connection.stream.writableNeedDrain)
          await Promise.race([once(connection.stream, 'drain'), ended]);
      }
      if (!this.#ended) connection.endCopyFrom();
    } catch (error) {
      this.#broken = error;
      if (!this.#ended) connection.sendCopyFail('the rows broke off');
    }
  }
}
