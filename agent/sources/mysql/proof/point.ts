import type { MysqlSourceConfig } from '../../../config/config.ts';
import type { Child } from '../../../process/run.ts';
import { errorFields } from '../../error-fields.ts';
import { readGrants } from '../grants.ts';
import type { MysqlSession } from '../session.ts';
import { untilSnapshotOpen } from './client-snapshot.ts';
import { whyNoLock, withCommitsHeld } from './lock.ts';
import { whyBlind } from './rights.ts';
import { readWrites } from './writes.ts';

/** A dump client that runs, and whether our session looks at the very data that it dumps. */
export interface Point {
  client: Child;
  /** Null: shown to be the same. Otherwise why not, as a sentence part. */
  unproven: string | null;
}

export interface PointOptions {
  config: MysqlSourceConfig;
  caFile: string;
  signal: AbortSignal;
  startClient: () => Promise<Child>;
}

/** Without a lock it succeeds where nothing is committed for the moment that a client takes to begin. */
const TRIES = 3;
const OPEN_TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 500;

/**
 * Opens the session's snapshot and starts the dump client so that both see the same data. First without any lock: the
 * server tells whether anything was committed between. Only where that fails, under a lock of a moment, and only where
 * nothing speaks against it. A client that began elsewhere is ended and started anew. Throws, with no client left, when
 * the session fails.
 */
export async function openAtOnePoint(session: MysqlSession, options: PointOptions): Promise<Point> {
  const clients = keepClients(options);
  try {
    const { unproven } = await search(session, options, clients);
    // Nobody waits for this client any more.
    options.signal.throwIfAborted();
    return { unproven, client: clients.last() };
  } catch (error) {
    await clients.stop();
    throw error;
  }
}

async function search(
  session: MysqlSession,
  options: PointOptions,
  clients: Clients,
): Promise<{ unproven: string | null }> {
  const grants = await readGrants(session);
  const open = async () => {
    await openSnapshot(session);
    await clients.start();
  };
  const blind = whyBlind(session, grants);
  if (blind !== null) {
    await open();
    return { unproven: `${blind.detail} (${blind.mend})` };
  }
  for (let i = 0; i < TRIES; i += 1) {
    await clients.stop();
    const before = await readWrites(session);
    await open();
    const limit = AbortSignal.any([options.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
    const opened = await untilSnapshotOpen(clients.last(), limit);
    // A client that is slow to begin would be so again.
    if (!opened) return { unproven: 'the dump client did not begin in time to see where it stands' };
    if (before !== null && before === (await readWrites(session))) return { unproven: null };
  }
  const obstacle = await whyNoLock(session, grants);
  if (obstacle !== null) return { unproven: `others wrote while the dump began, and ${obstacle}` };
  await clients.stop();
  const failure = await underLock(session, options, clients);
  if (failure === null) return { unproven: null };
  if (!clients.running()) await open();
  return { unproven: `others wrote while the dump began, and ${failure}` };
}

/** Null when it was done; otherwise why it was not. What the session itself cannot do is thrown. */
async function underLock(
  session: MysqlSession,
  { config, caFile, signal }: PointOptions,
  clients: Clients,
): Promise<string | null> {
  const held: { sessionError?: unknown; slow?: boolean } = {};
  try {
    await withCommitsHeld(config, { signal, caFile }, async (limit) => {
      try {
        await openSnapshot(session);
      } catch (error) {
        held.sessionError = error;
        throw error;
      }
      await clients.start();
      held.slow = !(await untilSnapshotOpen(clients.last(), limit));
    });
  } catch (error) {
    if (held.sessionError !== undefined) throw held.sessionError;
    return errorFields(error).message;
  }
  return held.slow === true ? 'the dump client took too long to begin under a lock' : null;
}

/** Any snapshot that is open is left. */
async function openSnapshot(session: MysqlSession): Promise<void> {
  await session.query('ROLLBACK');
  await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
}

interface Clients {
  start(): Promise<void>;
  /** Ends the one that runs, if any. */
  stop(): Promise<void>;
  running(): boolean;
  last(): Child;
}

/** At most one runs. */
function keepClients({ startClient }: PointOptions): Clients {
  let current: Child | null = null;
  return {
    start: async () => {
      current = await startClient();
    },
    stop: async () => {
      const child = current;
      current = null;
      if (child === null) return;
      await child.stop(STOP_GRACE_MS);
      child.stdout.destroy();
    },
    running: () => current !== null,
    last: () => {
      if (current === null) throw new Error('no dump client was started');
      return current;
    },
  };
}
