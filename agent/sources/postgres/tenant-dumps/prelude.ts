import type { PostgresSourceConfig } from '../../../config/config.ts';
import { openDump, type DumpPlan } from '../../client/dump.ts';
import { writePrivateFile } from '../../private-file.ts';
import type { Dump, Probe } from '../../source.ts';
import type { TenantSchema } from '../../tenant-dumps.ts';
import type { ClientDeps } from '../../tools.ts';
import { siblingOf } from '../clients.ts';
import { quoteIdentifier, quoteLiteral } from '../names.ts';
import { restrictKey } from '../restrict-key.ts';
import { createScriptFilter } from '../script-filter.ts';
import { chooseObjects } from '../table-choice.ts';
import type { Needs } from './needs.ts';
import type { SharedArchive } from './shared-archive.ts';

export interface PreludeSource {
  config: PostgresSourceConfig;
  deps: ClientDeps;
  probe: Probe;
  tenant: TenantSchema;
  needs: () => Promise<Needs>;
  shared: () => Promise<SharedArchive>;
}

/**
 * A script for psql with what a tenant's dump needs in a database that has none of it: roles, and of the extensions, types, functions
 * and tables outside the tenant's schema those that the catalog says it depends on.
 */
export function openPrelude(source: PreludeSource, signal: AbortSignal): Dump {
  const { deps, tenant } = source;
  const label = `prelude of tenant ${tenant.id}`;
  const options = { label, processes: deps.processes, signal, idleTimeoutMs: deps.idleTimeoutMs };
  return openDump(options, () => plan(source));
}

async function plan({ config, deps, probe, tenant, needs, shared }: PreludeSource): Promise<DumpPlan> {
  const needed = await needs();
  const { path, ...archive } = await shared();
  const { chosen, lacking, roles } = chooseNeeded(needed, archive);
  const list = await writePrivateFile(deps.runtimeDir, '.list', chosen.map(({ id }) => `${id};\n`).join(''));
  const filter = createScriptFilter({
    ends: 'dump',
    cut: `the prelude of tenant ${tenant.id} ended without its last line`,
    head: headOf({
      database: config.database,
      serverVersion: probe.serverVersion,
      tenant,
      roles,
      needed,
      lacking,
    }),
  });
  return {
    command: {
      file: siblingOf(probe.client.path, 'pg_restore'),
      args: [
        '--file=-',
        `--use-list=${list.path}`,
        ...(await restrictKey(config, probe.client.version)),
        path,
      ],
      env: {},
      label: 'pg_restore',
    },
    filter,
    verify: async () => {
      filter.requireEnd();
      return lacking.map((one) => tellLacking(`the prelude of tenant ${tenant.id}`, one));
    },
    hint: () => undefined,
    release: () => list.remove(),
  };
}

export interface Needed {
  /** The entries of the shared archive that make what is needed. */
  chosen: SharedArchive['entries'];
  /** Tables among them whose rows are not in it. */
  lacking: SharedArchive['withoutRows'];
  roles: string[];
}

export function chooseNeeded(
  needed: Needs,
  { entries, withoutRows }: Pick<SharedArchive, 'entries' | 'withoutRows'>,
): Needed {
  const chosen = chooseObjects(entries, ({ catalog, oid }) => needed.objects.has(`${catalog} ${oid}`));
  const tables = new Set(
    chosen.filter(({ kind }) => kind === 'TABLE').map(({ schema, tag }) => `${schema}.${tag}`),
  );
  const roles = [...needed.roles, ...chosen.map(({ owner }) => owner)].filter((name) => name !== '');
  return {
    chosen,
    lacking: withoutRows.filter(({ table }) => tables.has(table)),
    roles: [...new Set(roles)],
  };
}

export function tellLacking(what: string, { table, why }: SharedArchive['withoutRows'][number]): string {
  return `${what} has no rows of ${table} (${why}): into an empty database, restore them from a full or global backup first`;
}

export function headOf(what: {
  database: string;
  serverVersion: string;
  tenant: TenantSchema;
  roles: string[];
  needed: Needs;
  lacking: SharedArchive['withoutRows'];
}): string {
  const { database, serverVersion, tenant, roles, needed, lacking } = what;
  const lines = [
    `What tenant ${tenant.id} (schema ${tenant.schema}) of ${database} needs in a database that has none of it.`,
    `PostgreSQL ${serverVersion}. Load this by psql, then the dump beside it by pg_restore.`,
    ...needed.extensions.map(
      ({ name, version, schema }) => `extension ${name} ${version} in schema ${schema}`,
    ),
    ...roles.map((name) => `role ${name}`),
    ...lacking.map(({ table, why }) => `without the rows of ${table} (${why})`),
  ];
  return `${lines.map((line) => `-- ${oneLine(line)}\n`).join('')}\n${roles.map(createRole).join('')}`;
}

/** Of roles that are missing the names alone: passwords and memberships are in the globals. */
function createRole(name: string): string {
  const role = quoteLiteral(name);
  const body = `BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${role}) THEN CREATE ROLE ${quoteIdentifier(name)}; END IF; END`;
  return `DO ${quoteLiteral(body)};\n`;
}

/** A line end in a name would end the comment. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
