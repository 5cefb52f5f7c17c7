import type { JobContext } from '../../agent/jobs/job.ts';
import { proofTarget, storeProof } from '../../agent/jobs/stored-proof.ts';
import type { VerifySettings } from '../../agent/jobs/verify/verify.ts';
import type { Proof } from '../../agent/proof/proof.ts';
import type { DumpToSave, PreparedSave, Repository, Snapshot } from '../../agent/repository/repository.ts';
import type { ScratchPlace, ScratchServer } from '../../agent/sources/scratch.ts';
import type { Source } from '../../agent/sources/source.ts';
import { proofOf } from './proofs.ts';
import { streamOf } from './sources.ts';

const DUMP: Snapshot = {
  id: 'd'.repeat(64),
  originalId: 'd'.repeat(64),
  shortId: 'dddddddd',
  time: '2026-11-21T03:00:04.567Z',
  host: 'holdfast',
  path: '/postgres/shop.dump.gz',
  tags: { source: 'shop', engine: 'postgres', kind: 'dump' },
  bytes: 4,
};

/** A repository that holds one dump, and its proof where one is given. */
export async function repositoryWith(proof: Proof | null): Promise<Repository> {
  const held = new Map<string, { snapshot: Snapshot; text: string }>([
    [DUMP.id, { snapshot: DUMP, text: 'dump' }],
  ]);
  const { signal } = new AbortController();
  const repository = {
    location: '/repository',
    identify: () => Promise.resolve('repository-id'),
    list: ({ kind }: { kind?: string }) =>
      Promise.resolve(
        [...held.values()]
          .map(({ snapshot }) => snapshot)
          .filter(({ tags }) => kind === undefined || tags?.kind === kind),
      ),
    read: ({ id }: Snapshot) => ({ stream: streamOf(held.get(id)!.text), done: Promise.resolve() }),
  } as unknown as Repository;
  if (proof === null) return repository;
  const target = proofTarget(
    { path: '/postgres/shop.dump', tags: DUMP.tags!, compression: 'none' },
    new Date('2026-11-21T03:00:04.000Z'),
  );
  const save = async ({ open }: DumpToSave) => {
    let text = '';
    for await (const chunk of open(signal).stream) text += chunk.toString('utf8');
    const { path, tags } = target;
    held.set('proof', {
      snapshot: { ...DUMP, id: 'proof', path, tags, time: '2026-11-21T03:00:04.000Z' },
      text,
    });
  };
  await storeProof({ save } as unknown as PreparedSave, { dumpId: DUMP.id, proof }, signal);
  return repository;
}

/** A server that restores whatever it is given; what becomes of its databases is kept. */
export function fakeServer(more: Partial<Source> = {}) {
  const databases = new Set<string>(['shop']);
  const done: string[] = [];
  const server = {
    name: 'shop',
    database: 'shop',
    probe: () => Promise.resolve({ engine: 'postgres', serverVersion: '15.18', tables: 2 }),
    listDatabases: (prefix: string) =>
      Promise.resolve([...databases].filter((name) => name.startsWith(prefix))),
    createDatabase: async (name: string) => (databases.add(name), []),
    dropDatabase: async (name: string) => void databases.delete(name),
    restoreInto: async (_: string, dump: AsyncIterable<Buffer>) => {
      for await (const chunk of dump) done.push(`restored ${chunk.toString()}`);
      return { notes: [] };
    },
    analyze: async () => void done.push('analyzed'),
    sizeOf: () => Promise.resolve(2_000_000),
    prove: async () => {
      done.push('proved');
      return proofOf({ database: 'scratch' });
    },
    examine: async () => {
      done.push('examined');
      return { kind: 'sound', what: '3 indexes sound by amcheck' };
    },
    ask: () => Promise.resolve({ rows: 1, value: '3' }),
    inspect: () =>
      Promise.resolve({
        tables: [{ name: 'orders', rows: 3 }],
        views: 1,
        routines: 0,
        triggers: 0,
        events: 0,
      }),
    ...more,
  } as unknown as Source;
  return { server, databases, done };
}

/** A place that opens to this server. */
export function placeOf(more: Partial<ScratchServer> & { server: Source }): ScratchPlace {
  const opened = {
    own: true,
    called: null,
    trouble: () => Promise.resolve(null),
    close: () => Promise.resolve(),
    ...more,
  };
  return { open: () => Promise.resolve(opened) };
}

export function verifySettings(
  repository: Repository,
  server: Source,
  more: Partial<VerifySettings> = {},
): VerifySettings {
  const notes = new Map<string, string>();
  return {
    repository,
    notes: { recall: (key) => notes.get(key) ?? null, remember: (key, value) => void notes.set(key, value) },
    ledger: { recent: () => [] },
    now: () => new Date('2026-11-21T05:00:00Z'),
    host: 'holdfast',
    scratch: placeOf({ server }),
    dumpBytes: () => null,
    wantsProof: true,
    whyNoProof: () => null,
    newestGood: () => null,
    queries: [],
    rtoSeconds: null,
    hasTenants: false,
    outOfTime: () => null,
    timeoutMs: 1000,
    ...more,
  };
}

export const quiet: JobContext = { signal: new AbortController().signal, onProgress: () => undefined };
