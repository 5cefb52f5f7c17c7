import { findProof, proofTarget, storeProof } from '../../agent/jobs/stored-proof.ts';
import type { Source } from '../../agent/sources/source.ts';
import type { TestAgent } from './agent.ts';
import { temporaryFolder } from './folder.ts';
import { testRepository } from './repository.ts';

/**
 * Stores a dump of the source as it is now as its newest one, with the proof of the one before it: what somebody would do who has
 * the repository's password and wants a changed database to pass for the old one. Returns the beginning of its id.
 */
export async function plantWithOldProof(agent: TestAgent, source: Source): Promise<string> {
  const { signal } = new AbortController();
  const { repository } = testRepository(temporaryFolder(), {
    location: agent.environment['RESTIC_REPOSITORY']!,
    password: agent.environment['RESTIC_PASSWORD']!,
    host: 'holdfast',
  });
  const newest = async () => {
    const [dump] = (await repository.list({ source: source.name, kind: 'dump' }, signal)).slice(-1);
    if (dump === undefined) throw new Error('there is no dump to plant beside');
    return dump;
  };
  const before = await newest();
  const proof = await findProof(repository, before, signal);
  if (proof === null) throw new Error('there is no proof to plant');
  const part = source.parts(await source.probe(signal)).at(-1)!;
  const target = { path: part.path, tags: before.tags!, compression: 'gzip' } as const;
  await repository.save({ ...target, open: (stop) => part.open(stop) }, signal);
  const dump = await newest();
  const beside = repository.prepare(proofTarget(target, new Date(dump.time)));
  await storeProof(beside, { dumpId: dump.id, proof }, signal);
  return dump.shortId;
}
