import { localeClauses, readForm } from '../postgres/database-form.ts';
import type { PostgresSession } from '../postgres/session.ts';

/** What a restored database leans on, and no dump brings. */
export interface Surroundings {
  /** Encoding and locale of the database, as CREATE DATABASE takes them; nothing where nobody knows. */
  locale: string;
  /** Names of the roles that are not PostgreSQL's own. */
  roles: string[];
  extensions: Extension[];
}

export interface Extension {
  name: string;
  version: string;
  schema: string;
}

/** Of a server that does not answer. */
export const UNKNOWN: Surroundings = { locale: '', roles: [], extensions: [] };

export async function readSurroundings(session: PostgresSession, database: string): Promise<Surroundings> {
  const roles = await session.query(
    `SELECT rolname AS name FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
  );
  const extensions = await session.query(
    `SELECT extname AS name, extversion AS version, extnamespace::regnamespace::text AS schema
      FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY oid`,
  );
  const form = await readForm(session, database);
  return {
    locale: form === null ? '' : localeClauses(form, session.major),
    roles: roles.map(({ name }) => String(name)),
    extensions: extensions.map(({ name, version, schema }) => ({
      name: String(name),
      version: String(version),
      schema: String(schema),
    })),
  };
}
