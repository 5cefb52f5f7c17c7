import { HoldfastError } from '../../../core/errors.ts';
import type { TenantOrder } from '../../tenants.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { findDependents } from './outside.ts';
import { becomeOther, renameSchema } from './rename.ts';

/** How a restored schema stands to what was there before. */
export interface Place {
  /** There is a schema of the tenant, which the restored one takes the place of. */
  replaces: boolean;
  /** What the dump's schema is called meanwhile, where it stays; null where there is none. */
  aside: string | null;
}

/**
 * Frees the name under which the dump's schema is loaded, in the transaction that the session is in. Throws `target_not_empty` where another tenant
 * has its schema already, and `restore_failed` where something outside builds on what would be replaced.
 */
export async function makePlace(
  session: PostgresSession,
  { schema, into, keep, elsewhere }: TenantOrder,
): Promise<Place> {
  const there = await isThere(session, into.schema);
  if (schema === into.schema && !(there && elsewhere !== null)) {
    if (!there) return { replaces: false, aside: null };
    await requireAlone(session, schema);
    await renameSchema(session, schema, keep);
    return { replaces: true, aside: null };
  }
  if (there) {
    throw new HoldfastError(
      'target_not_empty',
      `there is a schema "${into.schema}"${elsewhere === null ? '' : ` in ${elsewhere}`} already; nothing was changed`,
      {
        hint: `A tenant is restored ${elsewhere === null ? 'as another one' : 'into another database'} only where that has no schema yet: rename or drop it first.`,
      },
    );
  }
  if (!(await isThere(session, schema))) return { replaces: false, aside: null };
  const aside = `holdfast_aside_${keep}`.slice(0, 60);
  await renameSchema(session, schema, aside);
  return { replaces: false, aside };
}

/** Where it becomes another tenant, the one that it was gets its name back; returns what a person should look at. */
export async function takePlace(
  session: PostgresSession,
  { schema, into }: TenantOrder,
  { aside }: Place,
): Promise<string[]> {
  if (schema === into.schema) return [];
  const notes = await becomeOther(session, schema, into.schema);
  if (aside !== null) await renameSchema(session, aside, schema);
  return notes;
}

async function isThere(session: PostgresSession, schema: string): Promise<boolean> {
  const [row] = await session.query('SELECT to_regnamespace($1) IS NOT NULL AS there', [
    quoteIdentifier(schema),
  ]);
  return row?.there === true;
}

/** What others have built on it would stay with the old one. */
async function requireAlone(session: PostgresSession, schema: string): Promise<void> {
  const [first, ...more] = await findDependents(session, schema);
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  throw new HoldfastError(
    'restore_failed',
    `outside of "${schema}", ${first}${others} depends on it, and would stay with the old one; nothing was changed`,
    { hint: 'Drop that first and make it anew afterwards, or restore single tables with --tables.' },
  );
}
