import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { findProof, proofTarget, storeProof } from '../../agent/jobs/stored-proof.ts';
import type { Repository, Snapshot } from '../../agent/repository/repository.ts';
import type { Source } from '../../agent/sources/source.ts';
import type { TestAgent } from '../helpers/agent.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { testRepository } from '../helpers/repository.ts';
import { readDump, streamOf } from '../helpers/sources.ts';

const { signal } = new AbortController();

export interface Planting {
  /** The plain bytes to store, out of those of the newest dump. */
  dump: (newest: Buffer) => Buffer | Promise<Buffer>;
  /** Stores the proof of the newest dump as that of the planted one: a changed database shall pass for the old one. */
  withOldProof?: boolean;
}

/**
 * Stores a dump of somebody's making as a source's newest one, with all that makes it pass for one of the agent's: what somebody
 * could do who has the repository's password. Returns the beginning of its id.
 */
export async function plantDump(agent: TestAgent, source: string, planting: Planting): Promise<string> {
  const repository = repositoryOf(agent);
  const before = await newestDump(repository, source);
  const bytes = await planting.dump(await storedBytes(repository, before));
  const target = {
    path: before.path.replace(/\.gz$/, ''),
    tags: before.tags!,
    compression: 'gzip',
  } as const;
  await repository.save({ ...target, open: () => wholeDump(bytes) }, signal);
  const planted = await newestDump(repository, source);
  if (planting.withOldProof === true) {
    const proof = await findProof(repository, before, signal);
    if (proof === null) throw new Error('there is no proof to plant');
    const beside = repository.prepare(proofTarget(target, new Date(planted.time)));
    await storeProof(beside, { dumpId: planted.id, proof }, signal);
  }
  return planted.shortId;
}

/**
 * Until what it returns is called, the agent takes the newest dump for the one that its own last backup stored: one that its ledger does
 * not know is somebody else's, and not verified.
 */
export async function passForOurs(agent: TestAgent, source: string): Promise<() => void> {
  const { id } = await newestDump(repositoryOf(agent), source);
  const ledger = <T>(use: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(join(agent.folder, 'state', 'ledger.db'), { timeout: 10_000 });
    try {
      return use(db);
    } finally {
      db.close();
    }
  };
  const run = ledger((db) =>
    db
      .prepare(
        `SELECT id, facts FROM runs WHERE job = 'backup' AND source = ? AND result = 'succeeded' ORDER BY id DESC LIMIT 1`,
      )
      .get(source),
  ) as { id: number; facts: string };
  const write = (facts: string) =>
    void ledger((db) => db.prepare('UPDATE runs SET facts = ? WHERE id = ?').run(facts, run.id));
  write(JSON.stringify({ ...(JSON.parse(run.facts) as object), snapshotId: id }));
  return () => write(run.facts);
}

/** Takes the proof of a source's newest dump out of the repository. */
export async function removeProof(agent: TestAgent, source: string): Promise<void> {
  const repository = repositoryOf(agent);
  await removeByHand(agent, repository, await proofOfNewest(repository, source));
}

/** Stores a changed text in the place of the proof of a source's newest dump, as somebody could who has the repository's password. */
export async function tamperWithProof(
  agent: TestAgent,
  source: string,
  change: (proof: string) => string,
): Promise<void> {
  const repository = repositoryOf(agent);
  const proof = await proofOfNewest(repository, source);
  const bytes = Buffer.from(change((await storedBytes(repository, proof)).toString()));
  await removeByHand(agent, repository, proof);
  await repository.save(
    {
      path: proof.path,
      tags: proof.tags!,
      compression: 'none',
      time: new Date(proof.time),
      open: () => wholeDump(bytes),
    },
    signal,
  );
}

/** The repository of an agent, opened in this process with a cache of its own, as on a new server. */
export function repositoryOf({ environment }: TestAgent): Repository {
  return testRepository(temporaryFolder(), {
    location: environment['RESTIC_REPOSITORY']!,
    password: environment['RESTIC_PASSWORD']!,
    host: 'holdfast',
  }).repository;
}

/** The dump of a source that bears the latest time, whoever stored it. */
export async function newestDump(repository: Repository, source: string): Promise<Snapshot> {
  const newest = (await repository.list({ source, kind: 'dump' }, signal)).at(-1);
  if (newest === undefined) throw new Error(`the repository holds no dump of ${source}`);
  return newest;
}

/** The plain bytes of a stored dump; throws where a byte of it is not sound. */
export async function storedBytes(repository: Repository, snapshot: Snapshot): Promise<Buffer> {
  const reading = repository.read(snapshot, signal);
  const chunks: Buffer[] = [];
  for await (const chunk of reading.stream) chunks.push(chunk);
  await reading.done;
  return Buffer.concat(chunks);
}

/** A dump of a source as it is now. */
export async function dumpOfNow(source: Source): Promise<Buffer> {
  const part = source.parts(await source.probe(signal)).at(-1)!;
  return (await readDump(part.open(signal))).bytes;
}

/** And accepts it at once, as who does so on purpose: retention has nothing to tell of it then. */
async function removeByHand(agent: TestAgent, repository: Repository, { id }: Snapshot): Promise<void> {
  await repository.remove([id], signal);
  const { code, stderr } = await agent.run(['prune', '--accept-missing']);
  if (code !== 0 && code !== 3) throw new Error(stderr);
}

async function proofOfNewest(repository: Repository, source: string): Promise<Snapshot> {
  const proofs = await repository.list({ source, kind: 'proof' }, signal);
  return proofs.at(-1)!;
}

function wholeDump(bytes: Buffer) {
  return { stream: streamOf(bytes), done: Promise.resolve({ bytes: bytes.length, warnings: [] }) };
}
