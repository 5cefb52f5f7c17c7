import { z } from 'zod';

/**
 * A proof: what was in a source at its dump's own snapshot. It is stored in the repository beside the dump, as JSON, and
 * what a restore brings back is compared with it. Times are UTC ISO 8601; numbers that may pass 2^53 are text.
 */

/** How much a proof says of each table's rows. `none`: no proof is taken. */
export const PROOF_LEVELS = ['checksums', 'counts', 'none'] as const;
export type ProofLevel = (typeof PROOF_LEVELS)[number];

const tableProof = z.object({
  /** As people name it: `orders`; `sales.orders` where the engine has schemas. */
  name: z.string(),
  rows: z.int().nonnegative(),
  /** The sum of a 64-bit hash of each row, modulo 2^64, in decimal: the order of the rows does not matter. Null where only rows were counted. */
  checksum: z.string().nullable(),
  /** The ranges of the key whose rows the checksum covers, both ends included, as SQL literals; null where it covers all. */
  sample: z.object({ key: z.string(), ranges: z.array(z.tuple([z.string(), z.string()])) }).nullable(),
  /** Why its rows may differ although nothing is wrong (an engine without transactions, for example); null for none. Such a difference is a warning, but for a table that came back empty. */
  excuse: z.string().nullable(),
  /**
   * What no dump carries of its rows, as a sentence part, so that they are not proven equal although the checksums are: `2 rows hold …`. Left out
   * for nothing.
   */
  cut: z.string().optional(),
});

const objectProof = z.object({
  /** `table`, `column`, `index`, `constraint`, `view`, `routine`, `trigger`, `event`, `type`, `extension`, `sequence`, `collation`, … */
  kind: z.string(),
  name: z.string(),
  /** SHA-256 of the definition in a form that a dump and a restore leave as it is; hexadecimal. */
  hash: z.string(),
  /**
   * Of an extension, which comes back in the version that the server installs. Left out in older proofs, where it is a part of the definition,
   * and of everything else.
   */
  version: z.string().optional(),
});

export const proofSchema = z.object({
  version: z.literal(1),
  engine: z.enum(['mysql', 'mariadb', 'postgres']),
  serverVersion: z.string(),
  database: z.string(),
  /** When the dump's snapshot was opened. */
  takenAt: z.iso.datetime(),
  level: z.enum(['checksums', 'counts']),
  /** How rows are hashed. Checksums of two methods say nothing of each other. */
  method: z.string(),
  /** Null: it was read at the dump's own snapshot. Otherwise why that could not be, as a sentence part: equality is not proven then. */
  unproven: z.string().nullable(),
  tables: z.array(tableProof),
  /** Sequences and auto-increment counters: the value that comes next, or as the engine tells it, in decimal. */
  counters: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      /**
       * Sequences obey no snapshot: what it had come to when the dump had ended, where it moved meanwhile. What the dump holds
       * lies between the two, both included. Left out where it stood still.
       */
      until: z.string().optional(),
    }),
  ),
  objects: z.array(objectProof),
  /** Of a proof of one schema: that all that it needs outside of it is among the objects. Left out where that is not known, and in older ones. */
  withNeeds: z.literal(true).optional(),
});

export type Proof = z.infer<typeof proofSchema>;
export type TableProof = z.infer<typeof tableProof>;
export type ObjectProof = z.infer<typeof objectProof>;

/** The names of its objects of one kind, as it has them. */
export function namesIn({ objects }: Proof, kind: string): string[] {
  return objects.filter((object) => object.kind === kind).map(({ name }) => name);
}

/** What became of the proof of one dump. */
export type ProofOutcome =
  /** Taken; whether at the dump's own snapshot, `proof.unproven` tells. */
  | { proof: Proof; why: null }
  /** Not taken, and why, as a sentence part. The dump may be good all the same. */
  | { proof: null; why: string };
