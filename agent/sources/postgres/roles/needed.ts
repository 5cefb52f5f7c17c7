import type { WholeEntry } from '../archive-contents.ts';
import { REMARKS } from '../table-choice.ts';
import { rolesNamedBy } from './named.ts';

export interface Needed {
  /** Roles without which it does not load. */
  roles: string[];
  /** Those of them that own something, or whose default rights are set. */
  owners: string[];
  /** Roles that only what belongs to the database as a whole names: its owner, its rights, its settings. */
  wished: string[];
  /** Tablespaces that something lies in. */
  tablespaces: string[];
}

/**
 * What entries of an archive need of the server, beside the database. Where owners and rights are left out, what policies and user
 * mappings name is needed all the same.
 */
export function neededOf(entries: WholeEntry[], { owners }: { owners: boolean }): Needed {
  const roles = new Set<string>();
  const wished = new Set<string>();
  for (const entry of entries) {
    const isRight = entry.kind === 'ACL' || entry.kind === 'DEFAULT ACL';
    const named = owners || !isRight ? rolesNamedBy(entry) : [];
    const into = isOfDatabase(entry) ? wished : roles;
    for (const name of owners && isOwned(entry) ? [entry.owner, ...named] : named)
      if (isReadable(name)) into.add(name);
  }
  const inside = entries.filter((entry) => !isOfDatabase(entry));
  return {
    roles: [...roles],
    owners: owners ? [...new Set(inside.filter(isOwned).map(({ owner }) => owner))].filter(isReadable) : [],
    wished: owners ? [...wished].filter((name) => !roles.has(name)) : [],
    tablespaces: [...new Set(inside.map(({ tablespace }) => tablespace))].filter(
      (name) => name !== '' && isReadable(name),
    ),
  };
}

/**
 * Whether it is its owner's once pg_restore has made it: an object, or the default of its rights. An entry of rights, rows or a comment bears
 * the owner of what it is about, which may be what an extension made, as a superuser who is needed for nothing else.
 */
function isOwned({ kind, owner, drop }: WholeEntry): boolean {
  if (owner === '') return false;
  return kind === 'DEFAULT ACL' || (drop !== '' && !WITH_ANOTHER.has(kind));
}

/** They belong to whom that belongs which they are part of. */
const WITH_ANOTHER = new Set([
  'CAST',
  'CHECK CONSTRAINT',
  'CONSTRAINT',
  'DATABASE PROPERTIES',
  'DEFAULT',
  'FK CONSTRAINT',
  'INDEX',
  'POLICY',
  'ROW SECURITY',
  'RULE',
  'TRIGGER',
  'USER MAPPING',
]);

/** What an archive holds in another encoding than UTF-8 is not known here. pg_restore knows it, and says where the server lacks it. */
export function isReadable(text: string): boolean {
  return !text.includes('\uFFFD');
}

/** It stands in an archive, and pg_restore passes it over where it makes no database. */
export function isOfDatabase({ kind, tag }: Pick<WholeEntry, 'kind' | 'tag'>): boolean {
  return OF_DATABASE.has(kind) || (REMARKS.has(kind) && tag.startsWith('DATABASE '));
}

const OF_DATABASE = new Set(['DATABASE', 'DATABASE PROPERTIES']);
