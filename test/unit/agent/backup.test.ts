import { describe, expect, test } from 'vitest';
import { backupJob, type BackupSettings } from '../../../agent/jobs/backup.ts';
import type { Repository } from '../../../agent/repository/repository.ts';
import type { Gap, Probe, Source } from '../../../agent/sources/source.ts';

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
