import type { Inspector } from '../../sources/source.ts';

/** What a restored database takes: for the next restore's estimate alone, so that not to know it is no failure. */
export async function sizeRestored(
  source: Pick<Inspector, 'sizeOf'>,
  database: string,
  signal: AbortSignal,
): Promise<{ databaseBytes?: number }> {
  try {
    const bytes = await source.sizeOf(database, signal);
    return bytes === null ? {} : { databaseBytes: bytes };
  } catch {
    signal.throwIfAborted();
    return {};
  }
}
