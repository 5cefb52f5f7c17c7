import { describeError, HoldfastError } from '../../core/errors.ts';
import { counted, humanDuration } from '../../core/units.ts';
import type { RunFacts } from '../../ledger/ledger.ts';
import type { Recovered, Tenants } from '../../sources/tenants.ts';
import { EndedRun, type Progress } from '../job.ts';
import { readStored } from '../reading.ts';
import { checkRestored, type Checked } from './check-restored.ts';
import { ownersLeft } from './owners-left.ts';
import type { Done, Restoration } from './restoration.ts';

const DROP_TIMEOUT_MS = 60_000;

/**
 * Restores into a database that is not there yet, tenant by tenant, the critical ones first: each can be used as soon as it is back. Where what
 * they share does not come back, the database is dropped again. From then on it stays whatever happens, for tenants may be at work in it; where
 * one does not come back, or it ends before its time, the run has failed and says who is there.
 */
export async function byTenant(restoration: Restoration, name: string, tenants: Tenants): Promise<Done> {
  const { source, context } = restoration;
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 10) / 100;
  const lacks = await source.createDatabase(name, context.signal, restoration.dumped.made);
  const facts: Back = { tenantsBack: [] };
  let recovered: Recovered;
  try {
    recovered = await recover(restoration, { name, tenants, facts, seconds });
  } catch (error) {
    if (facts.sharedSeconds !== undefined) throw cutShort(restoration, name, { facts, error });
    await source.dropDatabase(name, AbortSignal.timeout(DROP_TIMEOUT_MS)).catch((failure: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      throw new HoldfastError(
        'restore_failed',
        `${name} could not be dropped again and is not whole: ${said}`,
        {
          hint: `Drop ${name} by hand.`,
          cause: failure,
        },
      );
    });
    throw error;
  }
  const without = facts.tenantsBack.filter(({ result }) => result === 'failed').map(({ schema }) => schema);
  const checked = await checkRestored(restoration, name, { mayDiffer: true, without }).catch(
    (error: unknown) => {
      throw cutShort(restoration, name, { facts, error });
    },
  );
  if (without.length > 0 || recovered.lateWhy !== null)
    throw notWhole(restoration, name, { recovered, facts, checked });
  return {
    tables: checked.tables,
    rows: checked.rows,
    notes: [tellTimes(facts), ...recovered.notes, ...checked.notes],
    warnings: [...lacks, ...checked.warnings, ...ownersLeft(restoration, recovered, name)],
    kept: null,
    databaseBytes: checked.databaseBytes,
    more: facts,
  };
}

type Back = Required<Pick<RunFacts, 'tenantsBack'>> & Pick<RunFacts, 'sharedSeconds'>;

function recover(
  { snapshot, size, settings, context }: Restoration,
  { name, tenants, facts, seconds }: { name: string; tenants: Tenants; facts: Back; seconds: () => number },
): Promise<Recovered> {
  const { repository, owners } = settings;
  const progress: Progress = { step: '', dumpBytes: 0, storedBytes: 0 };
  const tell = () => {
    size.loadedBytes = progress.dumpBytes;
    context.onProgress({ ...progress });
  };
  const order = {
    ...{ target: name, owners, dumpBytes: size.dumpBytes },
    onStep: (step: string) => {
      progress.step = step;
      tell();
    },
    onShared: () => void (facts.sharedSeconds = seconds()),
    onTenant: ({ id, schema, tables, why }: Parameters<Parameters<Tenants['recover']>[0]['onTenant']>[0]) => {
      const result = why === null ? ('succeeded' as const) : ('failed' as const);
      facts.tenantsBack.push({ id, schema, result, why, tables, seconds: seconds() });
      progress.detail = `${counted(facts.tenantsBack.length, 'tenant')} back`;
      tell();
    },
  };
  return tenants.recover(
    order,
    readStored({ repository, snapshot, progress }, tell, context.signal),
    context.signal,
  );
}

function tellTimes({ tenantsBack, sharedSeconds }: Back): string {
  const [first, last] = [tenantsBack[0], tenantsBack.at(-1)];
  if (first === undefined || last === undefined) return 'there was no tenant in it';
  const after = (seconds: number) => `after ${humanDuration(seconds * 1000)}`;
  return `what they share was back ${after(sharedSeconds ?? 0)}, tenant ${first.id} ${after(first.seconds)}, the last of ${counted(tenantsBack.length, 'tenant')} ${after(last.seconds)}`;
}

/** Tenants are back, and what was to follow is not done. */
function cutShort(
  { snapshot, context }: Restoration,
  name: string,
  { facts, error }: { facts: Back; error: unknown },
): EndedRun {
  const { message } = describeError(context.signal.aborted ? context.signal.reason : error);
  const failed = facts.tenantsBack.filter(({ result }) => result === 'failed');
  const back = facts.tenantsBack.length - failed.length;
  const cause = new HoldfastError(
    'restore_failed',
    [
      `${name} stays, with ${counted(back, 'tenant')} of ${snapshot.shortId}, and was not compared with the proof: ${message}`,
      ...(failed.length === 0 ? [] : [toldOf(failed, facts)]),
    ].join('; '),
    {
      hint: `The tenants that are back can be used. Restore all again into another database; ${name} is yours to drop.`,
      cause: error,
    },
  );
  return new EndedRun('failed', cause, { ...facts, snapshotId: snapshot.id }, { stands: true });
}

function toldOf(failed: Back['tenantsBack'], { tenantsBack }: Back): string {
  const told = failed.slice(0, MOST_TOLD).map(({ id, why }) => `${id}: ${why}`);
  if (failed.length > MOST_TOLD) told.push(`and ${failed.length - MOST_TOLD} more`);
  return `${failed.length} of ${counted(tenantsBack.length, 'tenant')} did not come back: ${told.join('; ')}`;
}

const MOST_TOLD = 3;

function notWhole(
  { snapshot }: Restoration,
  name: string,
  what: { recovered: Recovered; facts: Back; checked: Checked },
): EndedRun {
  const { recovered, facts, checked } = what;
  const failed = facts.tenantsBack.filter(({ result }) => result === 'failed');
  const late = [
    ...(recovered.lateWhy === null
      ? []
      : [
          `${counted(recovered.late, 'object')} that build on several tenants did not come back: ${recovered.lateWhy}`,
        ]),
    ...(recovered.leftOut === 0
      ? []
      : [`${counted(recovered.leftOut, 'object')} that build on these were left out`]),
  ];
  const cause = new HoldfastError(
    'restore_failed',
    [
      `${name} is there and not whole`,
      ...(failed.length === 0 ? [] : [toldOf(failed, facts)]),
      ...late,
      `compared with the proof: ${[...checked.notes, ...checked.warnings].join('; ')}`,
    ].join('; '),
    {
      hint: `Use the tenants that are back. Mend the cause and restore all again into another database, or another snapshot: ${snapshot.shortId} was this one.`,
    },
  );
  const { tables, rows } = checked;
  return new EndedRun('failed', cause, { ...facts, snapshotId: snapshot.id, tables, rows }, { stands: true });
}
