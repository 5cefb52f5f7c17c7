import { expect, test } from 'vitest';
import { findProof, storeProof } from '../../../agent/jobs/stored-proof.ts';
import type { Proof } from '../../../agent/proof/proof.ts';
import type { Repository, SaveRequest, Snapshot } from '../../../agent/repository/repository.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { proofOf } from '../../helpers/proofs.ts';
import { fakeDump, saveRequest, testRepository, type TestRepository } from '../../helpers/repository.ts';
import { streamOf } from '../../helpers/sources.ts';

const { signal } = new AbortController();
const tags = { source: 'shop', engine: 'mariadb', kind: 'dump' } as const;

async function created(): Promise<TestRepository> {
  const made = testRepository(temporaryFolder());
  await made.repository.create(signal);
  return made;
}

async function dumped(repository: Repository, time?: Date): Promise<Snapshot> {
  const request = saveRequest(fakeDump(1000), time === undefined ? {} : { time });
  const { id } = await repository.save(request, signal);
  const all = await repository.list({ kind: 'dump' }, signal);
  return all.find((snapshot) => snapshot.id === id)!;
}

/** What somebody with the password could store in a proof's place. */
async function plant(repository: Repository, dump: Snapshot, text: string): Promise<void> {
  const open = () => ({
    stream: streamOf(text),
    done: Promise.resolve({ bytes: Buffer.byteLength(text), warnings: [] }),
  });
  const request = { path: '/mysql/shop.sql.proof.json', tags: { ...tags, kind: 'proof' }, open } as const;
  await repository.save({ ...request, compression: 'none', time: new Date(dump.time) }, signal);
}

test('a stored proof → found again, and the dump is still what `latest` names, also when its tags were changed', async () => {
  const { repository, restic } = await created();
  const dump = await dumped(repository);
  expect(await findProof(repository, dump, signal)).toBeNull();
  const other = { ...dump, id: 'f'.repeat(64), originalId: 'f'.repeat(64) };
  await storeProof(repository, { dump: other, proof: proofOf({ database: 'other' }) }, signal);
  expect(await findProof(repository, dump, signal), 'that of another dump').toBeNull();

  await storeProof(repository, { dump, proof: proofOf() }, signal);
  expect(await findProof(repository, dump, signal)).toEqual(proofOf());
  const { stdout } = await restic.run(['snapshots', '--json', 'latest'], { timeoutMs: 60_000, signal });
  expect((JSON.parse(stdout) as { id: string }[]).map(({ id }) => id)).toEqual([dump.id]);
  const [proof] = await repository.list({ kind: 'proof' }, signal);
  expect(proof).toMatchObject({
    path: '/mysql/shop.sql.proof.json',
    tags: { ...tags, kind: 'proof' },
    time: `${dump.time.slice(0, 19)}.000Z`,
  });

  await restic.run(['tag', '--add', 'holiday', dump.id], { timeoutMs: 60_000, signal });
  const [renamed] = await repository.list({ kind: 'dump' }, signal);
  expect(renamed?.id).not.toBe(dump.id);
  expect(await findProof(repository, renamed!, signal)).toEqual(proofOf());
});

/** The text of a proof that belongs to the dump, as the repository gives it. */
async function storedText(dump: Snapshot, proof = proofOf()): Promise<string> {
  let text = '';
  const save = async ({ open }: SaveRequest) => {
    for await (const chunk of open(signal).stream) text += chunk.toString('utf8');
  };
  await storeProof({ save } as unknown as Repository, { dump, proof }, signal);
  return text;
}

test.each<[string, (text: string) => string, RegExp]>([
  ['cut short', (whole) => whole.slice(0, whole.length / 2), /cut short/],
  ['no proof at all', () => '[]', /cut short or no proof/],
  ['with another row count', (whole) => whole.replace('"rows":3', '"rows":2'), /changed after it was stored/],
])('a planted proof that is %s → proof_damaged, which says so', async (_, tamper, why) => {
  const { repository } = await created();
  const dump = await dumped(repository);
  await plant(repository, dump, tamper(await storedText(dump)));
  const found = findProof(repository, dump, signal);
  await expect(found).rejects.toMatchObject({
    kind: 'proof_damaged',
    message: expect.stringMatching(why) as string,
  });
});

test('a proof of a later version → proof_damaged, which names it', async () => {
  const { repository } = await created();
  const dump = await dumped(repository);
  const later = { ...proofOf(), version: 2 } as unknown as Proof;
  await storeProof(repository, { dump, proof: later }, signal);
  await expect(findProof(repository, dump, signal)).rejects.toThrow(/has the version 2, expected 1/);
});

test('weeks of backups, some without a proof, and retention now and then → every dump keeps the proof that it has', async () => {
  const { repository } = await created();
  const policy = { daily: 3, weekly: 3, monthly: 2, yearly: 1, within: '1d' };
  const proven: string[] = [];
  for (const [index, day] of [1, 2, 2.5, 9, 10, 10.5, 17, 31, 32, 40].entries()) {
    const dump = await dumped(repository, new Date(Date.UTC(2026, 0, 1, 3, 0, 4) + day * 86_400_000));
    if (index % 3 !== 2) {
      await storeProof(repository, { dump, proof: proofOf() }, signal);
      proven.push(dump.time);
    }
    if (index % 3 === 0) await repository.forget(policy, { source: 'shop' }, signal);
  }
  const left = await repository.list({}, signal);
  const timesOf = (kind: string) => left.filter(({ tags }) => tags?.kind === kind).map(({ time }) => time);
  const kept = timesOf('dump');
  expect(kept.length).toBeLessThan(10);
  expect(kept.length).toBeGreaterThan(2);
  expect(timesOf('proof')).toEqual(expect.arrayContaining(kept.filter((time) => proven.includes(time))));
});
