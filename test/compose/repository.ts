import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '../helpers/stack.ts';
import { until } from '../helpers/until.ts';

export interface SnapshotLine {
  id: string;
  short_id: string;
  time: string;
  paths: string[];
  tags?: string[];
  hostname: string;
}

/** The snapshots of databases as restic in the agent's container tells them. Fails when anything but restic speaks on stdout. */
export async function snapshots(stack: Stack): Promise<SnapshotLine[]> {
  return ofDatabases(await stack.ask('docker compose exec -T db_backup restic snapshots --json', 30_000));
}

/** Of restic's list those that hold a database, without the proofs beside them and the ledger. */
export function ofDatabases(list: string): SnapshotLine[] {
  const beside = ['kind=proof', 'kind=ledger'];
  return (JSON.parse(list) as SnapshotLine[]).filter(
    ({ tags }) => !tags?.some((tag) => beside.includes(tag)),
  );
}

/** `last_ok` as it stands in the mounted folder, or null when there is none. */
export function heartbeat(stack: Stack): string | null {
  const file = join(stack.clone, 'status/last_ok');
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** The daemon makes the repository at its first start. */
export function untilRepository(stack: Stack): Promise<true> {
  return until(
    'the agent has made its repository',
    async () => {
      await snapshots(stack);
      return true;
    },
    90_000,
  );
}
