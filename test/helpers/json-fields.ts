import { sectionOf, tableOf } from './docs.ts';

/** Field to type, as a document has them in the table below a heading. */
export function documentedFields(document: string, heading: string): Map<string, string> {
  const rows = tableOf(sectionOf(document, `### ${heading}`));
  return new Map(rows.map((row) => [row.field ?? '', row.type ?? '']));
}

/**
 * What the code gave that the document does not say, and what the document says that the code never gave. The fields of a
 * run are told once, wherever one stands.
 */
export function fieldDifferences(
  given: unknown,
  told: Map<string, string>,
  run: Map<string, string>,
): string[] {
  const seen = fieldsOf(given);
  const all = new Map([...told, ...[...run].map(([field, type]) => [`run ${field}`, type] as const)]);
  const untold = seen.filter(([field, type]) => !fits(all.get(field), type, all, field));
  const never = [...told.keys()].filter(
    (field) => !seen.some(([other]) => other === field || other.startsWith(`${field}.`)),
  );
  return [
    ...new Set([
      ...untold.map(([field, type]) => `${field}: ${type}`),
      ...never.map((field) => `never: ${field}`),
    ]),
  ];
}

/** Whether a type is what the document tells; a group whose fields are told one by one needs no row of its own. */
export function fits(
  told: string | undefined,
  type: string,
  all: Map<string, string>,
  field: string,
): boolean {
  if (told === undefined) return [...all.keys()].some((other) => isInside(other, field, type));
  const types = told.split(' or ');
  return (
    types.includes(type) ||
    (type === 'time' && types.includes('string')) ||
    (type === 'list' && types.some((one) => one.startsWith('list ')))
  );
}

function isInside(other: string, field: string, type: string): boolean {
  if (type === 'object') return other.startsWith(`${field}.`);
  return type === 'list' && other.startsWith(`${field}[]`);
}

/** The fields of a run with their types. */
export function runFields(run: object): [string, string][] {
  return Object.entries(run)
    .flatMap(([key, value]) => fieldsOf(value, key))
    .map(([field, type]) => [`run ${field}`, type]);
}

/** Every field of a value with its type, in the document's words. */
function fieldsOf(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [[path, 'list']];
    for (const type of ['string', 'number']) {
      if (value.every((entry) => typeof entry === type)) return [[path, `list of ${type}`]];
    }
    return value.flatMap((entry) => fieldsOf(entry, `${path}[]`));
  }
  if (value === null) return [[path, 'null']];
  if (typeof value !== 'object') return [[path, isTime(value) ? 'time' : typeof value]];
  if (isRun(value)) return [[path, 'run'], ...runFields(value)];
  const inside = Object.entries(value).flatMap(([key, entry]) =>
    fieldsOf(entry, path === '' ? key : `${path}.${key}`),
  );
  return path === '' || path.endsWith('[]') ? inside : [[path, 'object'], ...inside];
}

const isRun = (value: object) => 'trigger' in value && 'result' in value;
const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
