import { compareObjects, type ObjectDifference, type ObjectFindings } from './compare-objects.ts';
import { groupBy } from './grouped.ts';
import { listed } from './listed.ts';
import type { Proof, TableProof } from './proof.ts';
import { areOfOneFamily, serverName } from './release.ts';

/** What two proofs, one of the source and one of what was restored, say of each other. */
export interface Comparison {
  /** Everything that the proof of the source names was compared, and nothing differs but what has an excuse. */
  equal: boolean;
  /** Equal without any excuse, every table with rows by all that they hold, and the proof was read at the dump's own snapshot. */
  proven: boolean;
  /** What differs. Empty and yet not `equal` where something could not be compared: `incomparable` says what. */
  differences: Difference[];
  /** What could not be compared, and why, as a sentence part; null where everything was. */
  incomparable: string | null;
  /** Nothing at all could be compared. */
  hopeless: boolean;
  /** Differences that have an excuse, as sentence parts. */
  warnings: string[];
  extent: Extent;
}

/**
 * How deep the comparison went: names of tables. A table that is in none of the lists was compared by a checksum of all its rows, or has
 * none.
 */
export interface Extent {
  tables: number;
  rows: number;
  /** The checksum covers ranges of the key. */
  sampled: string[];
  /** Their rows were counted and not looked at. */
  counted: string[];
  /** The dump does not carry all of what they hold. */
  cut: string[];
  /** They differ, and have an excuse. */
  excused: string[];
}

export type Difference =
  | { kind: 'table_missing'; table: string; rows: number }
  | { kind: 'table_extra'; table: string; rows: number }
  | { kind: 'rows'; table: string; expected: number; found: number }
  /** As many rows, and not the same ones. */
  | { kind: 'content'; table: string; rows: number; sampled: boolean }
  /** Null: the counter is not there. */
  | { kind: 'counter'; name: string; expected: string | null; found: string | null }
  | ObjectDifference;

/**
 * Holds what was found in a restored database against what was in the source. Pure. What cannot be compared never counts
 * as equal: another engine, another method, a checksum that only one side has, a definition in the words of another release, an extension in
 * another version, or a proof that names no object. What can be is compared all the same: a table that came back short is told whatever else
 * the proof lacks.
 */
export function compare(expected: Proof, found: Proof): Comparison {
  const extent = extentOf(expected);
  const hopeless = whyHopeless(expected, found);
  if (hopeless !== null) {
    return {
      ...{ equal: false, proven: false, differences: [], warnings: [], extent },
      ...{ incomparable: hopeless, hopeless: true },
    };
  }
  const tables = compareTables(expected, found);
  const objects = hasObjects(expected) ? compareObjects(expected, found) : NO_FINDINGS;
  const differences = [...tables.differences, ...objects.differences, ...counters(expected, found)];
  const incomparable = whyIncomparable(expected, found, tables, objects);
  const equal = differences.length === 0 && incomparable === null;
  return {
    equal,
    proven:
      equal &&
      expected.unproven === null &&
      expected.level !== 'counts' &&
      tables.excused.length === 0 &&
      extent.counted.length === 0 &&
      extent.cut.length === 0,
    differences,
    incomparable,
    hopeless: false,
    warnings: tables.warnings,
    extent: { ...extent, excused: tables.excused },
  };
}

const NO_FINDINGS: ObjectFindings = { differences: [], unlike: [], otherVersions: [] };

function whyIncomparable(
  expected: Proof,
  found: Proof,
  tables: TableFindings,
  { unlike, otherVersions }: ObjectFindings,
): string | null {
  const rows = [...groupBy(tables.incomparable, ({ why }) => why)].map(
    ([why, same]) => `the rows of ${listed(same.map(({ table }) => table))} could not be compared: ${why}`,
  );
  const words = `could not be compared: ${serverName(found)} and ${serverName(expected)} may write the same definition in other words`;
  const all = [
    ...(hasObjects(expected) ? [] : [NO_OBJECT]),
    ...rows,
    ...(unlike.length === 0 ? [] : [`the definition of ${listed(unlike)} ${words}`]),
    ...(otherVersions.length === 0 ? [] : [listed(otherVersions, '; ')]),
  ];
  return all.length === 0 ? null : all.join('; ');
}

function extentOf({ tables }: Proof): Extent {
  const names = (which: (table: TableProof) => boolean) => tables.filter(which).map(({ name }) => name);
  return {
    tables: tables.length,
    rows: tables.reduce((total, table) => total + table.rows, 0),
    sampled: names((table) => table.checksum !== null && table.sample !== null),
    counted: names((table) => table.checksum === null && table.rows > 0),
    cut: names((table) => table.cut !== undefined),
    excused: [],
  };
}

function whyHopeless(expected: Proof, found: Proof): string | null {
  if (!areOfOneFamily(expected, found))
    return `the proof is of ${expected.engine} and what was restored is in ${found.engine}`;
  // Nothing equals nothing: a proof whose reading found nothing must not pass for one of an empty database.
  if (!hasObjects(expected) && expected.tables.length === 0 && expected.counters.length === 0)
    return NO_OBJECT;
  for (const { tables } of [expected, found]) {
    const twice = [...groupBy(tables, ({ name }) => name)].find(([, same]) => same.length > 1);
    if (twice !== undefined) return `the table ${twice[0]} stands twice in a proof`;
  }
  return null;
}

const NO_OBJECT = 'the proof names no object of the source';

/** Not so where the objects could not be read: what there is of tables and counters speaks all the same. */
function hasObjects({ objects }: Proof): boolean {
  return objects.length > 0;
}

interface TableFindings {
  differences: Difference[];
  incomparable: { table: string; why: string }[];
  warnings: string[];
  excused: string[];
}

function compareTables(expected: Proof, found: Proof): TableFindings {
  const there = new Map(found.tables.map((table) => [table.name, table]));
  const findings: TableFindings = { differences: [], incomparable: [], warnings: [], excused: [] };
  const otherwise = whyHashedOtherwise(expected, found);
  for (const table of expected.tables) {
    const other = there.get(table.name);
    if (other === undefined)
      findings.differences.push({ kind: 'table_missing', table: table.name, rows: table.rows });
    else compareTable(table, other, otherwise, findings);
  }
  const known = new Set(expected.tables.map(({ name }) => name));
  for (const { name, rows } of found.tables.filter((table) => !known.has(table.name)))
    findings.differences.push({ kind: 'table_extra', table: name, rows });
  return findings;
}

/** MySQL and MariaDB write some values in other words, so that no method makes the same of them. */
function whyHashedOtherwise(expected: Proof, found: Proof): string | null {
  if (expected.engine !== found.engine)
    return `they were hashed by ${serverName(expected)}, and now by ${serverName(found)}`;
  return expected.method === found.method ? null : `they are hashed by another method now, ${found.method}`;
}

function compareTable(
  table: TableProof,
  other: TableProof,
  otherwise: string | null,
  findings: TableFindings,
): void {
  const { name } = table;
  // Rows change beside a dump; that all of them are gone is what a lost table looks like.
  const excuse = table.rows > 0 && other.rows === 0 ? null : table.excuse;
  const differs = (difference: Difference, told: string) => {
    if (excuse === null) findings.differences.push(difference);
    else {
      findings.warnings.push(`${name} ${told}, which it may: ${excuse}`);
      findings.excused.push(name);
    }
  };
  if (table.rows !== other.rows) {
    const told = `came back with ${other.rows} rows in place of ${table.rows}`;
    return differs({ kind: 'rows', table: name, expected: table.rows, found: other.rows }, told);
  }
  if (table.checksum === null) return;
  const why = otherwise ?? whyUnchecked(table, other);
  if (why !== null) findings.incomparable.push({ table: name, why });
  else if (table.checksum !== other.checksum) {
    const sampled = table.sample !== null;
    differs({ kind: 'content', table: name, rows: table.rows, sampled }, 'came back with other rows');
  }
}

function whyUnchecked(table: TableProof, other: TableProof): string | null {
  if (other.checksum === null) return 'what was restored has no checksum';
  return JSON.stringify(table.sample) === JSON.stringify(other.sample)
    ? null
    : 'the checksums cover other samples';
}

/** A counter that moved while the dump was taken may have come back with any value between. */
function counters(expected: Proof, found: Proof): Difference[] {
  const was = new Map(expected.counters.map((counter) => [counter.name, counter]));
  const is = new Map(found.counters.map(({ name, value }) => [name, value]));
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name): Difference[] => {
    const before = was.get(name);
    const after = is.get(name) ?? null;
    if (before !== undefined && after !== null && fits(after, before)) return [];
    return [{ kind: 'counter', name, expected: before?.value ?? null, found: after }];
  });
}

function fits(found: string, { value, until = value }: Proof['counters'][number]): boolean {
  if (found === value) return true;
  if (until === value || ![found, value, until].every((one) => /^-?\d+$/.test(one))) return false;
  const [low, high] = BigInt(value) < BigInt(until) ? [value, until] : [until, value];
  return BigInt(found) >= BigInt(low) && BigInt(found) <= BigInt(high);
}
