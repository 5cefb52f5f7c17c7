import { HoldfastError, describeError } from '../../core/errors.ts';
import { compare } from '../../proof/compare.ts';
import { proofWithout } from '../../proof/of-schema.ts';
import type { Proof } from '../../proof/proof.ts';
import { tellDifferences, tellLeftOut, tellRestored } from '../../proof/tell.ts';
import type { Inspector } from '../../sources/source.ts';
import { sizeRestored } from './size-restored.ts';
import { expected } from '../size-up.ts';
import { findProof } from '../stored-proof.ts';
import { notInProof, proofOfTables } from './chosen-proof.ts';
import type { Restoration } from './restoration.ts';

/** What a restored database holds, and how that compares with the proof. */
export interface Checked {
  tables: number;
  rows: number;
  /** What was compared, or that the backup has no proof. */
  notes: string[];
  /** What differs from the proof, what could not be compared with it, and what kept all of it from being compared. */
  warnings: string[];
  /** What it takes on the server; left out where the server does not tell, and of some tables alone. */
  databaseBytes?: number;
}

/**
 * Counts what a restored database holds and compares it with the proof of its dump. Where it shall become the source's own, a difference
 * throws `restore_failed`, and a proof or a database that cannot be read throws why, unless it was said that it may be left out. What a server of
 * another release keeps from being compared is a warning. Schemas among `without` did not come back, and are not compared. `inspector` looks at it; the source itself when left out.
 */
export async function checkRestored(
  restoration: Restoration,
  database: string,
  { mayDiffer, without = [], inspector = restoration.source }: How,
): Promise<Checked> {
  const { tables, context } = restoration;
  // restic derives its key while the server counts.
  const finding = findExpected(restoration);
  const counting = inspector.inspect(database, context.signal);
  await Promise.allSettled([counting, finding]);
  const inventory = await counting;
  return {
    tables: inventory.tables.length,
    rows: inventory.tables.reduce((total, table) => total + table.rows, 0),
    ...(await compareWithProof(restoration, database, { finding, mayDiffer, without, inspector })),
    ...(tables === null ? await sizeRestored(inspector, database, context.signal) : {}),
  };
}

interface How {
  mayDiffer: boolean;
  without?: string[];
  inspector?: Inspector;
}

/** Null for a backup that has none; one that had one is another matter. */
async function findExpected({ snapshot, size, settings, context }: Restoration): Promise<Proof | null> {
  const proof = await findProof(settings.repository, snapshot, context.signal);
  if (proof !== null || !size.hasProof) return proof;
  throw new HoldfastError(
    'repository_damaged',
    `the proof that was stored with ${snapshot.shortId} is not in the repository any more`,
  );
}

async function compareWithProof(
  restoration: Restoration,
  database: string,
  { finding, mayDiffer, without, inspector }: Required<How> & { finding: Promise<Proof | null> },
): Promise<Pick<Checked, 'notes' | 'warnings'>> {
  const { size, tables, rowsIn, settings, context } = restoration;
  try {
    const whole = await finding;
    if (whole === null) return { notes: ['not compared: this backup has no proof'], warnings: [] };
    const narrowed = (one: Proof) => (tables === null ? one : proofOfTables(one, [...tables, ...rowsIn]));
    const proof = narrowed(proofWithout(whole, without));
    const notCompared = tellLeftOut(notInProof(rowsIn, proof));
    if (tables !== null && proof.tables.length === 0) return { notes: notCompared, warnings: [] };
    context.onProgress({
      step: `comparing ${database} with the proof`,
      dumpBytes: 0,
      storedBytes: 0,
      ...(tables === null ? expected(size, 'compare') : {}),
    });
    const comparison = compare(proof, narrowed(await inspector.prove(database, proof, context.signal)));
    const differences = tellDifferences(comparison);
    if (differences.length > 0) throw unequal(restoration, differences);
    const { notes, warnings } = tellRestored(comparison, proof);
    return { notes: [...notes, ...notCompared], warnings };
  } catch (error) {
    context.signal.throwIfAborted();
    const { kind, message } = describeError(error);
    const differs = error instanceof DifferenceError;
    const told =
      differs || kind === 'proof_damaged' ? message : `it was not compared with its proof: ${message}`;
    if (!mayDiffer && (differs || !settings.unverified)) throw withWayOut(restoration, error, told);
    return { notes: [], warnings: [told] };
  }
}

/** What came back is not what was backed up: no consent makes it so. */
class DifferenceError extends HoldfastError {}

function unequal({ snapshot }: Restoration, differences: string[]): HoldfastError {
  return new DifferenceError(
    'restore_failed',
    `what ${snapshot.shortId} brings back is not what was backed up: ${differences.join('; ')}`,
  );
}

/** Only here nothing was touched yet, and a doubtful dump may be the only one there is. */
function withWayOut({ source, snapshot }: Restoration, error: unknown, told: string): HoldfastError {
  const { kind, hint } = describeError(error);
  const look = `\`holdfast restore ${source.name} --snapshot ${snapshot.shortId} --to NAME\``;
  const without =
    error instanceof DifferenceError ? '' : ' To replace it without that comparison, add --unverified.';
  return new HoldfastError(kind, `${told}; ${source.database} was not touched`, {
    hint: `Restore another snapshot; to see what is in this one, ${look} restores it all the same.${without}${hint === null ? '' : ` ${hint}`}`,
    cause: error,
  });
}
