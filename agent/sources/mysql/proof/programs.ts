import { isDatabase } from '../names.ts';
import type { MysqlSession } from '../session.ts';
import { withoutEnd, type Definitions } from './canonical.ts';
import type { LeftOut } from './left-out.ts';

/** Routines, triggers and events: what runs in the database. Definers are no part of a dump of ours. */
export async function readProgramDefinitions(
  session: MysqlSession,
  database: string,
  leftOut: LeftOut,
  definitions: Definitions,
): Promise<void> {
  if (!leftOut.routines) await readRoutines(session, database, definitions);
  await readTriggers(session, database, leftOut, definitions);
  if (!leftOut.events) await readEvents(session, database, definitions);
}

async function readRoutines(
  session: MysqlSession,
  database: string,
  definitions: Definitions,
): Promise<void> {
  const routines = await session.query(
    `SELECT routine_type AS type, routine_name AS name, routine_definition AS body, is_deterministic AS a,
      sql_data_access AS b, security_type AS c, sql_mode AS d, routine_comment AS e, character_set_client AS f,
      collation_connection AS g, database_collation AS h
      FROM information_schema.routines WHERE ${isDatabase('routine_schema', database)}`,
  );
  const named = (type: unknown, name: unknown) => `${String(type).toLowerCase()} ${String(name)}`;
  for (const { type, name, body, ...rest } of routines) {
    definitions.add('routine', named(type, name), [withoutEnd(body), ...Object.values(rest)]);
  }
  const parameters = await session.query(
    `SELECT routine_type AS type, specific_name AS name, ordinal_position AS a, parameter_mode AS b, parameter_name AS c,
      dtd_identifier AS d, character_set_name AS e, collation_name AS f
      FROM information_schema.parameters WHERE ${isDatabase('specific_schema', database)} ORDER BY routine_type, specific_name, ordinal_position`,
  );
  for (const { type, name, ...rest } of parameters) {
    definitions.add('routine', named(type, name), Object.values(rest));
  }
}

async function readTriggers(
  session: MysqlSession,
  database: string,
  leftOut: LeftOut,
  definitions: Definitions,
): Promise<void> {
  const rows = await session.query(
    `SELECT trigger_name AS name, event_object_table AS tab, action_statement AS body, event_manipulation AS a,
      action_timing AS b, action_order AS c, sql_mode AS d, character_set_client AS e, collation_connection AS f,
      database_collation AS g
      FROM information_schema.triggers WHERE ${isDatabase('trigger_schema', database)}`,
  );
  for (const { name, tab, body, ...rest } of rows) {
    if (leftOut.names.has(String(tab))) continue;
    definitions.add('trigger', String(name), [tab, withoutEnd(body), ...Object.values(rest)]);
  }
}

/**
 * Whether an event is enabled does not count: in a copy none is. One that ends by itself and leaves nothing behind is not
 * told of: when its time has come, a restore does not bring it back.
 */
async function readEvents(session: MysqlSession, database: string, definitions: Definitions): Promise<void> {
  const rows = await session.query(
    `SELECT event_name AS name, event_definition AS body, event_type AS a, execute_at AS b, interval_value AS c,
      interval_field AS d, starts AS e, ends AS f, on_completion AS g, sql_mode AS h, time_zone AS i,
      event_comment AS j, character_set_client AS k, collation_connection AS l, database_collation AS m
      FROM information_schema.events WHERE ${isDatabase('event_schema', database)}
      AND NOT (on_completion = 'NOT PRESERVE' AND (execute_at IS NOT NULL OR ends IS NOT NULL))`,
  );
  for (const { name, body, ...rest } of rows) {
    definitions.add('event', String(name), [withoutEnd(body), ...Object.values(rest)]);
  }
}
