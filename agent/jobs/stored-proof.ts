import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import { proofSchema, type Proof } from '../proof/proof.ts';
import type { Repository, SavedSnapshot, Snapshot } from '../repository/repository.ts';

/**
 * Stores the proof of a dump that is stored already, as a snapshot of its own: the same tags but for the kind, and the dump's time
 * cut to the second, so that the dump stays what `latest` names and both are kept and forgotten together.
 */
export async function storeProof(
  repository: Repository,
  what: { dump: Snapshot; proof: Proof },
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  const { dump, proof } = what;
  if (dump.tags === null) throw new HoldfastError('failed', `snapshot ${dump.shortId} is not one of ours`);
  return repository.save(
    {
      path: `${dump.path.replace(/\.(gz|zst)$/, '')}.proof.json`,
      tags: { ...dump.tags, kind: 'proof' },
      open: () => whole(Buffer.from(encode(dump, proof))),
      compression: 'none',
      time: new Date(dump.time),
    },
    signal,
  );
}

/**
 * The proof of a stored dump, or null where the repository holds none. Throws `proof_damaged` where there is one that cannot be
 * trusted: cut short, changed, or of a version that this program does not know.
 */
export async function findProof(
  repository: Repository,
  dump: Snapshot,
  signal: AbortSignal,
): Promise<Proof | null> {
  if (dump.tags === null) return null;
  const proofs = await repository.list({ source: dump.tags.source, kind: 'proof' }, signal);
  for (const candidate of proofs.filter((proof) => isBeside(dump, proof))) {
    const found = decode(await read(repository, candidate, signal), dump, candidate);
    if (found.dump === dump.id || found.dump === dump.originalId) return found.proof;
  }
  return null;
}

/** A proof of thousands of tables takes some tens of megabytes. */
const MOST_BYTES = 256 * 2 ** 20;
const FORMAT = 'holdfast proof';

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** The snapshot that holds the dump. */
  dump: z.string(),
  /** Of the dump's id and the proof's JSON: a proof that somebody edited is none. */
  sha256: z.string(),
  proof: z.looseObject({ version: z.number() }),
});

function encode(dump: Snapshot, proof: Proof): string {
  const document = { format: FORMAT, dump: dump.originalId, sha256: digestOf(dump.originalId, proof), proof };
  return `${JSON.stringify(document)}\n`;
}

function digestOf(dump: string, proof: unknown): string {
  return createHash('sha256')
    .update(`${dump}\n${JSON.stringify(proof)}`)
    .digest('hex');
}

function whole(bytes: Buffer) {
  async function* stream(): AsyncGenerator<Buffer> {
    yield bytes;
  }
  return { stream: stream(), done: Promise.resolve({ bytes: bytes.length, warnings: [] }) };
}

/** The dump's time cut to the second; restic's copies keep both times. */
function isBeside(dump: Snapshot, proof: Snapshot): boolean {
  const before = Date.parse(dump.time) - Date.parse(proof.time);
  return before >= 0 && before < 1000;
}

async function read(repository: Repository, snapshot: Snapshot, signal: AbortSignal): Promise<string> {
  const reading = repository.read(snapshot, signal);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of reading.stream) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw damaged(snapshot, snapshot, 'it is far too large');
    chunks.push(chunk);
  }
  await reading.done;
  return Buffer.concat(chunks).toString('utf8');
}

function decode(text: string, dump: Snapshot, stored: Snapshot): { dump: string; proof: Proof } {
  const document = documentSchema.safeParse(json(text));
  if (!document.success) throw damaged(dump, stored, 'it is cut short or no proof at all');
  const { proof: given, ...about } = document.data;
  if (about.sha256 !== digestOf(about.dump, given))
    throw damaged(dump, stored, 'it was changed after it was stored');
  if (given.version !== 1) throw damaged(dump, stored, `it has the version ${given.version}, expected 1`);
  const proof = proofSchema.safeParse(given);
  if (!proof.success) throw damaged(dump, stored, 'it says what no proof may say');
  return { dump: about.dump, proof: proof.data };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function damaged(dump: Snapshot, stored: Snapshot, why: string): HoldfastError {
  return new HoldfastError(
    'proof_damaged',
    `the proof of ${dump.shortId} of ${utc(new Date(dump.time))} (snapshot ${stored.shortId}) cannot be trusted: ${why}`,
    {
      hint: `Run \`holdfast check --all-data\` and find out who may write to the repository; \`holdfast backup ${dump.tags?.source ?? ''}\` makes a new dump with a new proof.`,
    },
  );
}
