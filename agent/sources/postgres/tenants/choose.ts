import { HoldfastError } from '../../../core/errors.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { REMARKS } from '../table-choice.ts';

/** What an archive has of one schema. */
export interface SchemaEntries {
  /** The schema and what stands in it, in the archive's order. */
  own: WholeEntry[];
  /** What that needs outside of it, directly or not. */
  needed: WholeEntry[];
  /** What stands outside and needs something in it: it does not come back. */
  dependents: WholeEntry[];
}

/** Takes one schema out of an archive's table of contents. Throws `usage` where it is not in there. */
export function chooseSchema(entries: WholeEntry[], schema: string): SchemaEntries {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const own = new Set(entries.filter((entry) => isOf(schema, entry)).map(({ id }) => id));
  if (!entries.some((entry) => isSchema(schema, entry)))
    throw new HoldfastError('usage', `it holds no schema "${schema}"; nothing was changed`, {
      hint: 'Restore another snapshot: one of a time at which the tenant was there.',
    });
  for (const entry of entries) if (isRemarkOn(entry, own)) own.add(entry.id);
  const needed = neededBy(own, byId);
  return {
    own: entries.filter(({ id }) => own.has(id)),
    needed: entries.filter(({ id }) => needed.has(id)),
    dependents: entries.filter(
      ({ id, kind, dependencies }) =>
        !own.has(id) && !REMARKS.has(kind) && dependencies.some((other) => own.has(other)),
    ),
  };
}

/** Comments, rights and the like that speak of nothing but these. */
export function isRemarkOn({ kind, dependencies }: WholeEntry, ids: Set<number>): boolean {
  return REMARKS.has(kind) && dependencies.length > 0 && dependencies.every((id) => ids.has(id));
}

/** Statistics, which newer dumps hold, are gathered anew. */
const NEVER = new Set(['STATISTICS DATA']);

function isOf(schema: string, entry: WholeEntry): boolean {
  return schemaOf(entry) === schema;
}

/** The schema that an entry is of, or is; null for none, and for what is never restored. */
export function schemaOf({ kind, schema, tag }: WholeEntry): string | null {
  if (kind === 'SCHEMA') return tag;
  return schema === '' || NEVER.has(kind) ? null : schema;
}

function isSchema(schema: string, { kind, tag }: WholeEntry): boolean {
  return kind === 'SCHEMA' && tag === schema;
}

/** What these need beside themselves, directly or not. */
export function neededBy(own: Set<number>, byId: Map<number, WholeEntry>): Set<number> {
  const needed = new Set<number>();
  const look = [...own];
  // Grows while it is walked.
  for (const id of look) {
    for (const other of byId.get(id)?.dependencies ?? []) {
      if (own.has(other) || needed.has(other) || !byId.has(other)) continue;
      needed.add(other);
      look.push(other);
    }
  }
  return needed;
}
