import { utc } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { isTenantPath } from '../../core/tenant-path.ts';
import { counted } from '../../core/units.ts';
import type { Snapshot } from '../../repository/repository.ts';
import type { Source } from '../../sources/source.ts';
import { sweepBeside } from './beside.ts';
import { chooseTables } from './choose-tables.ts';
import { chooseWay, type Way } from './choose-way.ts';
import { findForTables } from './find-for-tables.ts';
import { findSnapshot } from '../find-snapshot.ts';
import type { Newest } from '../newest.ts';
import { openToRead } from '../open-repository.ts';
import type { Job, Outcome } from '../job.ts';
import { dropDue } from './kept-database.ts';
import { byTenant } from './restore-by-tenant.ts';
import { planMissingRoles } from './plan-roles.ts';
import { planRestore } from './restore-plan.ts';
import { intoNew } from './restore-new.ts';
import { takeRestorePoint } from './restore-point.ts';
import { replaceAtOnce } from './restore-at-once.ts';
import { tryAndReplace } from './restore-in-place.ts';
import { replaceTables } from './restore-tables.ts';
import { loadAndSwap } from './restore-swap.ts';
import { withRoles } from './with-roles.ts';
import { settleUnfinishedSwap } from './settle-swap.ts';
import { sizeUp } from '../size-up.ts';
import { joinedNotes, suspectNote } from './suspect-note.ts';
import type { Done, Restoration, RestoreSettings } from './restoration.ts';

/** Restores one dump into a database. The target stays as it is until what replaces it is known to be whole. */
export function restoreJob(source: Source, given: RestoreSettings): Job {
  return {
    name: 'restore',
    source: source.name,
    timeoutMs: given.timeoutMs,
    run: async (context) => {
      const settings = { ...given, repository: await openToRead(given.repository, context.signal) };
      const found = await find(source.name, settings, context.signal);
      const { snapshot } = found;
      const note = joinedNotes(found.note, suspectNote(settings.ledger, source.name, snapshot));
      refuseTenant(source, snapshot);
      const size = sizeUp(settings.ledger, source.name, snapshot);
      const { tables, rowsIn } =
        settings.tables === null
          ? { tables: null, rowsIn: [] }
          : await chooseTables(
              settings.tables,
              {
                repository: settings.repository,
                snapshot,
                source,
                ofSchema: settings.ofTenant?.schema ?? null,
              },
              context,
            );
      const planned = { source, snapshot, note, size, tables, rowsIn, settings, context };
      if (settings.dryRun) return planRestore(planned);
      const { plan, dumped } = await planMissingRoles(planned);
      const restoration = { ...planned, dumped };
      await settleUnfinishedSwap(source, settings.notes, context.signal);
      await sweepBeside(source, settings, context.signal);
      const notDropped = await dropDue(source, settings.notes, settings.now(), context.signal);
      const outcome = await withRoles(restoration, plan, () => restoreInto(restoration));
      return { ...outcome, warnings: [...outcome.warnings, ...notDropped] };
    },
  };
}

function find(source: string, settings: RestoreSettings, signal: AbortSignal): Promise<Newest> {
  const { repository, ofTenant, wanted } = settings;
  return ofTenant === null
    ? findSnapshot(repository, source, wanted, settings, signal)
    : findForTables(repository, { source, ...ofTenant }, wanted, settings, signal);
}

async function restoreInto(restoration: Restoration): Promise<Outcome> {
  const { target } = restoration.settings;
  return target.kind === 'new-database'
    ? told(restoration, target.name, await intoNamed(restoration, target.name))
    : restoreOver(restoration);
}

function intoNamed(restoration: Restoration, name: string): Promise<Done> {
  const { byTenant: tenants } = restoration.settings;
  return tenants === null ? intoNew(restoration, name) : byTenant(restoration, name, tenants);
}

/** A database that came back as one of its tenants alone would be a lie. */
function refuseTenant({ name }: Source, { path, shortId }: Snapshot): void {
  if (!isTenantPath(path)) return;
  throw new HoldfastError('usage', `${shortId} holds one tenant alone (${path}); nothing was changed`, {
    hint: `Restore that tenant: \`holdfast restore ${name} --tenant ID --snapshot ${shortId}\`.`,
  });
}

async function restoreOver(restoration: Restoration): Promise<Outcome> {
  const { source, settings, context } = restoration;
  const there = (await source.listDatabases(source.database, context.signal)).includes(source.database);
  const way = await chooseWay(restoration, there);
  const warning = beforehand(restoration, way);
  if (warning !== null) settings.tell(warning);
  const point = there && settings.restorePoint ? await takeRestorePoint(source, settings, context) : null;
  const done = await go(restoration, way, there);
  const unlike = there && restoration.tables === null ? restoration.dumped.unlike : [];
  const outcome = told(restoration, source.database, { ...done, warnings: [...done.warnings, ...unlike] });
  if (point === null) return outcome;
  return {
    reason: `${outcome.reason}; what was there is restore point ${point.id.slice(0, 8)} for a week`,
    warnings: [...point.warnings, ...outcome.warnings],
    facts: { ...outcome.facts, restorePointId: point.id },
  };
}

/** Who reads the database has to know before it begins; who has an empty one reads nothing. */
function beforehand({ source: { database }, tables }: Restoration, way: Way): string | null {
  if (!('hurdle' in way) || way.hurdle === null) return null;
  const { detail } = way.hurdle;
  switch (way.kind) {
    case 'at-once':
      return `${database} will be replaced in one transaction, and who uses it waits until that ends, for there is no swap: ${detail}`;
    case 'in-place':
      return `${database} will be emptied and loaded, not replaced at one moment: ${detail}`;
    case 'tables':
      return `${tables?.join(', ')} of ${database} will be dropped and loaded one after another, not replaced at one moment: ${detail}`;
  }
}

async function go(restoration: Restoration, way: Way, there: boolean): Promise<Done> {
  const { source, tables } = restoration;
  switch (way.kind) {
    case 'tables':
      return replaceTables(restoration, tables ?? [], way.hurdle);
    case 'new':
      return intoNew(restoration, source.database);
    case 'swap':
      return loadAndSwap(restoration, there);
    case 'at-once':
      return replaceAtOnce(restoration, way.atOnce, way.hurdle);
    case 'in-place':
      return tryAndReplace(restoration, way.hurdle);
  }
}

function told({ snapshot, note, size, tables }: Restoration, database: string, done: Done): Outcome {
  return {
    reason: [
      `restored ${tables === null ? '' : `${tables.join(', ')} of `}${snapshot.shortId} of ${utc(new Date(snapshot.time))} into ${database}: ${counted(done.tables, 'table')}, ${counted(done.rows, 'row')}`,
      ...done.notes,
    ].join('; '),
    warnings: [...(note === null ? [] : [note]), ...done.warnings],
    facts: {
      snapshotId: snapshot.id,
      tables: done.tables,
      rows: done.rows,
      ...(size.loadedBytes === 0 ? {} : { dumpBytes: size.loadedBytes }),
      ...(done.kept === null ? {} : { keptDatabase: done.kept }),
      ...(done.databaseBytes === undefined ? {} : { databaseBytes: done.databaseBytes }),
      ...done.more,
    },
  };
}
