/**
 * One statement that does something to each large object of the database that it is run in: `GRANT SELECT ON` them
 * `TO "backup"`. `role` is quoted. There is no grant for all of them, and none for those to come.
 */
export function forEachLargeObject(before: string, after: string, role: string): string {
  const who = role.replaceAll("'", "''").replaceAll('%', '%%');
  const each = `EXECUTE format('${before} LARGE OBJECT %s ${after} ${who}', o);`;
  return `DO $$DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP ${each} END LOOP; END$$;`;
}
