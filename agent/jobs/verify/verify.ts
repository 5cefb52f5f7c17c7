import { HoldfastError } from '../../core/errors.ts';
import { utc } from '../../core/clock.ts';
import { humanDuration } from '../../core/units.ts';
import type { Ledger, RunFacts } from '../../ledger/ledger.ts';
import { namesIn, type Proof } from '../../proof/proof.ts';
import { ONLY_COUNTED } from '../../proof/tell.ts';
import type { Repository, Snapshot } from '../../repository/repository.ts';
import type { ScratchNeed, ScratchPlace, ScratchServer } from '../../sources/scratch.ts';
import type { Source } from '../../sources/source.ts';
import { unquoted } from '../../proof/of-schema.ts';
import { ensureRepository, type Notes } from '../init.ts';
import { openToRead } from '../open-repository.ts';
import { EndedRun, type Job, type JobContext, type Outcome } from '../job.ts';
import { notRun } from './not-run.ts';
import { prepareScratch } from './prepare-scratch.ts';
import type { SmokeQuery } from './queries.ts';
import { unfinishedSwap } from '../restore/unfinished-restore.ts';
import { droppedAfter, scratchPrefix } from './scratch.ts';
import { sizeUp } from '../size-up.ts';
import { createSteps, type Steps } from '../steps.ts';
import { newestOwn } from './newest-own.ts';
import { findProof } from '../stored-proof.ts';
import { endOf, requireStanding } from './verify-end.ts';
import { verifyScratch, type Verified } from './verify-scratch.ts';
import { warnOfRoles } from './warn-of-roles.ts';

export interface VerifySettings {
  repository: Repository;
  notes: Notes;
  /** For what earlier runs took. */
  ledger: Pick<Ledger, 'recent'>;
  now: () => Date;
  /** The configured host: with the source's name it makes scratch names that no other agent uses. */
  host: string;
  /** Where the scratch database is made. */
  scratch: ScratchPlace;
  /** Plain bytes of the dump in this snapshot, as far as anybody knows. */
  dumpBytes: (snapshotId: string) => number | null;
  /** Whether backups of the source are to have a proof: then one that has none is worth a warning. */
  wantsProof: boolean;
  /** Why the backup that stored this snapshot has no proof, as far as anybody knows. */
  whyNoProof: (snapshotId: string) => string | null;
  /** The snapshot of the last backup that counted, where the ledger knows one in this repository. */
  newestGood: () => string | null;
  queries: SmokeQuery[];
  /** How long a restore may take by the operator's own objective; null for none. */
  rtoSeconds: number | null;
  /** Whether each of its tenants is to be known as verified with it. */
  hasTenants: boolean;
  /** Why there is no time left for it, as a sentence part; null where there is. */
  outOfTime: () => string | null;
  timeoutMs: number;
}

/**
 * Restores the newest stored snapshot of a source into a scratch database, compares what came back with the proof of the source, and
 * drops the scratch in every case. It succeeds when the snapshot came back; whether it is proved equal, its facts and its reason tell.
 * Throws `verification_failed` where it is not equal, and ends as skipped where nothing could be shown.
 */
export function verifyJob(source: Source, settings: VerifySettings): Job {
  return {
    name: 'verify',
    source: source.name,
    timeoutMs: settings.timeoutMs,
    run: (context) => verify(source, settings, context),
  };
}

async function verify(source: Source, settings: VerifySettings, context: JobContext): Promise<Outcome> {
  const { repository } = settings;
  const { signal } = context;
  const late = settings.outOfTime();
  if (late !== null) {
    const hint = `It comes first the next time; \`holdfast verify ${source.name}\` verifies it now.`;
    throw notRun(new HoldfastError('timeout', late, { hint }), {});
  }
  refuseUnsettled(source, settings.notes);
  let repositoryId = '';
  const listed = await openToRead(repository, signal, async () => {
    ({ id: repositoryId } = await ensureRepository(repository, settings.notes, signal));
  });
  const own = { ...settings, repository: listed };
  const { snapshot, note } = await newestOwn(source.name, own, signal);
  const proof = await findProof(listed, snapshot, signal);
  const facts: RunFacts = {
    repositoryId,
    snapshotId: snapshot.id,
    proof: proof?.level ?? 'none',
    ...(settings.hasTenants && proof !== null ? { schemas: namesIn(proof, 'schema').map(unquoted) } : {}),
  };

  const need: ScratchNeed = {
    engine: snapshot.tags?.engine ?? null,
    serverVersion: proof?.serverVersion ?? null,
    extensions: proof === null ? null : namesIn(proof, 'extension'),
    dumpBytes: settings.dumpBytes(snapshot.id),
  };
  const opened = await settings.scratch.open(need, signal).catch((error: unknown) => {
    throw signal.aborted ? error : notRun(error, facts);
  });
  // Meanwhile: it asks the repository twice more.
  const silent = { ...context, onProgress: () => undefined };
  const roles = warnOfRoles(source, { ...own, snapshot }, silent);
  roles.catch(() => undefined);
  try {
    const steps = createSteps();
    const restored = await verifyOn(opened, source, settings, { snapshot, proof, steps, facts }, context);
    const verified = { ...restored, warnings: [...restored.warnings, ...(await roles)] };
    return outcomeOf(source, settings, {
      snapshot,
      note,
      proof,
      verified,
      steps,
      facts,
      on: opened.called,
    });
  } finally {
    await Promise.allSettled([roles]);
    await opened.close();
  }
}

/** What a swap that was cut off has left bears a scratch name, and may hold tables that it takes to end it: nothing may be swept then. */
function refuseUnsettled({ name }: Source, notes: Notes): void {
  if (unfinishedSwap(notes, name) === null) return;
  const hint = 'Each command tries first to end it or to undo it: the log says what keeps it from that.';
  throw notRun(new HoldfastError('restore_failed', `a restore of ${name} was cut off`, { hint }), {});
}

async function verifyOn(
  opened: ScratchServer,
  source: Source,
  { repository, ledger, host, queries }: VerifySettings,
  { snapshot, proof, steps, facts }: Pick<Result, 'snapshot' | 'proof' | 'steps' | 'facts'>,
  context: JobContext,
): Promise<Verified> {
  const { signal } = context;
  const { server } = opened;
  const names = { prefix: scratchPrefix(host, source.name), suffix: snapshot.shortId };
  const { probe, scratch } = await prepareScratch(server, { snapshot, proof, names }, signal).catch(
    (error: unknown) => {
      throw signal.aborted ? error : notRun(error, facts);
    },
  );
  facts.engine = probe.engine;
  const tables = opened.own ? probe.tables : null;
  const size = sizeUp(ledger, source.name, snapshot);
  const work = { repository, snapshot, proof, server, scratch, queries, tables, size };
  const { result, warnings } = await droppedAfter(server, scratch, () =>
    verifyScratch(work, steps, context),
  ).catch(async (error: unknown) => {
    throw signal.aborted ? error : await endOf(error, opened, facts, steps);
  });
  await requireStanding(opened, facts, steps);
  return { ...result, warnings: [...result.warnings, ...warnings] };
}

interface Result {
  snapshot: Snapshot;
  /** Why it is the newest although another one bears a later time, or not the newest; null for nothing. */
  note: string | null;
  proof: Proof | null;
  verified: Verified;
  steps: Steps;
  facts: RunFacts;
  /** A server that was started for it; null for one that was there. */
  on: string | null;
}

function outcomeOf(source: Source, settings: VerifySettings, result: Result): Outcome {
  const { snapshot, note, proof, verified, steps, facts: given } = result;
  const { restoreSeconds, findings } = verified;
  const name = `${snapshot.shortId} of ${utc(new Date(snapshot.time))}`;
  const why = proof === null ? absence(settings, snapshot) : verified.unproven;
  const about = { restoreSeconds, steps: steps.taken };
  const facts: RunFacts = { ...given, tables: verified.tables, rows: verified.rows };
  if (verified.databaseBytes !== undefined) facts.databaseBytes = verified.databaseBytes;
  if (findings.length > 0) {
    const error = new HoldfastError(
      'verification_failed',
      `${name} did not come back as it was: ${findings.join('; ')}`,
      {
        hint: `Keep the older snapshots (\`holdfast snapshots ${source.name}\`), then run \`holdfast backup ${source.name}\` and \`holdfast verify ${source.name}\`; see docs/troubleshooting.md, "verification_failed".`,
      },
    );
    throw new EndedRun('failed', error, {
      ...facts,
      verification: { verdict: 'failed', why: findings.join('; '), ...about },
    });
  }
  const took = `${result.on === null ? '' : `on ${result.on} `}in ${humanDuration(restoreSeconds * 1000)}`;
  const told = why === null ? 'proved' : `not proven: ${why}`;
  return {
    reason: [
      `restored ${name} into scratch ${took}: ${verified.summary}; ${told}`,
      ...skippedSteps(steps),
    ].join('; '),
    warnings: [
      ...(note === null ? [] : [note]),
      ...(why === null || why === ONLY_COUNTED || (proof === null && !settings.wantsProof)
        ? []
        : [`restored, and not proven equal: ${why}`]),
      ...verified.warnings,
      ...missedObjective(settings.rtoSeconds, restoreSeconds),
    ],
    facts: {
      ...facts,
      equality: { proven: why === null, why },
      verification: {
        ...{ verdict: why === null ? 'proved' : 'restored', why },
        ...(verified.sampled === 0 ? {} : { sampledTables: verified.sampled }),
        ...about,
      },
    },
  };
}

function absence({ wantsProof, whyNoProof }: VerifySettings, snapshot: Snapshot): string {
  if (!wantsProof) return 'the configuration wants no proof';
  const why = whyNoProof(snapshot.id);
  return `the repository holds no proof of ${snapshot.shortId}${why === null ? '' : ` (${why})`}`;
}

/** That a step was not run is told; that there was nothing to compare with is told already. */
function skippedSteps({ taken }: Steps): string[] {
  return taken
    .filter(({ step, result }) => result === 'not run' && step !== 'compare')
    .map(({ step, detail }) => `${step} not run: ${detail}`);
}

function missedObjective(rtoSeconds: number | null, restoreSeconds: number): string[] {
  if (rtoSeconds === null || restoreSeconds <= rtoSeconds) return [];
  const [took, objective] = [restoreSeconds, rtoSeconds].map((seconds) => humanDuration(seconds * 1000));
  return [`the restore took ${took}, longer than the objective of ${objective}`];
}
