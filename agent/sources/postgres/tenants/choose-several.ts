import type { WholeEntry } from '../archive-contents.ts';
import { isRemarkOn, neededBy, schemaOf } from './choose.ts';

/** What of an archive brings back some schemas where nothing is there yet. */
export interface SeveralSchemas {
  /** In the archive's order. */
  entries: WholeEntry[];
  /** Which of the schemas an entry is of; none for what they need of others. */
  ownerOf: (entry: WholeEntry) => string | undefined;
  /** The schemas that need an entry of others, directly or not. */
  neededBy: (entry: WholeEntry) => string[];
}

/** Takes schemas out of an archive's table of contents, with what they need outside of them, and the rows that their keys lead to. */
export function chooseSeveral(all: WholeEntry[], schemas: string[]): SeveralSchemas {
  const wanted = new Set(schemas);
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const owners = ownersIn(all, wanted);
  const needed = neededBy(new Set(owners.keys()), byId);
  const rows = withRows(all, byId, new Set([...owners.keys(), ...needed]), needed);
  for (const id of rows) needed.add(id);
  return {
    entries: all.filter(({ id }) => owners.has(id) || needed.has(id)),
    ownerOf: ({ id }) => owners.get(id),
    neededBy: ({ id }) => {
      const needing = all.filter((entry) => owners.has(entry.id) && reaches(entry, id, byId));
      return [...new Set(needing.map((entry) => owners.get(entry.id) ?? ''))];
    },
  };
}

function ownersIn(all: WholeEntry[], wanted: Set<string>): Map<number, string> {
  const owners = new Map<number, string>();
  for (const entry of all) {
    const schema = schemaOf(entry);
    if (schema !== null && wanted.has(schema)) owners.set(entry.id, schema);
  }
  const own = new Set(owners.keys());
  for (const entry of all) {
    const schema = owners.get(entry.dependencies[0] ?? -1);
    if (schema !== undefined && isRemarkOn(entry, own)) owners.set(entry.id, schema);
  }
  return owners;
}

/** What looks at rows when it is made: those of other schemas must be there by then. */
const LOOKING = new Set(['FK CONSTRAINT', 'MATERIALIZED VIEW']);

/** The rows of the tables among `needed` that something in `made` looks at, and the partitions that hold them. */
function withRows(
  all: WholeEntry[],
  byId: Map<number, WholeEntry>,
  made: Set<number>,
  needed: Set<number>,
): Set<number> {
  const looking = all.filter(({ id, kind }) => made.has(id) && LOOKING.has(kind)).map(({ id }) => id);
  const looked = neededBy(new Set(looking), byId);
  const tables = new Set([...looked].filter((id) => needed.has(id) && byId.get(id)?.kind === 'TABLE'));
  const parts = new Set<number>();
  // Grows while it is walked: a partition may have partitions, and its index is attached to one that is attached itself.
  const look = [...tables];
  for (const id of look) {
    for (const entry of all) {
      if (!ATTACHED.has(entry.kind) || !entry.dependencies.includes(id)) continue;
      parts.add(entry.id);
      for (const part of entry.dependencies) {
        if (made.has(part) || parts.has(part) || !byId.has(part)) continue;
        parts.add(part);
        look.push(part);
        for (const other of neededBy(new Set([part]), byId)) parts.add(other);
        if (byId.get(part)?.kind === 'TABLE') tables.add(part);
      }
    }
    const keys = all.filter(({ kind, dependencies }) => kind === 'CONSTRAINT' && dependencies.includes(id));
    look.push(...keys.filter((key) => needed.has(key.id) && !look.includes(key.id)).map((key) => key.id));
  }
  const isOfThem = ({ kind, dependencies }: WholeEntry) =>
    kind === 'TABLE DATA' && dependencies.some((id) => tables.has(id));
  return new Set([...parts, ...all.filter(isOfThem).map(({ id }) => id)]);
}

const ATTACHED = new Set(['TABLE ATTACH', 'INDEX ATTACH']);

function reaches(entry: WholeEntry, id: number, byId: Map<number, WholeEntry>): boolean {
  return neededBy(new Set([entry.id]), byId).has(id);
}
