import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../core/errors.ts';
import { statementError } from '../postgres/errors.ts';
import { quoteIdentifier } from '../postgres/names.ts';
import type { PostgresSession } from '../postgres/session.ts';
import type { Extension } from './postgres-surroundings.ts';

/** Throws where an extension of the source is not installed here, or not in its version: a restore would fail of it, or differ. */
export async function requireExtensions(session: PostgresSession, wanted: Extension[]): Promise<void> {
  const rows = await session.query('SELECT name, default_version AS version FROM pg_available_extensions');
  const here = new Map(rows.map(({ name, version }) => [String(name), String(version)]));
  const lacking = wanted.flatMap(({ name, version }) => {
    const other = here.get(name);
    if (other === version) return [];
    return [other === undefined ? name : `${name} ${version} (it has ${other})`];
  });
  if (lacking.length === 0) return;
  throw new HoldfastError(
    'failed',
    `the throw-away server lacks ${lacking.length === 1 ? 'an extension' : 'extensions'} of the source: ${lacking.join(', ')}`,
    {
      hint: "Name a server that has them in VERIFY_SERVER (in the file: verify.server), or nothing there for the source's own. An older version in the source: ALTER EXTENSION … UPDATE there.",
    },
  );
}

/**
 * Makes the extensions in place of the dump, which leaves alone what is there: some may be made by superusers only. They become the
 * user's own, who may say no more of them than the dump does: their functions stay the superuser's.
 */
export async function makeExtensions(
  session: PostgresSession,
  wanted: Extension[],
  owner: string,
): Promise<void> {
  // A schema of the user's own comes with the dump, which would find it there.
  for (const { name, schema } of wanted.filter((one) => ['public', 'pg_catalog'].includes(one.schema))) {
    try {
      await session.query(`CREATE EXTENSION ${quoteIdentifier(name)} SCHEMA ${schema}`);
      const owned = 'UPDATE pg_extension SET extowner = $1::text::regrole WHERE extname = $2';
      await session.query(owned, [owner, name]);
    } catch (error) {
      throw statementError(error, `the throw-away server cannot make the extension ${name}`, null);
    }
  }
}

/** Lets the user call amcheck; where the dump has none, it is made where the dump cannot have put anything. */
export async function allowAmcheck(session: PostgresSession, user: string): Promise<void> {
  const [there] = await session.query(
    `SELECT extnamespace::regnamespace::text AS schema FROM pg_extension WHERE extname = 'amcheck'`,
  );
  const schema = there === undefined ? `holdfast_${randomBytes(8).toString('hex')}` : String(there.schema);
  if (there === undefined) {
    await session.query(`CREATE SCHEMA ${schema}`);
    await session.query(`CREATE EXTENSION amcheck SCHEMA ${schema}`);
  }
  await session.query(`GRANT USAGE ON SCHEMA ${schema} TO ${user}`);
  await session.query(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${user}`);
}
