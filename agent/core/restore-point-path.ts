/**
 * Restore points lie under a path of their own that says when they were made, so that nothing that asks for a dump by its path finds one:
 * `/restore-points/20261101T150000Z/mysql/shop.sql`. The snapshot's own time is that of the newest dump, which stays what
 * `latest` names.
 */
export function restorePointPath(path: string, madeAt: Date): string {
  const stamp = madeAt.toISOString().replace(/[-:]|\.\d{3}/g, '');
  return `/restore-points/${stamp}${path}`;
}

/** When the restore point with this path was made; null for the path of anything else. */
export function restorePointTime(path: string): Date | null {
  const match = /^\/restore-points\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\//.exec(path);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
