import { describe, expect, test } from 'vitest';
import { backupJob, type BackupSettings } from '../../../agent/jobs/backup/backup.ts';
import type { ProofOutcome } from '../../../agent/proof/proof.ts';
import type { Repository, PreparedSave, SaveTarget } from '../../../agent/repository/repository.ts';
import type { Gap, Part, Probe, Source } from '../../../agent/sources/source.ts';
import { proofOf } from '../../helpers/proofs.ts';
import { streamOf } from '../../helpers/sources.ts';

const context = { signal: new AbortController().signal, onProgress: () => undefined };

/** What a backup says of a source with these gaps. */
async function refusalOf(gaps: Gap[], settings: Partial<BackupSettings>): Promise<unknown> {
  const probe = { gaps, warnings: [] } as unknown as Probe;
  const source = { name: 'shop', database: 'shop', probe: () => Promise.resolve(probe) } as unknown as Source;
  const repository = {
    location: '/repository',
    identify: () => Promise.resolve('a1'),
  } as unknown as Repository;
  const notes = new Map<string, string>();
  const job = backupJob(source, {
    repository,
    notes: { recall: (key) => notes.get(key) ?? null, remember: (key, value) => void notes.set(key, value) },
    mended: false,
    compression: 'gzip',
    allowIncomplete: [],
    listedIn: null,
    timeoutMs: 1000,
    ...settings,
  });
  return job.run(context).then(
    () => null,
    (error: unknown) => error,
  );
}

const triggers: Gap = { name: 'triggers', detail: 'triggers are invisible', mend: 'GRANT TRIGGER;' };
const empty: Gap = { name: 'empty', detail: 'there are no tables', mend: '-- create them' };

describe('a backup that would be incomplete → refused, with how to accept it where the source is described', () => {
  test('in the environment → the variable, with what it accepts already', async () => {
    expect(await refusalOf([triggers], { allowIncomplete: ['events'] })).toMatchObject({
      kind: 'rights_missing',
      hint: 'Run as an administrator: GRANT TRIGGER; — or accept it with BACKUP_ALLOW_INCOMPLETE=events,triggers.',
    });
  });

  test('in a file → the key of that source in that file', async () => {
    expect(await refusalOf([empty], { listedIn: '/etc/holdfast/holdfast.yml' })).toMatchObject({
      kind: 'source_empty',
      hint: 'Fill the database, or accept it with allow_incomplete: [empty] for source shop in /etc/holdfast/holdfast.yml.',
    });
  });
});

/** A backup of a good dump whose proof comes to this; a refused store is one of the proof alone. */
async function backupWith(
  proof: Promise<ProofOutcome> | undefined,
  { refusesProof = false, signal = context.signal, steps = [] as string[] } = {},
) {
  const saved: SaveTarget[] = [];
  const part = {
    kind: 'dump',
    path: '/postgres/shop.dump',
    open: () => ({
      stream: streamOf('x'),
      done: Promise.resolve({ bytes: 1, warnings: [] }),
      ...(proof === undefined ? {} : { proof }),
    }),
  } as Part;
  const source = {
    name: 'shop',
    database: 'shop',
    probe: () => Promise.resolve({ engine: 'postgres', gaps: [], warnings: [], tables: 2 }),
    parts: () => [part],
  } as unknown as Source;
  const repository = {
    location: '/repository',
    identify: () => Promise.resolve('a1'),
    prepare: (target: SaveTarget): PreparedSave => ({
      target,
      startedAt: new Date('2026-11-21T03:00:04.567Z'),
      save: async ({ open }) => {
        const { kind } = target.tags;
        if (kind === 'proof' && refusesProof) throw new Error('the disk is full');
        saved.push(target);
        open(signal);
        return {
          id: `id-${kind}`,
          path: target.path,
          dumpBytes: 1,
          storedBytes: 1,
          addedBytes: 1,
          warnings: [],
        };
      },
      cancel: () => Promise.resolve(),
    }),
  } as unknown as Repository;
  const notes = new Map<string, string>();
  const job = backupJob(source, {
    repository,
    notes: { recall: (key) => notes.get(key) ?? null, remember: (key, value) => void notes.set(key, value) },
    mended: false,
    compression: 'gzip',
    allowIncomplete: [],
    listedIn: null,
    timeoutMs: 1000,
  });
  const onProgress = ({ step }: { step: string }) => void steps.push(step);
  return { outcome: await job.run({ signal, onProgress }), saved };
}

describe('the proof of a backup', () => {
  test('taken at the dump’s own snapshot → stored after the dump, under its time; proven, no warning', async () => {
    const { outcome, saved } = await backupWith(Promise.resolve({ proof: proofOf(), why: null }));
    expect(saved.map(({ path, tags, time }) => [path, tags.kind, time])).toEqual([
      ['/postgres/shop.dump', 'dump', undefined],
      ['/postgres/shop.dump.proof.json', 'proof', new Date('2026-11-21T03:00:04.567Z')],
    ]);
    expect(outcome).toMatchObject({
      warnings: [],
      facts: {
        snapshotId: 'id-dump',
        snapshotIds: ['id-dump', 'id-proof'],
        dumpBytes: 1,
        proof: 'checksums',
        equality: { proven: true, why: null },
      },
    });
  });

  test('taken, but not at the dump’s own snapshot → stored; not proven, and a warning says why', async () => {
    const proof = proofOf({ unproven: 'the lock was not to be had', level: 'counts' });
    const { outcome, saved } = await backupWith(Promise.resolve({ proof, why: null }));
    expect(saved).toHaveLength(2);
    expect(outcome).toMatchObject({
      warnings: ['equality not proven: the lock was not to be had'],
      facts: { proof: 'counts', equality: { proven: false, why: 'the lock was not to be had' } },
    });
  });

  test.each<[string, Promise<ProofOutcome>, object, RegExp]>([
    [
      'not taken',
      Promise.resolve({ proof: null, why: 'the session died' }),
      {},
      /not proven: the session died$/,
    ],
    [
      'refused by the repository',
      Promise.resolve({ proof: proofOf(), why: null }),
      { refusesProof: true },
      /not proven: its proof could not be stored: the disk is full$/,
    ],
    [
      'cut off by the run’s time limit',
      Promise.resolve({ proof: null, why: 'aborted' }),
      { signal: AbortSignal.abort(new Error('it took six hours')) },
      /not proven: it was not read to its end: it took six hours$/,
    ],
  ])('%s → the backup is good, and a warning says why', async (_, proof, how, warning) => {
    const { outcome } = await backupWith(proof, how);
    expect(outcome.facts).toMatchObject({
      snapshotIds: ['id-dump'],
      proof: 'none',
      equality: { proven: false },
    });
    expect(outcome.warnings).toEqual([expect.stringMatching(warning)]);
  });

  test('not wanted → said in the facts, and no warning', async () => {
    const { outcome } = await backupWith(undefined);
    expect(outcome).toMatchObject({ warnings: [], facts: { proof: 'none', equality: { proven: false } } });
  });

  test('that outlasts the dump → who watches is told what is waited for', async () => {
    const steps: string[] = [];
    const proving = Promise.withResolvers<ProofOutcome>();
    const running = backupWith(proving.promise, { steps });
    await expect.poll(() => steps).toContain('reading the proof of shop');
    proving.resolve({ proof: proofOf(), why: null });
    expect((await running).outcome.facts.proof).toBe('checksums');
  });
});
