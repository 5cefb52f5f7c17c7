/** Whose dumps plain files hold, as components of a path. */
export interface FilesOf {
  /** The source's name. It begins the names of its files, for two servers may have databases of one name. */
  source: string;
  /** Its database, which is what paths in a repository begin with. */
  database: string;
}

/**
 * The name of a plain file, without the suffix of its compression. Two sources share none: of the source `north`, whose database is `clinic`,
 * `/postgres/clinic/tenant_42.dump` becomes `north.tenant_42_20261121T150000Z.dump`.
 */
export function fileName(path: string, { source, database }: FilesOf, at: Date): string {
  const [, , top = '', below] = path.split('/');
  const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  if (below === undefined) return `${source}_${stamp}${top.slice(database.length)}`;
  const kind = OF_TENANT.exec(below)?.[0] ?? '';
  return `${source}.${below.slice(0, below.length - kind.length)}_${stamp}${kind}`;
}

const OF_TENANT = /(?:\.prelude\.sql|\.dump)$/;

/**
 * How a source's files are called: by its own name, but where it begins as the files of another source's tenants do. Beside the source `north` with
 * its tenant `tenant_42`, those of the source `north.tenant_42` begin with `north%2Etenant_42`, which no other name is written as.
 */
export function filesOfSource({ source, database }: FilesOf, withTenants: string[]): FilesOf {
  const alike = withTenants.some((other) => source.startsWith(`${other}.`));
  return { source: alike ? source.replaceAll('.', '%2E') : source, database };
}

/** What files of different times have in common, whether they were finished or not; null for a name that is none of ours. */
export function nameWithoutTime(file: string): string | null {
  const [, stem, , kind] = STAMPED.exec(file) ?? [];
  return stem === undefined || kind === undefined ? null : `${stem}_${kind}`;
}

/** The time in a name; of one name, these sort as the files do. */
export function timeIn(file: string): string {
  return STAMPED.exec(file)?.[2] ?? '';
}

/** What a file is called until it is whole. */
export const UNFINISHED = '.partial';

const STAMPED = /^(.+)_(\d{8}T\d{6}Z)(\.[a-z.]+?)(?:\.gz|\.zst)?(?:\.partial)?$/;
