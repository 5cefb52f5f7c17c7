import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Little data, one round, no long waits: shows that everything runs, measures nothing. */
  quick: boolean;
  /** Only these rows; empty for all. */
  only: string[];
  rounds: number;
  /** Size of the whole-backup dump. */
  megabytes: number;
  /** Size of the dump by which the memory is measured. */
  largeMegabytes: number;
  stallSeconds: number;
}

export const USAGE = `npm run bench -- [--quick] [--only ROW]… [--rounds N]

  --quick      little data, one round: shows that everything runs, measures nothing
  --only ROW   rows whose name begins so (gate, mariadb, mariadb-gzip, postgres, proof, second-day, rss, large, levels, stall, tenants)
  --rounds N   at least so many alternating rounds (3)`;

/** Reads the command line; throws what `parseArgs` throws. */
export function readOptions(argv: string[]): BenchOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '' },
    },
  });
  const { quick, only } = values;
  const rounds = Number(values.rounds === '' ? (quick ? 1 : 3) : values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1');
  return quick
    ? { quick, only, rounds, megabytes: 4, largeMegabytes: 16, stallSeconds: 1 }
    : { quick, only, rounds, megabytes: 500, largeMegabytes: 2100, stallSeconds: 90 };
}
