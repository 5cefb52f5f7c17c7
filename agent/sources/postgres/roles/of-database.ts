import type { DatabaseTrait } from '../../roles.ts';
import type { WholeEntry } from '../archive-contents.ts';
import { statementError } from '../errors.ts';
import { quoteIdentifier } from '../names.ts';
import type { PostgresSession } from '../session.ts';
import { isOfDatabase, isReadable } from './needed.ts';
import { statementsOf, type Statement } from './statements.ts';

/** What an archive says of its database as a whole, which pg_restore passes over where the database is there: owner, settings, comment, rights. */
export function traitsOf(entries: WholeEntry[]): DatabaseTrait[] {
  return entries
    .filter(isOfDatabase)
    .flatMap(traitsIn)
    .filter(({ pieces }) => pieces.length > 0)
    .toSorted((one, other) => ORDER.indexOf(one.what) - ORDER.indexOf(other.what));
}

/** Rights are told as they differ from those that its owner has. */
const ORDER = ['owner', 'settings', 'settings of roles', 'comment', 'rights'];

/** Gives them to a database of any name; returns those that it could not be given, as sentence parts. */
export async function giveTraits(
  session: PostgresSession,
  database: string,
  traits: DatabaseTrait[],
): Promise<string[]> {
  const warnings: string[] = [];
  for (const { what, pieces } of traits) {
    const lacks = `the database lacks its ${what}: see them with \`pg_restore --create --schema-only\``;
    if (!pieces.flat().every((text) => text === null || isReadable(text))) {
      warnings.push(lacks);
      continue;
    }
    await session.query('BEGIN');
    try {
      for (const [before, after] of pieces)
        await session.query(after === null ? before : `${before}${quoteIdentifier(database)}${after}`);
      await session.query('COMMIT');
    } catch (error) {
      await session.query('ROLLBACK').catch(() => undefined);
      const { kind } = statementError(error, '', null);
      if (kind === 'source_unreachable') throw error;
      // The message may quote a setting, which may be a secret.
      warnings.push(lacks);
    }
  }
  return warnings;
}

function traitsIn({ kind, owner, definition }: WholeEntry): DatabaseTrait[] {
  if (kind === 'DATABASE') {
    const alter: DatabaseTrait['pieces'] = [['ALTER DATABASE ', ` OWNER TO ${quoteIdentifier(owner)}`]];
    return owner === '' ? [] : [{ what: 'owner', isRight: true, pieces: alter }];
  }
  const statements = [...statementsOf(definition)];
  if (kind === 'ACL') return [{ what: 'rights', isRight: true, pieces: statements.flatMap(pieceOf) }];
  if (kind === 'COMMENT') return [{ what: 'comment', isRight: false, pieces: statements.flatMap(pieceOf) }];
  if (kind !== 'DATABASE PROPERTIES') return [];
  const ofRoles = (statement: Statement) => statement.tokens[1]?.value === 'ROLE';
  return [
    {
      what: 'settings',
      isRight: false,
      pieces: statements.filter((statement) => !ofRoles(statement)).flatMap(pieceOf),
    },
    { what: 'settings of roles', isRight: true, pieces: statements.filter(ofRoles).flatMap(pieceOf) },
  ];
}

/** Around the name of the database; nothing of what is none of it, or would make a template of it. */
function pieceOf({ tokens, text, from }: Statement): DatabaseTrait['pieces'] {
  const [first, second] = tokens;
  if (first === undefined || second === undefined || !KNOWN.has(first.value)) return [];
  if (tokens.some(({ kind, value }) => kind === 'word' && value === 'AUTHORIZATION')) return [[text, null]];
  const i = tokens.findIndex(({ kind, value }) => kind === 'word' && value === 'DATABASE');
  const [name, next] = [tokens[i + 1], tokens[i + 2]];
  if (i < 0 || name === undefined || next === undefined || next.value === 'IS_TEMPLATE') return [];
  return [[text.slice(0, name.at - first.at), ` ${from(next)}`]];
}

const KNOWN = new Set(['ALTER', 'COMMENT', 'GRANT', 'RESET', 'REVOKE', 'SET']);
