import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../core/errors.ts';
import { utc } from '../core/clock.ts';
import type { PartKind } from '../core/glossary.ts';
import { proofSchema, type Proof } from '../proof/proof.ts';
import type {
  PreparedSave,
  Repository,
  SavedSnapshot,
  SaveTarget,
  Snapshot,
  StoredFile,
} from '../repository/repository.ts';

/**
 * What the proof of a dump is stored as: a snapshot of its own with the same tags but for the kind, and the time at which the
 * dump's was begun, cut to the second. So the dump stays what `latest` names, and both are kept and forgotten together.
 */
export function proofTarget(dump: SaveTarget, begunAt: Date): SaveTarget {
  return {
    path: proofPath(dump.path),
    tags: { ...dump.tags, kind: proofKind(dump.tags.kind) },
    compression: 'none',
    time: begunAt,
  };
}

/** Stores the proof of the dump with this id, which is stored already. */
export function storeProof(
  prepared: PreparedSave,
  { dumpId, proof }: { dumpId: string; proof: Proof },
  signal: AbortSignal,
): Promise<SavedSnapshot> {
  return prepared.save({ open: () => whole(Buffer.from(encode(dumpId, proof))) }, signal);
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
  const { source, kind, tenant } = dump.tags;
  const filter = { source, kind: proofKind(kind), ...(tenant === undefined ? {} : { tenants: [tenant] }) };
  const proofs = await repository.list(filter, signal);
  let trouble: unknown = null;
  for (const candidate of proofs.filter((proof) => mayBelong(dump, proof)).toReversed()) {
    try {
      const found = decode(await read(repository, candidate, signal), dump, candidate);
      if (found.dump === dump.id || found.dump === dump.originalId) return found.proof;
    } catch (error) {
      // It may be that of another dump of those minutes.
      trouble ??= error;
    }
  }
  if (trouble !== null) throw trouble;
  return null;
}

/**
 * The proof of one dump out of a snapshot of many, which lies beside it; `dump` and the proof are the files. Throws as `findProof` does.
 */
export async function proofInSet(
  repository: Repository,
  dump: Snapshot,
  proof: StoredFile,
  signal: AbortSignal,
): Promise<Proof> {
  const stored = { ...dump, ...proof };
  const found = decode(await read(repository, stored, signal), dump, stored);
  if (found.dump !== dump.path) throw damaged(dump, stored, `it is that of ${found.dump}`);
  return { ...found.proof, takenAt: dump.time };
}

/** A proof as it lies beside its dump in a snapshot of many: the same from run to run while nothing changes, so without the time, which the snapshot has. */
export function encodeProof(dump: string, proof: Proof): string {
  return encode(dump, { ...proof, takenAt: NO_TIME });
}

/** Where the proof of a dump lies in a snapshot of many. */
export function proofPath(dump: string): string {
  return `${dump}.proof.json`;
}

const NO_TIME = '2000-01-01T00:00:00Z';

const PROOF_KINDS: Partial<Record<PartKind, PartKind>> = {
  tenant: 'tenant-proof',
  'on-demand': 'on-demand-proof',
};

function proofKind(dump: PartKind): PartKind {
  return PROOF_KINDS[dump] ?? 'proof';
}

/** A proof of thousands of tables takes some tens of megabytes. */
const MOST_BYTES = 256 * 2 ** 20;
const FORMAT = 'holdfast proof';

const documentSchema = z.object({
  format: z.literal(FORMAT),
  /** The snapshot that holds the dump; in a snapshot of many, the path of the dump. */
  dump: z.string(),
  /** Of the dump's id and the proof's JSON: a proof that somebody edited is none. */
  sha256: z.string(),
  proof: z.looseObject({ version: z.number() }),
});

function encode(dump: string, proof: Proof): string {
  const document = { format: FORMAT, dump, sha256: digestOf(dump, proof), proof };
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

/** A dump's restic may wait for the lock of somebody else after it was begun. */
const BEGUN_WITHIN_MS = 15 * 60_000;

function mayBelong(dump: Snapshot, proof: Snapshot): boolean {
  const before = Date.parse(dump.time) - Date.parse(proof.time);
  return before >= 0 && before < BEGUN_WITHIN_MS;
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
