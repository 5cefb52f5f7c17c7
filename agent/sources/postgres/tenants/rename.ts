import { HoldfastError } from '../../../core/errors.ts';
import { schemaPrefix } from '../../../proof/of-schema.ts';
import { quoteIdentifier } from '../names.ts';
import { readDefinitionsOf } from '../proof/objects.ts';
import type { PostgresSession } from '../session.ts';
import { readBack } from './read-back.ts';
import { rightsAlong } from './rights-along.ts';

/** Renames a schema in the transaction that the session is in. */
export async function renameSchema(session: PostgresSession, from: string, to: string): Promise<void> {
  await session.query(`ALTER SCHEMA ${quoteIdentifier(from)} RENAME TO ${quoteIdentifier(to)}`);
}

/**
 * Makes a schema another tenant's. What PostgreSQL keeps by identity follows (views, defaults, keys, policies); the `search_path` that a function
 * sets is written anew where it names the old schema. Throws `restore_failed` that names whatever else still speaks of it, and gives
 * what a person should look at.
 */
export async function becomeOther(session: PostgresSession, from: string, to: string): Promise<string[]> {
  await renameSchema(session, from, to);
  await renewSearchPaths(session, from, to);
  const definitions = await readBack(session, () => readDefinitionsOf(session, to));
  const speaking = definitions.filter(({ text }) => names(text, from));
  const [first] = speaking;
  if (first !== undefined) {
    const more = speaking.length === 1 ? '' : ` and ${speaking.length - 1} more`;
    throw new HoldfastError(
      'restore_failed',
      `${first.kind} ${first.name.replace(schemaPrefix(to), schemaPrefix(from))}${more} would still speak of "${from}" as another tenant's; nothing was changed`,
      {
        hint: `Its text names the schema, and texts are not rewritten: let it leave the name to search_path, or restore the tenant as itself.`,
      },
    );
  }
  return rightsAlong(session, from, to);
}

async function renewSearchPaths(session: PostgresSession, from: string, to: string): Promise<void> {
  const functions = await session.query(
    `SELECT p.oid::regprocedure::text AS signature, substr(c, strpos(c, '=') + 1) AS path FROM pg_proc p, unnest(p.proconfig) c
      WHERE p.pronamespace = to_regnamespace($1) AND c LIKE 'search_path=%'`,
    [quoteIdentifier(to)],
  );
  for (const { signature, path } of functions) {
    const schemas = schemasIn(String(path));
    if (!schemas.includes(from)) continue;
    const renewed = schemas.map((schema) => quoteIdentifier(schema === from ? to : schema));
    await session.query(`ALTER ROUTINE ${String(signature)} SET search_path TO ${renewed.join(', ')}`);
  }
}

/** The schemas of a search_path as the catalogue has it: `"Ten ant", public`. */
export function schemasIn(path: string): string[] {
  return [...path.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,"\s]+))\s*(?:,|$)/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain.toLowerCase() : quoted.replaceAll('""', '"'),
  );
}

/** Whether a text has the name in it as a word of its own. */
export function names(text: string, schema: string): boolean {
  const escaped = schema.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}(?![\\p{L}\\p{N}_$])`, 'iu').test(text);
}
