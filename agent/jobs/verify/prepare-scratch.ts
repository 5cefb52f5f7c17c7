import { HoldfastError } from '../../core/errors.ts';
import type { Proof } from '../../proof/proof.ts';
import type { Snapshot } from '../../repository/repository.ts';
import type { Probe, Source } from '../../sources/source.ts';
import { makeScratch } from './scratch.ts';

/**
 * An empty scratch database on a server that is there, of the right kind, not older than the source's, and willing to make one. Throws
 * `client_mismatch` where it does not fit, and what it says itself.
 */
export async function prepareScratch(
  server: Source,
  of: { snapshot: Snapshot; proof: Proof | null; names: { prefix: string; suffix: string } },
  signal: AbortSignal,
): Promise<{ probe: Probe; scratch: string }> {
  const { snapshot, proof, names } = of;
  const probe = await server.probe(signal);
  const engine = snapshot.tags?.engine;
  if (engine !== undefined && engine !== probe.engine)
    throw unfit(`the snapshot is of ${engine}, and the scratch server is ${probe.engine}`);
  if (proof !== null && majorOf(probe.serverVersion) < majorOf(proof.serverVersion))
    throw unfit(
      `the snapshot is of version ${proof.serverVersion}, and the scratch server has ${probe.serverVersion}`,
    );
  return { probe, scratch: await makeScratch(server, names, signal) };
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

function unfit(why: string): HoldfastError {
  return new HoldfastError('client_mismatch', why, {
    hint: 'Name a server of the same kind and version with `verify: {server: …}` of the source.',
  });
}
