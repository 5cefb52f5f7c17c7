import { describeError, HoldfastError } from '../../core/errors.ts';
import { toldNeeded } from '../../core/role-words.ts';
import type { Lacking, PlannedRole, Roles, RolesPlan } from '../../sources/roles.ts';
import { readCounted, readStored } from '../reading.ts';
import { findGlobals } from './find-globals.ts';
import type { Dumped, Planned } from './restoration.ts';

/**
 * Which roles the restore has to make before it loads, out of the globals that were stored beside the dump; null for none. Changes nothing.
 * Throws, naming the roles, where they may not be made, are not stored, or shall not be made: `rights_missing` or `restore_failed`.
 */
export async function planMissingRoles(
  restoration: Planned,
): Promise<{ plan: RolesPlan | null; dumped: Dumped }> {
  const { roles } = restoration.source;
  if (roles === undefined) return { plan: null, dumped: { traits: [], made: null, unlike: [] } };
  const lacking = await look(restoration, roles);
  requireTablespaces(lacking);
  const wished = lacking.wished.length > 0 && (await isMadeAnew(restoration)) ? lacking.wished : [];
  const { traits, made, unlike } = lacking;
  return {
    plan: await planFor(restoration, roles, { ...lacking, wished }),
    dumped: { traits, made, unlike },
  };
}

/** Only then does the dump say whose the database is, and who may what with it. */
async function isMadeAnew({ source, settings, context }: Planned): Promise<boolean> {
  if (settings.target.kind === 'new-database') return false;
  return !(await source.listDatabases(source.database, context.signal)).includes(source.database);
}

async function planFor(restoration: Planned, roles: Roles, lacking: Lacking): Promise<RolesPlan | null> {
  const { snapshot, settings, context } = restoration;
  const [needed, wished] = [lacking.roles.length > 0, lacking.wished.length > 0];
  if (!needed && !wished) return null;
  if (settings.owners === 'leave' || !settings.createRoles) {
    if (needed) throw notMade(restoration, lacking);
    return null;
  }
  const globals = await findGlobals(settings, snapshot, context.signal);
  if (globals === null) {
    if (needed) throw notStored(restoration, lacking);
    return null;
  }
  const progress = { step: `reading the roles in ${globals.shortId}`, dumpBytes: 0, storedBytes: 0 };
  const reading = { repository: settings.repository, snapshot: globals, progress };
  const stored = readCounted(reading, context.onProgress, context.signal);
  try {
    const plan = await roles.plan(lacking, stored, context.signal);
    return plan.roles.length === 0 ? null : plan;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!needed) return null;
    throw error instanceof HoldfastError ? withNames(error, lacking) : error;
  }
}

function look({ snapshot, tables, settings, context }: Planned, roles: Roles): Promise<Lacking> {
  const progress = { step: `looking for the roles in ${snapshot.shortId}`, dumpBytes: 0, storedBytes: 0 };
  const reading = { repository: settings.repository, snapshot, progress };
  return roles.lacking(
    readStored(reading, context.onProgress, context.signal),
    { owners: settings.owners, tables },
    context.signal,
  );
}

/** `clerk, app (LOGIN, CREATEDB)` */
export function tellRoles(roles: PlannedRole[]): string {
  return roles
    .map(({ name, powers }) => (powers.length === 0 ? name : `${name} (${powers.join(', ')})`))
    .join(', ');
}

function notMade({ settings }: Planned, lacking: Lacking): HoldfastError {
  const hint =
    settings.owners === 'leave'
      ? 'Policies and user mappings are for them, and come back without owners too: create them first (CREATE ROLE "NAME";).'
      : 'Leave out --no-roles to have them created (a role that is limited to tenants creates none), or load the globals of the same backup first (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.';
  return new HoldfastError('restore_failed', `${toldNeeded(lacking.roles)}; nothing was changed`, { hint });
}

function notStored({ snapshot }: Planned, lacking: Lacking): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    `${toldNeeded(lacking.roles)}, and no globals are stored beside ${snapshot.shortId}; nothing was changed`,
    {
      hint: `Create them first (CREATE ROLE "NAME";), or load the globals of another backup (docs/runbook.md, "PostgreSQL"). For another environment: --no-owner.`,
    },
  );
}

/** Whatever keeps it from them: the roles are what a person has to see to. */
function withNames(error: HoldfastError, lacking: Lacking): HoldfastError {
  const { kind, message, hint } = describeError(error);
  const all = lacking.roles.every((name) => message.includes(`"${name}"`));
  return new HoldfastError(kind, all ? message : `${toldNeeded(lacking.roles)}: ${message}`, {
    ...(hint === null ? {} : { hint }),
    cause: error,
  });
}

/** They are folders on the server's disk, which nobody makes by SQL. */
function requireTablespaces({ tablespaces }: Lacking): void {
  const [first] = tablespaces;
  if (first === undefined) return;
  const names = tablespaces.map((name) => `"${name}"`).join(', ');
  throw new HoldfastError(
    'restore_failed',
    `${tablespaces.length === 1 ? 'tablespace' : 'tablespaces'} ${names} ${tablespaces.length === 1 ? 'does' : 'do'} not exist, and what the dump holds lies there; nothing was changed`,
    {
      hint: `A restore makes none: give the server's user a folder, and run as a superuser: CREATE TABLESPACE "${first}" LOCATION '/THE/FOLDER';`,
    },
  );
}
