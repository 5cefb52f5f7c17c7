import type { PostgresSourceConfig } from '../../../config/config.ts';
import { isFolder, type StoredDump } from '../../source.ts';
import type { Roles } from '../../roles.ts';
import type { ClientDeps } from '../../tools.ts';
import { peekContents, type WholeEntry } from '../archive-contents.ts';
import { formOf, readForm, tellUnlike } from '../database-form.ts';
import { readStoredContents } from '../directory/stored.ts';
import { withAdminSession, type PostgresSession } from '../session.ts';
import { chooseEntries } from '../table-choice.ts';
import { readGlobals } from './globals-script.ts';
import { dropRoles, makeRoles } from './make.ts';
import { neededOf } from './needed.ts';
import { giveTraits, traitsOf } from './of-database.ts';
import { planRoles } from './plan.ts';
import { isSuperuser, readRolesThere } from './server.ts';

const TIMEOUT_MS = 5 * 60_000;

/** The roles of a PostgreSQL server. */
export function createPostgresRoles(config: PostgresSourceConfig, deps: ClientDeps): Roles {
  // They belong to no database, and the source's own may not be there yet.
  const inServer = <T>(signal: AbortSignal, work: (session: PostgresSession) => Promise<T>) =>
    withAdminSession(config, '', { signal, caFile: deps.tools.caFile, timeoutMs: TIMEOUT_MS }, work);
  return {
    lacking: async (dump, { owners, tables }, signal) => {
      const there = await inServer(signal, readRolesThere);
      const kept = owners === 'keep' || (owners === 'where-allowed' && isSuperuser(there));
      const all = await contentsOf(dump);
      const needed = neededOf(tables === null ? all : chooseEntries(all, tables, { replace: false }), {
        owners: kept,
      });
      const made = all.find(({ kind }) => kind === 'DATABASE')?.definition ?? null;
      const own = await inServer(signal, (session) => readForm(session, config.database));
      const absent = (names: string[]) => names.filter((name) => !there.roles.has(name));
      return {
        roles: absent(needed.roles),
        owners: absent(needed.owners),
        wished: tables === null ? absent(needed.wished) : [],
        tablespaces: needed.tablespaces.filter((name) => !there.tablespaces.has(name)),
        traits: tables === null ? traitsOf(all) : [],
        made,
        unlike: made === null ? [] : tellUnlike(config.database, own, formOf(made)),
      };
    },
    plan: async (lacking, stream, signal) => {
      const globals = await readGlobals(stream);
      return planRoles(lacking, globals, await inServer(signal, readRolesThere));
    },
    make: (plan, onMade, signal) => inServer(signal, (session) => makeRoles(session, plan, onMade)),
    unknownIn: async (dump, stream) => {
      const { roles } = neededOf(await contentsOf(dump), { owners: true });
      const stored = (await readGlobals(stream)).roles;
      // Those of PostgreSQL itself are in no globals.
      return roles.filter((name) => !stored.has(name) && !name.startsWith('pg_'));
    },
    giveTraits: (database, traits, signal) =>
      inServer(signal, (session) => giveTraits(session, database, traits)),
    drop: (made, signal) => inServer(signal, (session) => dropRoles(session, made)),
  };
}

/** Nothing where the format of the archive is not known: then nobody knows what it needs. */
async function contentsOf(dump: StoredDump): Promise<WholeEntry[]> {
  if (isFolder(dump)) return readStoredContents(dump);
  const { entries, close } = await peekContents(dump);
  await close();
  return entries ?? [];
}
