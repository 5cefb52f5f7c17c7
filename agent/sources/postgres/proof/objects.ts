import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../core/errors.ts';
import type { ObjectProof } from '../../../proof/proof.ts';
import type { PostgresSession } from '../session.ts';
import { canonicalExpression } from './canonical.ts';
import { OTHER_OBJECTS } from './other-objects.ts';
import { step } from './snapshot.ts';
import { TABLE_OBJECTS, type ObjectQuery } from './table-objects.ts';

/**
 * What a database holds beside rows and counters, each with the hash of a definition that is the same after a dump and a restore.
 * Without owners and rights, which a scratch database has not. What an extension brought is told by the extension.
 */
export async function readObjects(session: PostgresSession, leftOut: string[]): Promise<ObjectProof[]> {
  const objects: ObjectProof[] = [];
  for (const query of [...TABLE_OBJECTS, ...OTHER_OBJECTS]) {
    const values = query.sql.includes('$1') ? [leftOut] : [];
    const rows = await step(session, () => session.query(query.sql, values));
    objects.push(...rows.map((row) => proofOf(query, row)).sort(byName));
  }
  return objects;
}

function proofOf({ kind, coded }: ObjectQuery, row: Record<string, unknown>): ObjectProof {
  const name = String(row.name);
  if (coded === true && typeof row.code !== 'string') {
    throw new HoldfastError('failed', `${kind} ${name} was dropped while it was read`);
  }
  const code = typeof row.code === 'string' ? canonicalExpression(row.code) : null;
  const hash = createHash('sha256').update(JSON.stringify([row.facts, code]));
  return { kind, name, hash: hash.digest('hex') };
}

function byName(a: ObjectProof, b: ObjectProof): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
