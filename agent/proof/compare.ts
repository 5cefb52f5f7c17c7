import { groupBy, sameList } from './grouped.ts';
import type { Proof, TableProof } from './proof.ts';

/** What two proofs, one of the source and one of what was restored, say of each other. */
export interface Comparison {
  /** Everything that the proof of the source names was compared, and nothing differs but what has an excuse. */
  equal: boolean;
  /** Equal without any excuse, every table with rows by all that they hold, and the proof was read at the dump's own snapshot. */
  proven: boolean;
  /** What differs. Empty and yet not `equal` where something could not be compared: `incomparable` says what. */
  differences: Difference[];
  /** Why not everything could be compared, as a sentence part; null where it was. */
  incomparable: string | null;
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
  | { kind: 'object_missing' | 'object_extra' | 'object_changed'; object: string; name: string };

/**
 * Holds what was found in a restored database against what was in the source. Pure. What cannot be compared never counts
 * as equal: another engine, another method, a checksum that only one side has, or a proof that names no object. What can be is compared
 * all the same: a table that came back short is told whatever else the proof lacks.
 */
export function compare(expected: Proof, found: Proof): Comparison {
  const extent = extentOf(expected);
  const none = { equal: false, proven: false, differences: [], warnings: [], extent };
  const hopeless = whyHopeless(expected, found);
  if (hopeless !== null) return { ...none, incomparable: hopeless };

  const tables = compareTables(expected, found);
  const objects = hasObjects(expected) ? compareObjects(expected, found) : [];
  const differences = [...tables.differences, ...objects, ...counters(expected, found)];
  const incomparable = hasObjects(expected) ? (tables.incomparable[0] ?? null) : NO_OBJECT;
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
    warnings: tables.warnings,
    extent: { ...extent, excused: tables.excused },
  };
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
  if (expected.engine !== found.engine)
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
  incomparable: string[];
  warnings: string[];
  excused: string[];
}

function compareTables(expected: Proof, found: Proof): TableFindings {
  const there = new Map(found.tables.map((table) => [table.name, table]));
  const findings: TableFindings = { differences: [], incomparable: [], warnings: [], excused: [] };
  for (const table of expected.tables) {
    const other = there.get(table.name);
    if (other === undefined)
      findings.differences.push({ kind: 'table_missing', table: table.name, rows: table.rows });
    else compareTable(table, other, expected.method === found.method ? null : found.method, findings);
  }
  const known = new Set(expected.tables.map(({ name }) => name));
  for (const { name, rows } of found.tables.filter((table) => !known.has(table.name)))
    findings.differences.push({ kind: 'table_extra', table: name, rows });
  return findings;
}

function compareTable(
  table: TableProof,
  other: TableProof,
  otherMethod: string | null,
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
  const why = whyUnchecked(table, other, otherMethod);
  if (why !== null) findings.incomparable.push(`the rows of ${name} could not be compared: ${why}`);
  else if (table.checksum !== other.checksum) {
    const sampled = table.sample !== null;
    differs({ kind: 'content', table: name, rows: table.rows, sampled }, 'came back with other rows');
  }
}

function whyUnchecked(table: TableProof, other: TableProof, otherMethod: string | null): string | null {
  if (otherMethod !== null) return `they are hashed by another method now, ${otherMethod}`;
  if (other.checksum === null) return 'what was restored has no checksum';
  return JSON.stringify(table.sample) === JSON.stringify(other.sample)
    ? null
    : 'the checksums cover other samples';
}

/** By kind and name; where several share both (overloaded routines), their definitions are compared as a set. */
function compareObjects(expected: Proof, found: Proof): Difference[] {
  const key = (object: { kind: string; name: string }) => JSON.stringify([object.kind, object.name]);
  const [was, is] = [groupBy(expected.objects, key), groupBy(found.objects, key)];
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return keys.flatMap((one): Difference[] => {
    const [object = '', name = ''] = JSON.parse(one) as string[];
    const [before, after] = [was.get(one) ?? [], is.get(one) ?? []];
    if (after.length < before.length) return [{ kind: 'object_missing', object, name }];
    if (after.length > before.length) return [{ kind: 'object_extra', object, name }];
    const same = sameList(
      before.map(({ hash }) => hash),
      after.map(({ hash }) => hash),
    );
    return same ? [] : [{ kind: 'object_changed', object, name }];
  });
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
