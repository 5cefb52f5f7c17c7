import { HoldfastError, describeError } from '../../core/errors.ts';
import { compare } from '../../proof/compare.ts';
import { proofWithout } from '../../proof/of-schema.ts';
import type { Proof } from '../../proof/proof.ts';
import { tellDifferences, tellExtent, whyUnproven } from '../../proof/tell.ts';
import { sizeRestored } from './size-restored.ts';
import { expected } from '../size-up.ts';
import { findProof } from '../stored-proof.ts';
import type { Restoration } from './restoration.ts';

/** What a restored database holds, and how that compares with the proof. */
export interface Checked {
  tables: number;
  rows: number;
  /** What was compared, or that the backup has no proof. */
  notes: string[];
  /** What differs from the proof, and what kept it from being compared. */
  warnings: string[];
  /** What it takes on the server; left out where the server does not tell, and of some tables alone. */
  databaseBytes?: number;
}

/**
 * Counts what a restored database holds and compares it with the proof of its dump. Where it shall become the source's own, a difference
 * and a proof that cannot be trusted throw `restore_failed` or `proof_damaged`; what could not be compared is a warning. Schemas among `without`
 * did not come back, and are not compared.
 */
export async function checkRestored(
  restoration: Restoration,
  database: string,
  { mayDiffer, without = [] }: { mayDiffer: boolean; without?: string[] },
): Promise<Checked> {
  const { source, tables, context } = restoration;
  const inventory = await source.inspect(database, context.signal);
  return {
    tables: inventory.tables.length,
    rows: inventory.tables.reduce((total, table) => total + table.rows, 0),
    ...(await compareWithProof(restoration, database, { mayDiffer, without })),
    ...(tables === null ? await sizeRestored(source, database, context.signal) : {}),
  };
}

async function compareWithProof(
  restoration: Restoration,
  database: string,
  { mayDiffer, without }: { mayDiffer: boolean; without: string[] },
): Promise<Pick<Checked, 'notes' | 'warnings'>> {
  const { source, snapshot, size, tables, settings, context } = restoration;
  try {
    const whole = await findProof(settings.repository, snapshot, context.signal);
    const proof = whole === null ? null : narrowed(proofWithout(whole, without), tables);
    if (proof === null) return { notes: ['not compared: this backup has no proof'], warnings: [] };
    context.onProgress({
      step: `comparing ${database} with the proof`,
      dumpBytes: 0,
      storedBytes: 0,
      ...(tables === null ? expected(size, 'compare') : {}),
    });
    const comparison = compare(proof, narrowed(await source.prove(database, proof, context.signal), tables));
    const differences = tellDifferences(comparison);
    if (differences.length > 0) throw unequal(restoration, differences);
    const unproven = whyUnproven(comparison, proof);
    // The backup or the verification warns of it; here it is enough that nobody takes it for equal.
    if (unproven !== null)
      return { notes: [`equality is not proven: ${unproven}`], warnings: comparison.warnings };
    return { notes: [tellExtent(comparison.extent, proof)], warnings: comparison.warnings };
  } catch (error) {
    context.signal.throwIfAborted();
    const { kind, message } = describeError(error);
    const isVerdict = kind === 'restore_failed' || kind === 'proof_damaged';
    if (isVerdict && !mayDiffer) throw withWayOut(restoration, error);
    return { notes: [], warnings: [isVerdict ? message : `it was not compared with its proof: ${message}`] };
  }
}

/**
 * Of chosen tables the rows are compared, and that they are there: their definitions may name what did not come along, and what belongs
 * to the database beside them did not.
 */
function narrowed(proof: Proof, tables: string[] | null): Proof {
  if (tables === null) return proof;
  const isChosen = ({ name }: { name: string }) =>
    tables.some((table) => table === name || table === `public.${name}`);
  const objects = proof.objects.filter((object) => object.kind === 'table' && isChosen(object));
  return {
    ...proof,
    tables: proof.tables.filter(isChosen),
    objects: objects.map((object) => ({ ...object, hash: '' })),
    counters: [],
  };
}

function unequal({ snapshot }: Restoration, differences: string[]): HoldfastError {
  return new HoldfastError(
    'restore_failed',
    `what ${snapshot.shortId} brings back is not what was backed up: ${differences.join('; ')}`,
  );
}

/** Only here nothing was touched yet, and a doubtful dump may be the only one there is. */
function withWayOut({ source, snapshot }: Restoration, error: unknown): HoldfastError {
  const { kind, message, hint } = describeError(error);
  const look = `\`holdfast restore ${source.name} --snapshot ${snapshot.shortId} --to NAME\``;
  return new HoldfastError(kind, `${message}; ${source.database} was not touched`, {
    hint: `Restore another snapshot; to see what is in this one, ${look} restores it all the same.${hint === null ? '' : ` ${hint}`}`,
    cause: error,
  });
}
