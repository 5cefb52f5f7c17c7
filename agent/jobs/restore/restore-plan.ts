import { utc } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { humanBytes, humanDuration } from '../../core/units.ts';
import type { Outcome } from '../job.ts';
import { chooseWay, type Way } from './choose-way.ts';
import { datedName } from './kept-database.ts';
import { planMissingRoles, tellRoles } from './plan-roles.ts';
import type { Size } from '../size-up.ts';
import type { Planned } from './restoration.ts';

/** What a restore would do, without doing any of it; throws what would be refused before it begins. */
export async function planRestore(restoration: Planned): Promise<Outcome> {
  const { source, snapshot, note, size, tables, settings, context } = restoration;
  const name = settings.target.kind === 'new-database' ? settings.target.name : source.database;
  const there = (await source.listDatabases(name, context.signal)).includes(name);
  const dump =
    size.dumpBytes === null ? `${humanBytes(snapshot.bytes ?? 0)} as stored` : humanBytes(size.dumpBytes);
  const { made, warnings } = await rolesOf(restoration);
  return {
    reason: [
      `nothing was changed; would restore ${tables === null ? '' : `${tables.join(', ')} of `}${snapshot.shortId} of ${utc(new Date(snapshot.time))} (${dump}) into ${name}`,
      ...(await steps(restoration, name, there)),
      ...made,
      ...(tables === null ? [roomWords(size)] : []),
      estimate(restoration),
    ].join('; '),
    warnings: [
      ...(note === null ? [] : [note]),
      ...warnings,
      ...(settings.target.kind === 'new-database' && there ? [`there is a database ${name} already`] : []),
    ],
    facts: { snapshotId: snapshot.id },
  };
}

/** The roles that it would make; what would refuse it for their sake is a warning here, and what the target is that the dumped one was not. */
async function rolesOf(restoration: Planned): Promise<{ made: string[]; warnings: string[] }> {
  try {
    const { plan, dumped } = await planMissingRoles(restoration);
    const { target, tables } = restoration.settings;
    const unlike = target.kind === 'overwrite' && tables === null ? dumped.unlike : [];
    if (plan === null) return { made: [], warnings: unlike };
    return {
      made: [`first creates what is missing of roles: ${tellRoles(plan.roles)}`],
      warnings: [...plan.warnings, ...unlike],
    };
  } catch (error) {
    const { kind, message, hint } = describeError(error);
    if (kind !== 'restore_failed' && kind !== 'rights_missing') throw error;
    return { made: [], warnings: [`it would be refused: ${message}. ${hint ?? ''}`.trim()] };
  }
}

async function steps(restoration: Planned, name: string, there: boolean): Promise<string[]> {
  const { source, settings, context } = restoration;
  if (settings.target.kind === 'new-database')
    return [
      settings.byTenant === null
        ? 'a new database, which is dropped again if it does not become whole'
        : 'a new database, tenant by tenant in the order of their priority, each usable as soon as it is back',
    ];
  const way = await chooseWay(restoration, there);
  if (!there) return [`${name} is not there and would be made`];
  const probe = await source.probe(context.signal);
  const held =
    probe.databaseBytes === null ? '' : `, ${humanBytes(probe.databaseBytes)} by the server's estimate`;
  return [
    settings.restorePoint
      ? `first a restore point of what is in ${name} now (${probe.tables} tables${held})`
      : `no restore point: what is in ${name} now (${probe.tables} tables${held}) is not stored`,
    words(way, restoration, datedName(name, settings.now())),
  ];
}

function words(way: Way, { source: { database: name }, tables }: Planned, keep: string): string {
  const why = 'hurdle' in way && way.hurdle !== null ? ` (${way.hurdle.detail}: ${way.hurdle.mend})` : '';
  switch (way.kind) {
    case 'tables':
      return way.hurdle === null
        ? `loaded into a database beside it first to see that they load (refused where this user may make none), then dropped in ${name} and loaded in one transaction`
        : `loaded into a database beside it first to see that they load (where this user may make one), then dropped in ${name} and loaded one after another, missing or half loaded meanwhile${why}`;
    case 'new':
      return `${name} is made`;
    case 'swap':
      return tables === null
        ? `loaded into a database beside it and swapped in; the old one is kept as ${keep} for a week`
        : `loaded into a database beside it and swapped in at one moment; the old ones are kept in ${keep} for a week, and everything else stays as it is`;
    case 'at-once':
      return `everything in ${name} dropped, loaded and compared in one transaction, for which who uses it waits; no old one is kept beside${why}`;
    case 'in-place':
      return `loaded into a database beside it first to see that it loads (where this user may make one), then ${name} is emptied and loaded, and not whole meanwhile${why}`;
  }
}

function estimate({ size }: Planned): string {
  if (size.milliseconds === null || size.from === null)
    return 'how long it takes is not known before the first verification or restore';
  return `takes about ${humanDuration(size.milliseconds)}, by the ${size.from.job === 'verify' ? 'verification' : 'restore'} of ${size.from.startedAt}`;
}

/** What is free on its disk no server tells by SQL, so that a person has to compare. */
function roomWords({ needs }: Size): string {
  if (needs === null)
    return 'what it takes on the server is not known before the first backup or verification by this agent';
  const whose = needs.restored ? 'it takes' : 'the source took';
  return `${whose} about ${humanBytes(needs.bytes)} on the server by ${needs.by}, and so much has to be free there beside what is there: the server does not tell what is`;
}
