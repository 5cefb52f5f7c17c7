import { counted } from '../core/units.ts';
import type { Comparison, Difference, Extent } from './compare.ts';
import { groupBy } from './grouped.ts';
import { listed as list, NAMED } from './listed.ts';
import type { Proof } from './proof.ts';

/**
 * What differs, as sentence parts for a person, the worst first: tables that are gone, rows that are missing, rows that are
 * not the same, then objects and counters. Their number is bounded whatever the number of differences.
 */
export function tellDifferences({ differences }: Comparison): string[] {
  const gone = new Set(differences.flatMap((one) => (one.kind === 'table_missing' ? [one.table] : [])));
  const told = differences.filter((one) => !followsFrom(one, gone));
  const ofTables = ORDER.flatMap((kind) =>
    bounded(told.filter((one) => one.kind === kind).map(sentence), NAMES_OF_MANY[kind]),
  );
  const objects = told.filter((one) => one.kind.startsWith('object_')) as ObjectDifference[];
  const ofObjects = [...groupBy(objects, (one) => `${one.kind} ${one.object}`).values()].map(ofKind);
  const counters = told.filter((one) => one.kind === 'counter').map(sentence);
  return [...ofTables, ...bounded(ofObjects, 'kinds of object'), ...bounded(counters, 'counters')];
}

/** What was compared and is equal, as a sentence part: how deep the comparison went belongs to it. */
export function tellExtent(
  { tables, rows, sampled, counted: countedOnly, excused }: Extent,
  proof: Proof,
): string {
  const whole = `${counted(tables, 'table')}, ${counted(rows, 'row')} and ${counted(proof.objects.length, 'object')}`;
  const except = excused.length === 0 ? '' : ` but for the rows of ${list(excused)}`;
  if (proof.level === 'counts') return `${whole} as in the source by row counts alone${except}`;
  const less = [
    ...(sampled.length === 0 ? [] : [`the rows of ${list(sampled)} by samples`]),
    ...(countedOnly.length === 0 ? [] : [`those of ${list(countedOnly)} by their number alone`]),
  ];
  const but = less.length === 0 ? '' : ` (${less.join(', ')})`;
  return `${whole} ${countedOnly.length === 0 ? 'equal to' : 'as in'} the source${except}${but}`;
}

/** What a restore in which nothing differs says of the comparison: that not everything could be compared is a warning, whatever the rest showed. */
export function tellRestored(comparison: Comparison, proof: Proof): { notes: string[]; warnings: string[] } {
  const unproven = whyUnproven(comparison, proof);
  const told = `equality is not proven: ${unproven ?? ''}`;
  if (comparison.incomparable !== null)
    return { notes: [tellCompared(comparison, proof)], warnings: [told, ...comparison.warnings] };
  // The backup or the verification warns of what else keeps it from being proven; here it is enough that nobody takes it for equal.
  const note = unproven === null ? tellExtent(comparison.extent, proof) : told;
  return { notes: [note], warnings: comparison.warnings };
}

/** What is as it was where not everything could be compared, as a sentence part; `incomparable` says the rest. */
export function tellCompared({ extent, hopeless }: Comparison, { objects }: Proof): string {
  const { tables, rows, excused } = extent;
  if (hopeless) return 'nothing could be compared with the proof';
  const except = excused.length === 0 ? '' : ` but for the rows of ${list(excused)}`;
  return `${counted(tables, 'table')}, ${counted(rows, 'row')} and ${counted(objects.length, 'object')} as in the source${except}, as far as that could be compared`;
}

/** That tables could not be compared because the proof says nothing of their rows, as a sentence part; nothing for none. */
export function tellLeftOut(tables: string[]): string[] {
  if (tables.length === 0) return [];
  return [`not compared: the proof says nothing of the rows of ${list(tables)}`];
}

/** Why equality is not proven although nothing differs; null where it is, or where something does. */
export function whyUnproven(comparison: Comparison, expected: Proof): string | null {
  if (comparison.differences.length > 0) return null;
  const { excused, counted: countedOnly } = comparison.extent;
  const { incomparable } = comparison;
  if (incomparable !== null || expected.unproven !== null)
    return [incomparable, expected.unproven].filter((one) => one !== null).join('; ');
  if (excused.length > 0) return `the rows of ${list(excused)} differ, and whether they may nobody can tell`;
  if (expected.level === 'counts') return ONLY_COUNTED;
  const why = [
    ...(countedOnly.length === 0 ? [] : [`the rows of ${list(countedOnly)} were counted and not compared`]),
    ...bounded(
      expected.tables.flatMap(({ name, cut }) => (cut === undefined ? [] : [`${name}: ${cut}`])),
      'tables of that kind',
    ),
  ];
  return why.length === 0 ? null : why.join('; ');
}

/** Why equality is not proven where the configuration wants it so. */
export const ONLY_COUNTED = 'rows were counted and not compared, as the configuration wants it';

type ObjectDifference = Extract<Difference, { object: string }>;
type TableDifference = Exclude<Difference, ObjectDifference | { kind: 'counter' }>;

const ORDER = ['table_missing', 'rows', 'content', 'table_extra'] as const;
const NAMES_OF_MANY: Record<TableDifference['kind'], string> = {
  table_missing: 'missing tables',
  rows: 'tables with another number of rows',
  content: 'tables with other rows',
  table_extra: 'tables too many',
};

/** The columns and indexes of a table that is gone are gone with it. */
function followsFrom(one: Difference, gone: Set<string>): boolean {
  if (one.kind === 'counter')
    return [...gone].some((table) => one.name.startsWith(`${table}.`) || one.name === table);
  if (one.kind !== 'object_missing') return false;
  return [...gone].some((table) => one.name === table || one.name.startsWith(`${table}.`));
}

function sentence(one: Difference): string {
  switch (one.kind) {
    case 'table_missing':
      return `table ${one.table} is missing, with ${counted(one.rows, 'row')}`;
    case 'table_extra':
      return `table ${one.table} is there, with ${counted(one.rows, 'row')}, and was not in the source`;
    case 'rows':
      return `table ${one.table} has ${counted(one.found, 'row')}, expected ${one.expected}`;
    case 'content':
      return `table ${one.table} has its ${counted(one.rows, 'row')}, but ${one.sampled ? 'in the samples that were compared ' : ''}not the ones of the source`;
    case 'counter':
      return counterSentence(one);
    default:
      return `${one.object} ${one.name} ${VERBS[one.kind][0]}`;
  }
}

function counterSentence({ name, expected, found }: Extract<Difference, { kind: 'counter' }>): string {
  if (found === null) return `counter ${name} is missing`;
  if (expected === null) return `counter ${name} is there and was not in the source`;
  return `counter ${name} stands at ${found}, expected ${expected}`;
}

const VERBS: Record<ObjectDifference['kind'], [one: string, many: string]> = {
  object_missing: ['is missing', 'are missing'],
  object_changed: ['is not defined as in the source', 'are not defined as in the source'],
  object_extra: ['is there and was not in the source', 'are there and were not in the source'],
};

function ofKind(same: ObjectDifference[]): string {
  const [first] = same;
  if (first === undefined) return '';
  if (same.length === 1) return sentence(first);
  return `${same.length} objects of the kind ${first.object} ${VERBS[first.kind][1]}: ${list(same.map(({ name }) => name))}`;
}

function bounded(sentences: string[], noun: string): string[] {
  const more = sentences.length - NAMED;
  return more <= 0 ? sentences : [...sentences.slice(0, NAMED), `${more} more ${noun}`];
}
