import { HoldfastError } from '../../core/errors.ts';
import { errorFields } from '../error-fields.ts';
import { createDatabase } from './databases.ts';
import { codeOf } from './errors.ts';
import { localeClauses, readForm, tellForm, type DatabaseForm } from './database-form.ts';
import { quoteIdentifier, quoteLiteral } from './names.ts';
import type { PostgresSession } from './session.ts';

/**
 * Makes an empty database of this form, or as close to it as the server can; returns in what it is not, as sentence parts, in which it is
 * called what it will be in the end. Never of another encoding: what was dumped in one is not what comes back in another. Throws as
 * `createDatabase`, and `restore_failed` where the encoding cannot be had.
 */
export async function createLike(
  session: PostgresSession,
  { target, called }: { target: string; called: string },
  form: DatabaseForm,
): Promise<string[]> {
  const place = await placeOf(session, called, form);
  const wanted = `${localeClauses(form, session.major)} ${place.clause}`;
  const refusal = await attempt(session, target, wanted);
  if (refusal === null) return place.lacks;
  for (const locale of ['', NO_LOCALE(session.major)]) {
    const other = `ENCODING ${quoteLiteral(form.encoding)} ${locale} ${place.clause}`;
    if ((await attempt(session, target, other)) !== null) continue;
    const given = await readForm(session, target);
    return [
      ...place.lacks,
      `the server cannot sort as the source did (${tellForm(form)}: ${errorFields(refusal.cause).message}), so ${called} was made as ${given === null ? form.encoding : tellForm(given)}: text may sort and compare otherwise there. Install that locale, and restore again`,
    ];
  }
  throw new HoldfastError(
    'restore_failed',
    `the server makes no database of the encoding that the dump has (${tellForm(form)}): ${errorFields(refusal.cause).message}`,
    {
      hint: 'Install that locale on the server, or restore on another; nothing was changed.',
      cause: refusal,
    },
  );
}

/** Every server has it, for every encoding. */
const NO_LOCALE = (major: number) =>
  `LC_COLLATE 'C' LC_CTYPE 'C'${major >= 15 ? ' LOCALE_PROVIDER libc' : ''}`;

/** SQLSTATE: no room, too much of something, not now, stopped, the disk, the server itself. */
const NO_ROOM_OR_TIME = /^(53|54|55|57|58|XX)/;

/** Null where it was made; why not where it may be made in another way. */
async function attempt(
  session: PostgresSession,
  target: string,
  clauses: string,
): Promise<HoldfastError | null> {
  try {
    await createDatabase(session, target, clauses);
    return null;
  } catch (error) {
    // A locale that it lacks has another code from major to major: it is what is left.
    const isOther = !(error instanceof HoldfastError) || error.kind !== 'failed';
    if (isOther || NO_ROOM_OR_TIME.test(codeOf(error.cause))) throw error;
    return error;
  }
}

async function placeOf(
  session: PostgresSession,
  called: string,
  { tablespace }: DatabaseForm,
): Promise<{ clause: string; lacks: string[] }> {
  if (tablespace === null) return { clause: '', lacks: [] };
  const [row] = await session.query(
    `SELECT has_tablespace_privilege(oid, 'CREATE') AS may FROM pg_tablespace WHERE spcname = $1`,
    [tablespace],
  );
  if (row?.may === true) return { clause: `TABLESPACE ${quoteIdentifier(tablespace)}`, lacks: [] };
  const why = row === undefined ? 'the server has none of that name' : `${session.user} may not use it`;
  const elsewhere = `${called} lies in the default tablespace, and not in ${tablespace} as the source did: ${why}`;
  const move = `ALTER DATABASE ${quoteIdentifier(called)} SET TABLESPACE ${quoteIdentifier(tablespace)};`;
  return {
    clause: '',
    lacks: [`${elsewhere}. An administrator moves it, while nobody is connected: ${move}`],
  };
}
