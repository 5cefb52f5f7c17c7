import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repairJob } from '../../../agent/jobs/upkeep/repair.ts';
import type { Repository } from '../../../agent/repository/repository.ts';
import { damageOf } from '../../helpers/damage.ts';
import { emptyRepository } from '../../helpers/empty-repository.ts';
import { fakeDump, saveRequest } from '../../helpers/repository.ts';

const signal = new AbortController().signal;

/** A repository with one dump each of two sources, and the repair of it. */
async function twoDumps() {
  const { folder, repository } = await emptyRepository();
  const save = async (source: string, seed: number) => {
    const tags = { source, engine: 'mariadb', kind: 'dump' } as const;
    const path = `/mysql/${source}.sql`;
    const dump = fakeDump(3_000_000, { seed });
    return (await repository.save(saveRequest(dump, { tags, path, compression: 'none' }), signal)).id;
  };
  const ids = { shop: await save('shop', 1), blog: await save('blog', 2) };
  const notes = new Map<string, string>();
  const copies = join(folder, 'copies');
  const repair = (choice: { dryRun?: boolean; forgetBroken?: boolean } = {}) =>
    repairJob({
      repository,
      notes: {
        remember: (key, value) => void notes.set(key, value),
        recall: (key) => notes.get(key) ?? null,
      },
      dryRun: false,
      forgetBroken: false,
      copies,
      ...choice,
      timeoutMs: 600_000,
    }).run({ signal, onProgress: () => undefined });
  return { folder, repository, save, ids, copies, repair, ...damageOf(join(folder, 'repository')) };
}

const sourcesOf = async (repository: Repository) =>
  (await repository.list({}, signal)).map(({ tags }) => tags?.source).toSorted();

describe('a damaged repository → named for what it is, mended in order, and sound afterwards', () => {
  test('nothing is broken → says so, and changes nothing', async () => {
    const { repair, copies } = await twoDumps();
    expect(await repair()).toMatchObject({
      reason: expect.stringMatching(/nothing is broken/) as unknown,
      warnings: [],
    });
    expect(existsSync(copies)).toBe(false);
  });

  test('a byte of a pack is wrong → found by the part of the check that reads it, and by no other', async () => {
    const { repository, packs, flip } = await twoDumps();
    const [pack = ''] = packs();
    flip(pack, 1000);
    await repository.check('structure', signal);
    const part = (parseInt(pack.slice(0, 2), 16) % 4) + 1;
    for (const other of [1, 2, 3, 4].filter((number) => number !== part)) {
      await repository.check({ part: other, of: 4 }, signal);
    }
    await expect(repository.check({ part, of: 4 }, signal)).rejects.toMatchObject({
      kind: 'repository_damaged',
      hint: expect.stringMatching(/holdfast repair/) as unknown,
    });
  });

  test('a byte of a pack is wrong → its dump is named, what is whole is saved, a copy stays, and the same dump again heals', async () => {
    const { repository, save, packs, flip, repair, copies, ids } = await twoDumps();
    const [pack = ''] = packs();
    flip(pack, 1000);
    const dry = await repair({ dryRun: true });
    expect(dry.warnings[0]).toBe(`1 pack with wrong bytes: ${pack.slice(0, 8)}`);
    const loser = dry.warnings[1]?.includes(' of shop,') ? 'shop' : 'blog';
    expect(dry.warnings[1]).toMatch(
      new RegExp(`snapshot ${ids[loser].slice(0, 8)} of ${loser}, .* loses data`),
    );
    expect(dry.warnings.join('\n')).toMatch(/step 1: .*restic repair packs[^]*step 2: .*restic repair index/);
    expect(packs()).toContain(pack);

    const { warnings } = await repair();
    expect(readdirSync(copies)).toEqual([`pack-${pack}`]);
    expect(warnings.join('\n')).toMatch(
      new RegExp(`of ${loser}, .* lost data and cannot be restored: back up`),
    );
    await expect(repository.check('all-data', signal)).rejects.toMatchObject({ kind: 'repository_damaged' });
    expect(await sourcesOf(repository)).toEqual(['blog', 'shop']);

    await save(loser, loser === 'shop' ? 1 : 2);
    await repository.check('all-data', signal);
    expect((await repair()).warnings).toEqual([]);
  });

  test('a pack is gone → its dump is named, and forgotten only when that is asked for', async () => {
    const { repository, packs, removePack, repair } = await twoDumps();
    removePack(packs()[0] ?? '');
    const dry = await repair({ dryRun: true });
    expect(dry.warnings[0]).toMatch(/^1 pack gone: /);
    expect(dry.warnings[1]).toMatch(/^snapshot \S+ of (shop|blog), .* loses data/);
    await repair();
    expect(await sourcesOf(repository)).toHaveLength(2);
    const { warnings } = await repair({ forgetBroken: true });
    expect(warnings.join('\n')).toMatch(/of (shop|blog), .* had lost data and is forgotten/);
    expect(await sourcesOf(repository)).toHaveLength(1);
    await repository.check('all-data', signal);
  });

  test('the pack of a tree is gone → its dump is named all the same', async () => {
    const { repository, packs, removePack, repair } = await twoDumps();
    removePack(packs().at(-1) ?? '');
    const dry = await repair({ dryRun: true });
    expect(dry.warnings.slice(0, 2).join('\n')).toMatch(/1 pack gone[^]*of (shop|blog), .* loses data/);
    await repair({ forgetBroken: true });
    await repository.check('all-data', signal);
    expect(await sourcesOf(repository)).toHaveLength(1);
  });

  test.each(['removeIndexes', 'truncateIndex'] as const)(
    '%s → the index is built anew, and nothing is lost',
    async (how) => {
      const damaged = await twoDumps();
      damaged[how]();
      // restic keeps the index in its cache, and would go on for a while as if nothing were.
      rmSync(join(damaged.folder, 'cache'), { recursive: true, force: true });
      const dry = await damaged.repair({ dryRun: true });
      expect(dry.warnings[0]).toMatch(
        how === 'truncateIndex' ? /1 index file that cannot be read/ : /stands in no index/,
      );
      const { warnings } = await damaged.repair();
      expect(warnings.at(-1)).toBe('no snapshot lost data');
      await damaged.repository.check('all-data', signal);
      expect(await sourcesOf(damaged.repository)).toEqual(['blog', 'shop']);
    },
  );

  test.each([true, false])(
    'a snapshot file is cut (restic has it in its cache: %s) → taken out, and the others stay',
    async (cached) => {
      const { folder, repository, ids, truncateSnapshot, repair } = await twoDumps();
      truncateSnapshot(ids.shop);
      if (!cached) rmSync(join(folder, 'cache'), { recursive: true, force: true });
      const dry = await repair({ dryRun: true });
      expect(dry.warnings[0]).toBe(`1 snapshot file that cannot be read: ${ids.shop.slice(0, 8)}`);
      const { warnings } = await repair();
      expect(warnings.join('\n')).toMatch(new RegExp(`snapshot ${ids.shop.slice(0, 8)} is lost; .*recover`));
      await repository.check('all-data', signal);
      expect(await sourcesOf(repository)).toEqual(['blog']);
    },
  );
});
