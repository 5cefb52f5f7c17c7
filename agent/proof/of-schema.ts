import type { Proof } from './proof.ts';

/**
 * What a proof of a PostgreSQL database says of one schema: its tables, counters and objects, and that it is there. Comments, and what stands
 * in no schema, are left out.
 */
export function proofOfSchema(proof: Proof, schema: string): Proof {
  const prefix = schemaPrefix(schema);
  const isIn = ({ name }: { name: string }) => name.startsWith(prefix);
  return {
    ...proof,
    tables: proof.tables.filter(isIn),
    counters: proof.counters.filter(isIn),
    objects: proof.objects.filter((object) =>
      object.kind === 'schema'
        ? `${object.name}.` === prefix
        : !BESIDE_SCHEMAS.has(object.kind) && isIn(object),
    ),
  };
}

/** What a proof says of everything but these schemas. */
export function proofWithout(proof: Proof, schemas: string[]): Proof {
  if (schemas.length === 0) return proof;
  const prefixes = schemas.map(schemaPrefix);
  const isOut = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  const isKept = ({ name }: { name: string }) => !isOut(name);
  return {
    ...proof,
    tables: proof.tables.filter(isKept),
    counters: proof.counters.filter(isKept),
    objects: proof.objects.filter(({ kind, name }) => !isOut(kind === 'schema' ? `${name}.` : name)),
  };
}

/** How the names in it begin: `sales.`; quoted where a dot or a quote would mislead. */
export function schemaPrefix(schema: string): string {
  return `${/[."]/.test(schema) ? `"${schema.replaceAll('"', '""')}"` : schema}.`;
}

/** The schema that a name in a proof begins with, as it is written there. */
export function schemaIn(name: string): string {
  return /^(?:"(?:[^"]|"")*"|[^."]*)/.exec(name)?.[0] ?? '';
}

/** A schema's name as the proof has it, without quotes. */
export function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

const BESIDE_SCHEMAS = new Set([
  'cast',
  'comment',
  'event_trigger',
  'extension',
  'foreign_data_wrapper',
  'foreign_server',
  'language',
  'publication',
]);
