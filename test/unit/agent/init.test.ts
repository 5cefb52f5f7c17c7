import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../agent/core/errors.ts';
import { acceptRepository, ensureRepository } from '../../../agent/jobs/init.ts';
import type { Repository } from '../../../agent/repository/repository.ts';

const signal = new AbortController().signal;

/** Disks by location, with the id of the repository on each; and one agent's memory. */
function world(disks: Record<string, string>) {
  const notes = new Map<string, string>();
  const at = (location: string) =>
    ({
      location,
      identify: async () => {
        const id = disks[location];
        if (id === undefined) throw new HoldfastError('repository_absent', 'nothing there');
        return id;
      },
      create: async () => (disks[location] = `made-at-${location}`),
    }) as unknown as Repository;
  const memory = {
    remember: (key: string, value: string) => void notes.set(key, value),
    recall: (key: string) => notes.get(key) ?? null,
  };
  return {
    disks,
    store: (location: string) => ensureRepository(at(location), memory, signal, { create: true }),
    look: (location: string) => ensureRepository(at(location), memory, signal),
    accept: (location: string) => acceptRepository(at(location), memory, signal),
  };
}

describe('the first start ever', () => {
  test('nothing there → made, for what stores something; a check makes none', async () => {
    const { store, look, disks } = world({});
    await expect(look('/a')).rejects.toMatchObject({ kind: 'repository_absent' });
    expect(disks).toEqual({});
    expect(await store('/a')).toEqual({ id: 'made-at-/a', created: true });
    expect(await look('/a')).toEqual({ id: 'made-at-/a', created: false });
  });

  test('one is there → taken', async () => {
    expect(await world({ '/a': 'old' }).store('/a')).toEqual({ id: 'old', created: false });
  });
});

describe('another location than before', () => {
  test('nothing there → absent, with where backups went until now; none is made', async () => {
    const { store, disks } = world({ '/a': 'one' });
    await store('/a');
    await expect(store('/b')).rejects.toMatchObject({
      kind: 'repository_absent',
      message: 'there is no repository at /b; until now backups went to /a',
      hint: expect.stringContaining('holdfast init --new') as string,
    });
    expect(disks).toEqual({ '/a': 'one' });
  });

  test('a new one there is accepted → backups go there, and both are known', async () => {
    const { store, accept } = world({ '/a': 'one' });
    await store('/a');
    expect(await accept('/b')).toEqual({ id: 'made-at-/b', created: true });
    expect(await store('/b')).toEqual({ id: 'made-at-/b', created: false });
    expect(await store('/a')).toEqual({ id: 'one', created: false });
  });

  test('the same repository there, moved → goes on, and is expected there from then on', async () => {
    const { store, disks } = world({ '/a': 'one' });
    await store('/a');
    disks['/b'] = 'one';
    delete disks['/a'];
    expect(await store('/b')).toEqual({ id: 'one', created: false });
    delete disks['/b'];
    await expect(store('/b')).rejects.toThrow('the repository at /b was there before and is gone');
  });

  test('moved to where another one was before → goes on', async () => {
    const { store, accept, disks } = world({ '/a': 'one', '/b': 'two' });
    await store('/a');
    await accept('/b');
    disks['/a'] = 'two';
    expect(await store('/a')).toEqual({ id: 'two', created: false });
  });

  test('a different repository there → changed, until it is accepted', async () => {
    const { store, accept } = world({ '/a': 'one', '/b': 'two' });
    await store('/a');
    await expect(store('/b')).rejects.toMatchObject({
      kind: 'repository_changed',
      message:
        'the repository at /b is another one than the one at /a, where backups went until now (id two, expected one)',
    });
    await accept('/b');
    expect(await store('/b')).toEqual({ id: 'two', created: false });
  });
});

describe('the same location as before', () => {
  test('gone → absent, whoever asks, and none is made', async () => {
    const { store, look, disks } = world({ '/a': 'one' });
    await store('/a');
    delete disks['/a'];
    await expect(store('/a')).rejects.toThrow('was there before and is gone');
    await expect(look('/a')).rejects.toThrow('was there before and is gone');
    expect(disks).toEqual({});
  });

  test('another one there → changed, until it is accepted', async () => {
    const { store, accept, disks } = world({ '/a': 'one' });
    await store('/a');
    disks['/a'] = 'two';
    await expect(store('/a')).rejects.toThrow('is another one than before (id two, expected one)');
    await accept('/a');
    expect((await store('/a')).id).toBe('two');
  });
});
