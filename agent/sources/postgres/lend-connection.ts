import { once } from 'node:events';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { createOutlet } from '../../process/backpressure.ts';
import { createGuestReader, messageOf, READY } from './guest-reader.ts';

/** How a program of libpq gets there: for its environment. */
export type WayIn = Record<'PGHOST' | 'PGPORT' | 'PGSSLMODE', string>;

/**
 * Lets one program of libpq work on an open connection, in the transaction that is open there: what it does is neither kept nor seen by
 * others before the connection's owner commits. It comes by a socket in a folder that only this user may enter. When `work` has resolved,
 * the connection is its owner's again, with the settings that the guest has made; when it rejects, the connection is ended.
 */
export async function lendConnection<T>(
  client: pg.Client,
  runtimeDir: string,
  work: (way: WayIn) => Promise<T>,
): Promise<T> {
  const greeting = await greetingOf(client);
  const line = lineOf(client);
  const folder = await makeSocketFolder(runtimeDir);
  const door = createServer();
  const listeners = line.listeners('data') as ((chunk: Buffer) => void)[];
  let guest: Socket | null = null;
  const answer = (chunk: Buffer) => void guest?.write(chunk);
  line.on('data', answer);
  for (const listener of listeners) line.off('data', listener);
  door.once('connection', (socket) => {
    guest = socket;
    door.close();
    void serve(socket, line, greeting);
  });
  try {
    await open(door, join(folder, SOCKET));
    const done = await work({ PGHOST: folder, PGPORT: PORT, PGSSLMODE: 'disable' });
    for (const listener of listeners) line.on('data', listener);
    return done;
  } catch (error) {
    // Where the guest has stopped nobody knows, in the middle of rows maybe: the server undoes what was done.
    line.destroy();
    throw error;
  } finally {
    line.off('data', answer);
    (guest as Socket | null)?.destroy();
    door.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const PORT = '5432';
const SOCKET = `.s.PGSQL.${PORT}`;
/** A socket's whole path has no more than this many bytes. */
const MOST_SOCKET_BYTES = 107;

/** What libpq wants to know of a server. */
async function greetingOf(client: pg.Client): Promise<Buffer> {
  const names = [
    'server_version',
    'server_encoding',
    'client_encoding',
    'standard_conforming_strings',
    'integer_datetimes',
    'is_superuser',
    'DateStyle',
    'IntervalStyle',
    'TimeZone',
  ];
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT n AS name, current_setting(n) AS value FROM unnest($1::text[]) n',
    [names],
  );
  return Buffer.concat([
    messageOf('R', Buffer.alloc(4)),
    ...rows.map(({ name, value }) => messageOf('S', `${name}\0${value}\0`)),
    // A key for asking the server to cancel something, which nobody will do.
    messageOf('K', Buffer.alloc(8)),
    READY,
  ]);
}

/** What the driver's types leave out. */
function lineOf(client: pg.Client): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream;
}

async function makeSocketFolder(runtimeDir: string): Promise<string> {
  const fits = Buffer.byteLength(join(runtimeDir, 'lent-XXXXXX', SOCKET)) <= MOST_SOCKET_BYTES;
  const root = fits ? runtimeDir : tmpdir();
  await mkdir(root, { recursive: true, mode: 0o700 });
  return mkdtemp(join(root, 'lent-'));
}

async function open(door: Server, path: string): Promise<void> {
  door.listen(path);
  await once(door, 'listening');
}

async function serve(guest: Socket, line: Duplex, greeting: Buffer): Promise<void> {
  const reader = createGuestReader(greeting);
  const outlet = createOutlet(line, new AbortController().signal);
  // It would wait for ever for a server that is gone.
  const leave = () => void guest.destroy();
  line.once('close', leave);
  guest.on('error', () => undefined);
  try {
    for await (const chunk of guest as AsyncIterable<Buffer>) {
      const { toServer, toGuest } = reader.push(chunk);
      for (const piece of toServer) await outlet.write(piece);
      for (const piece of toGuest) guest.write(piece);
    }
  } catch {
    // The guest says what became of its work, or nothing any more.
  } finally {
    outlet.release();
    line.off('close', leave);
    guest.destroy();
  }
}
